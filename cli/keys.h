/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/dkim_rotation.h"
#include "util/slice.h"

/* The parts of "postern keys". */
struct json;
struct store_client;
struct sign_key;

struct keys_words {
	const char *selector, *algorithm, *bits, *state, *dns_servers;
	struct slice tenant;
	bool force, all;
	const char *plain[4]; /* with the verb */
	int count;
};

#define KEYS_MAX 16 /* of one domain: the schema says 8 */

/* What is known of a domain's keys, asked of the DNS where ask says so. */
struct keys_seen {
	struct rotation_key keys[KEYS_MAX];
	struct sign_key *opened[KEYS_MAX]; /* NULL: can not be opened */
	size_t count;
};
enum keys_ask { KEYS_ASK_DNS, KEYS_ASK_NOT };
/* ERR_NOMEM.  keys_seen_done in any case. */
int keys_look(struct store_client *c, const struct keys_words *w,
    const struct json *domain, enum keys_ask ask, struct keys_seen *ret_seen);
void keys_seen_done(struct keys_seen *seen);
/* "is in the DNS", or why not; of a match that may be < 0. */
const char *keys_match_text(int match);

/* The record to publish, for a zone file and plain. */
int keys_print_record(const struct sign_key *key, struct slice domain,
    struct slice selector);

/*
 * A new key, prepared, with a selector of its own: added to the domain, its
 * record printed.
 */
int keys_add_new(struct json *domain, bool ed25519, unsigned bits,
    int64_t now_us);

/* postern keys advance */
int keys_advance(struct store_client *c, struct keys_words *w);

#endif /* CLI_KEYS_H */
