/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_LOCKOUT_H
#define POLICYD_LOCKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Who failed too often: counted in Redis for all hosts, and in this process,
 * which stays where Redis did not hear of a failure, and saves asking it again
 * and again about who is locked.
 */
struct lockouts;
struct policyd;

/* Failures of one client, over all users, for each that one user has. */
#define LOCKOUT_CLIENT_FACTOR 10

struct lockout_limits {
	unsigned failures; /* of one user from one client; 0: never locked */
	int64_t period_ms;
};

struct lockouts *lockouts_new(struct policyd *daemon); /* NULL: no memory */
/* Behind the store's last callback.  Takes NULL. */
void lockouts_free(struct lockouts *l);

/*
 * rc < 0: Redis does not say; this process knows of no lock.
 * failures: there are some lately, of this user from there.
 */
typedef void lockouts_looked(int rc, bool locked, bool failures, void *ctx);
enum lockout_when { LOCKOUT_ANSWERED, LOCKOUT_ASKED };
/* client: as counted (limit_client); user: lower case.  Exactly one looked(),
 * from inside (LOCKOUT_ANSWERED) or later. */
enum lockout_when lockouts_look(struct lockouts *l, struct slice client,
    struct slice user, const struct lockout_limits *limits,
    lockouts_looked *looked, void *ctx);
/* By what this process has seen. */
bool lockouts_locked(const struct lockouts *l, struct slice client,
    struct slice user, const struct lockout_limits *limits);
void lockouts_failed(struct lockouts *l, struct slice client, struct slice user,
    const struct lockout_limits *limits);
void lockouts_clear(struct lockouts *l, struct slice client, struct slice user,
    const struct lockout_limits *limits);

#endif /* POLICYD_LOCKOUT_H */
