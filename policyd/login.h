/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_LOGIN_H
#define POLICYD_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * One login by SMTP: is it offered to this client, is the user locked, is the
 * key right?  Counts failures, writes log and audit log.  A name that does not
 * exist costs what a wrong key does.
 */
struct event_base;
struct login;
struct logins;
struct policyd;

/* Postfix waits 10 s. */
#define LOGIN_DEADLINE_MS 8000

struct logins *logins_new(struct event_base *base, struct policyd *daemon);
/* Ends all: nobody is called back any more.  Then the store may close. */
void logins_stop(struct logins *l); /* takes NULL */
/* Behind the store's last callback.  Takes NULL. */
void logins_free(struct logins *l);

enum login_result {
	LOGIN_OK,
	LOGIN_FAILED, /* and nothing that changes by itself */
	LOGIN_LOCKED, /* both of these: not now */
	LOGIN_UNAVAILABLE
};

struct login_attempt {
	struct slice name, key;
	struct slice client;      /* address */
	struct slice server_port; /* or absent: not known */
	bool secured;
	unsigned mechanism; /* enum relay_mechanism */
};

/* user: as the settings write it; lives inside the call. */
typedef void login_answer(enum login_result result, struct slice user,
    void *ctx);
/*
 * Exactly one answer, maybe from inside; attempt is copied.
 * Returns what login_abandon() takes, NULL once it is answered.
 */
struct login *login_start(struct logins *l, const struct login_attempt *attempt,
    login_answer *answer, void *ctx);
/* Nobody waits for the answer any more. */
void login_abandon(struct login *login);

#endif /* POLICYD_LOGIN_H */
