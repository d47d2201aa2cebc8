/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SETTINGS_SNAPSHOT_H
#define PROTO_SETTINGS_SNAPSHOT_H

#include <stdatomic.h>
#include <stdint.h>

#include "proto/settings.h"

/* Inside of a snapshot: settings_compile.c makes it, settings.c reads it. */
struct arena;
struct map;
struct schema_network;

/* A tenant rule: every list that is given must match. */
struct tenant_rule {
	const struct tenant *tenant;
	const struct map *users, *domains; /* NULL: not given */
	const uint16_t *ports;
	size_t port_count; /* 0: not given */
	const struct schema_network *networks;
	size_t network_count;
};

/* Rules that may match, in their order. */
struct candidate {
	size_t rule;
	struct candidate *next;
};
struct candidates {
	struct candidate *first, *last;
};

struct user_entry {
	const struct api_user *user;
	const struct tenant *tenant;
};

/* What the arena does not free. */
struct owned {
	struct owned *next;
	struct cms_signer *signer;
	struct filter *filter;
	struct map *map;
	struct regex *regex;
	struct sign_key *key;
	struct buf *secret;
};

struct settings {
	atomic_uint refs;
	struct arena *arena;
	struct owned *owned;
	struct tenant *tenants;
	size_t tenant_count;
	const struct tenant *fallback; /* "default" */
	struct map *names;             /* -> struct tenant */
	struct map *users;             /* -> struct user_entry */
	const struct settings_domain *operator_domain; /* or NULL */
	unsigned needs;                                /* enum settings_need */
	struct shaping shaping;
	struct scheduler_settings scheduler;
	struct retention_settings retention;
	struct map *zones; /* name -> struct zone; NULL: none yet */
	struct return_domain **returns;
	size_t return_count;
	struct map *return_domains;      /* -> struct return_domain */
	struct map *complaint_addresses; /* -> struct tenant */
	struct tenant_rule *rules;
	size_t rule_count;
	/* A rule stands in exactly one of these, by what it asks for. */
	struct map *by_user, *by_domain; /* -> struct candidates */
	struct candidates others;
};

/* Lower case in room; absent when it does not fit. */
#define SETTINGS_LOWER_MAX 256
struct slice settings_lower(struct slice s, char room[SETTINGS_LOWER_MAX]);

#endif /* PROTO_SETTINGS_SNAPSHOT_H */
