/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_LOGIN_AUDIT_H
#define POLICYD_LOGIN_AUDIT_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Logins in the audit log.  The first one of a kind (tenant, user, client,
 * outcome) is written at once; what follows within LOGIN_AUDIT_MS is counted
 * and written as one entry.  The number of kinds is bounded: then the rest is
 * counted under the client or the user "(others)", so that who guesses can
 * neither fill Redis nor go unseen.
 */
struct event_base;
struct login_audit;
struct policyd;

#define LOGIN_AUDIT_MS (5 * 60 * 1000)
#define LOGIN_AUDIT_KINDS 1000   /* of users that there are */
#define LOGIN_AUDIT_STRANGERS 64 /* clients with names that there are not */

struct login_audit *login_audit_new(struct event_base *base,
    struct policyd *daemon); /* NULL: no memory */
/* Writes what was counted; before the store closes. */
void login_audit_flush(struct login_audit *a);
/* Behind the store's last callback.  Takes NULL. */
void login_audit_free(struct login_audit *a);

struct login_audit_entry {
	struct slice tenant;
	struct slice user; /* absent: no such user */
	struct slice client;
	const char *outcome; /* "ok", "failed: ...", "locked" */
};
void login_audit_add(struct login_audit *a, const struct login_audit_entry *e);

#endif /* POLICYD_LOGIN_AUDIT_H */
