/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SESSIONS_H
#define MILTER_SESSIONS_H

#include <stdbool.h>

#include "proto/settings.h"
#include "util/slice.h"

/*
 * SMTP sessions at once, of each tenant and of each client of one, on this
 * host.  A session counts from its first MAIL FROM, which says whose it is,
 * until it ends or begins a message of another tenant.  Any thread.
 */
#define SESSION_KEY_MAX 128
struct session { /* of one connection; zeroed: counts nowhere */
	char tenant[SESSION_KEY_MAX], client[SESSION_KEY_MAX];
	size_t tenant_len, client_len;
};

enum session_result { SESSION_OK, SESSION_TENANT_FULL, SESSION_CLIENT_FULL };
/*
 * Counts the session for that tenant and client, unless it does already; one
 * that would be too many counts nowhere.
 */
enum session_result session_enter(struct session *s, const struct tenant *t,
    struct slice client);
/* A mail for the receiving server of this tenant; leaves what it was in. */
bool session_enter_inbound(struct session *s, const struct tenant *t);
void session_leave(struct session *s);

#endif /* MILTER_SESSIONS_H */
