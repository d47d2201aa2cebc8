/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_LOGIN_OFFER_H
#define POLICYD_LOGIN_OFFER_H

#include <stdbool.h>

#include "util/slice.h"

/* Whether somebody may log in at all, before the key is looked at.  Pure. */
struct api_user;
struct settings;
struct tenant;

struct login_offer_request {
	struct slice client;      /* address */
	struct slice server_port; /* absent: not known */
	struct slice name;
	bool secured;
	unsigned mechanism; /* enum relay_mechanism */
};
struct login_offer {
	const struct tenant *tenant; /* whose limits go, and audit log */
	const struct api_user *user; /* NULL: no such user with SMTP access */
	const char *refusal;         /* NULL: offered */
};
/*
 * As the port may not be known and the sender is not, it is offered if there
 * is one tenant, of those that it may turn out to be, that the user may send
 * for and that takes logins from this client in this way.  The policy says at
 * each recipient what holds for the tenant that it is in the end.
 */
struct login_offer login_offer(const struct settings *s,
    const struct login_offer_request *request);

#endif /* POLICYD_LOGIN_OFFER_H */
