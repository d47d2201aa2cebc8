/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SHAPING_H
#define PROTO_SHAPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/retry.h"
#include "util/slice.h"

/*
 * How mail is sent to mailbox providers: the section "shaping" of the global
 * document, with the filters of the provider file behind its own.  Compiled
 * by settings_shaping.c; part of a snapshot, immutable.
 */
struct regex;
struct settings;
struct zone;

#define SHAPING_FILTERS_MAX 400
#define SHAPING_NAME_MAX 32 /* of a filter, of a sending address */
#define SHAPING_ADDRESSES_MAX 64
/* Of one host: master(8) listens for each of them. */
#define SHAPING_TRANSPORTS_MAX 1000

enum shaping_action {
	SHAPING_SLOW,      /* half the pace */
	SHAPING_SUSPEND,   /* nothing for a time */
	SHAPING_TRANSCODE, /* a 5xx counts as temporary */
	SHAPING_IGNORE
};
struct shaping_rule {
	const struct regex *pattern; /* found anywhere */
	enum shaping_action action;
	int64_t for_ms; /* suspend, where the reply names no time */
};

enum forward_tls { FORWARD_TLS_MAY, FORWARD_TLS_ENCRYPT, FORWARD_TLS_VERIFY };

struct shaping_filter {
	struct slice name;
	const struct regex *const *patterns; /* the whole value */
	size_t pattern_count;
	bool host_name; /* they are about MX hosts */
	unsigned connections;
	int64_t interval_us; /* 0: no pace */
	bool fixed;
	int64_t max_interval_us;
	unsigned messages_per_connection; /* 0: no limit */
	unsigned cache_size, cache_idle_s;
	/* Indices into struct shaping's addresses; none: the system's. */
	const unsigned *addresses;
	size_t address_count;
	struct slice forward_host; /* empty: the MX hosts */
	unsigned forward_port;
	enum forward_tls forward_tls;
	struct slice forward_user;     /* empty: no AUTH */
	struct slice forward_password; /* absent without the master key */
	struct slice forward_sealed;   /* the same as it is stored */
	const struct shaping_rule *rules;
	size_t rule_count;
	struct retry_curve retry;
};

struct sending_address {
	struct slice name;
	struct slice ipv4, ipv6; /* text; or empty */
	struct slice host;       /* empty: every one has it */
	struct slice helo;       /* empty: Postfix's own */
	bool warming;            /* there is a plan: */
	unsigned start_year, start_month, start_day;
	const unsigned *per_day;
	size_t days;
	const struct zone *zone;
};

struct shaping {
	unsigned mode; /* enum settings_mode */
	const struct shaping_filter *filters;
	size_t filter_count;
	const struct sending_address *addresses;
	size_t address_count;
	struct retry_curve retry;
};
/* Never NULL. */
const struct shaping *settings_shaping(const struct settings *s);
/* NULL: no such filter. */
const struct shaping_filter *shaping_filter_named(const struct shaping *s,
    struct slice name);

/*
 * The first filter for a recipient; NULL: none.
 * recipient  canonical, in lower case
 * mx         hosts of its domain in lower case without final dot; count 0: not
 *            known (or none): filters by host name do not match
 */
const struct shaping_filter *shaping_match(const struct shaping *s,
    struct slice recipient, const struct slice *mx, size_t mx_count);
/*
 * The same in two steps, as what a set of hosts leads to can be remembered:
 * the first filter by host name that matches the hosts, or filter_count; and
 * the first for a recipient, given that.
 */
size_t shaping_match_hosts(const struct shaping *s, const struct slice *mx,
    size_t mx_count);
const struct shaping_filter *shaping_match_recipient(const struct shaping *s,
    struct slice recipient, size_t by_host);
/* Whether any filter could need the MX hosts. */
bool shaping_needs_mx(const struct shaping *s);

/*
 * The filter's addresses that a host has: the first from that index on (into
 * filter->addresses), or SHAPING_NO_ADDRESS.  A host that has none of them
 * sends from the system's.
 */
#define SHAPING_NO_ADDRESS SIZE_MAX
size_t shaping_address_next(const struct shaping *s,
    const struct shaping_filter *f, struct slice host, size_t from);
/* How many transports a host has. */
size_t shaping_transport_count(const struct shaping *s, struct slice host);

/*
 * The transport of a filter, one for each of its sending addresses: "pn-NAME",
 * or "pn-NAME_ADDRESS" where it has addresses (index into filter->addresses;
 * SHAPING_NO_ADDRESS: the system's).  No name has a "_" in it, so that no two
 * are alike.  Its pace is asked for as "pace-NAME" or "pace-NAME_ADDRESS".
 * Returns the length; there is no NUL.
 */
#define SHAPING_TRANSPORT_PREFIX "pn-"
#define SHAPING_TRANSPORT_MAX (2 * SHAPING_NAME_MAX + 8)
size_t shaping_transport(const struct shaping *s,
    const struct shaping_filter *f, size_t address,
    char room[SHAPING_TRANSPORT_MAX]);
/*
 * The next hop of a filter with a forwarding server, "[HOST]:PORT", as
 * Postfix's table of transports and that of passwords must have it.  Returns
 * the length; 0: it has none.
 */
#define SHAPING_NEXT_HOP_MAX 272
size_t shaping_next_hop(const struct shaping_filter *f,
    char room[SHAPING_NEXT_HOP_MAX]);
/*
 * Back again: the filter of "NAME" or "NAME_ADDRESS" (what stands behind "pn-"
 * or "pace-"), and which of its addresses, or SHAPING_NO_ADDRESS.  NULL: there
 * is none (any more).
 */
const struct shaping_filter *shaping_transport_named(const struct shaping *s,
    struct slice name, size_t *ret_address);

#endif /* PROTO_SHAPING_H */
