/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_KEY_CHECKS_H
#define POLICYD_KEY_CHECKS_H

#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"
#include "util/verified.h"

/*
 * Keys checked against their scrypt hashes, some 40 ms of CPU each, in threads
 * beside the loop.  The queue is bounded, over all and for each client; the
 * clients take turns, so that one who guesses does not keep others waiting.
 * Equal pairs that wait are checked once.
 * All functions are the loop's; only the threads inside see the jobs.
 */
struct event_base;
struct key_checks;

#define KEY_CHECKS_MAX 1024       /* in the queue */
#define KEY_CHECKS_CLIENT_MAX 256 /* of one client */

/* threads: 0 for half of the processors, 1 to 4.  NULL: no memory. */
struct key_checks *key_checks_new(struct event_base *base, unsigned threads);
/* Waits for the threads; what has no answer yet gets ERR_CANCELED. */
void key_checks_free(struct key_checks *k); /* takes NULL */

/* rc 1: right; 0: wrong; ERR_TIMEOUT: its turn came too late; ... */
typedef void key_checked(int rc, void *ctx);
/*
 * Exactly one checked(), never from inside, if this returns 0.
 * mark: of this name, key and hash.  ERR_LIMIT: too many wait; ERR_NOMEM.
 */
int key_check(struct key_checks *k, struct slice client, struct slice key,
    struct slice hash, const struct verified_mark *mark, int64_t deadline_us,
    key_checked *checked, void *ctx);

#endif /* POLICYD_KEY_CHECKS_H */
