/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_VERIFIED_H
#define UTIL_VERIFIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/crypto.h"
#include "util/slice.h"

/*
 * Names and passwords that were right a while ago, so that a busy application
 * does not cost a scrypt each time.  Kept as MACs under a random key of this
 * process; a MAC covers the stored hash, too, so that who changes a password
 * makes the old pair unknown at once.  A fixed number of places: of two that
 * meet in one the later stays.  One thread at a time.
 */
struct verified;
struct verified_mark {
	uint8_t octets[CRYPTO_SHA256_LEN];
};

/* keep_ms: how long a pair is known; 0: as long as there is room. */
struct verified *verified_new(size_t places, int64_t keep_ms);
void verified_free(struct verified *v); /* takes NULL */

/* ERR_CRYPTO, ERR_NOMEM, ERR_LIMIT. */
int verified_mark(const struct verified *v, struct slice name,
    struct slice password, struct slice hash, struct verified_mark *ret_mark);
bool verified_has(const struct verified *v, const struct verified_mark *mark);
void verified_add(struct verified *v, const struct verified_mark *mark);
bool verified_same(const struct verified_mark *a,
    const struct verified_mark *b);

#endif /* UTIL_VERIFIED_H */
