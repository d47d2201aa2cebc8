/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LOCKOUT_STORE_H
#define STORE_LOCKOUT_STORE_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Failed logins, counted in Redis for all hosts: of one user from one client
 * address, and of one client address over all users.  One script call each;
 * both keys are in one slot.
 */
struct store;

struct lockout {
	struct slice client; /* address, or network of an IPv6 one */
	struct slice user;   /* lower case */
	unsigned failures;   /* of this user that lock; >= 1 */
	unsigned client_failures;
	int64_t period_ms; /* in which they are counted; of the lock */
};

enum lockout_what {
	LOCKOUT_LOOK,
	LOCKOUT_FAIL, /* one more */
	LOCKOUT_CLEAR /* logged in: that user's are forgotten */
};

/* rc 0: how many there are now; else Redis trouble. */
typedef void lockout_done(int rc, int64_t failures, int64_t client_failures,
    void *ctx);
/* Exactly one done(), never from inside. */
void lockout_ask(struct store *s, const struct lockout *l,
    enum lockout_what what, int64_t deadline_us, lockout_done *done, void *ctx);

#endif /* STORE_LOCKOUT_STORE_H */
