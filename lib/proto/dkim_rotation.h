/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_DKIM_ROTATION_H
#define PROTO_DKIM_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/settings.h"

/*
 * The life of the DKIM keys of one domain: prepared, published, active,
 * retiring, removed.  Each step waits until the DNS agrees and its time has
 * come.  Pure: who calls has asked the DNS.
 */
struct rotation_rules {
	int64_t every_s;   /* age at which a key gets a successor; 0: never */
	int64_t publish_s; /* in the DNS for so long before it signs */
	int64_t retire_s;  /* in the DNS for so long after it signed */
};
struct rotation_key {
	enum dkim_state state;
	int64_t since_s; /* wall clock; 0: not known, so nothing is due */
	bool ed25519;
	int match; /* enum dkim_match; < 0: the DNS does not tell */
	/* The plan: */
	enum dkim_state next;
	bool drop; /* the entry goes */
};
/* Fills in the plan.  ret_new: which algorithms get a new key. */
struct rotation_new {
	bool rsa, ed25519;
};
void dkim_rotation_plan(const struct rotation_rules *rules,
    struct rotation_key *keys, size_t count, int64_t now_s,
    struct rotation_new *ret_new);

/* NULL: the DNS supports this step by hand; else why not, for a person. */
const char *dkim_rotation_refusal(const struct rotation_key *keys, size_t count,
    size_t i, enum dkim_state to);

/* "prepared", ... */
const char *dkim_state_word(enum dkim_state state);
/* ERR_SYNTAX */
int dkim_state_parse(struct slice word, enum dkim_state *ret_state);

#endif /* PROTO_DKIM_ROTATION_H */
