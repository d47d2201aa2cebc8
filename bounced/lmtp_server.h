/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_LMTP_SERVER_H
#define BOUNCED_LMTP_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "bounced/readers.h"
#include "util/slice.h"

/*
 * The LMTP server (RFC 2033) that Postfix hands what comes back to: bounces,
 * complaints, mail for applications.  Each recipient gets an answer of its own
 * behind the text; 451 when the mail can not be dealt with now, so that Postfix
 * keeps it.  A bounce longer than its maximum is read to its end, and judged
 * by its beginning.
 */
struct event_base;
struct lmtp_server;
struct store;

struct lmtp_options {
	const int *fds; /* listening; owned by the caller */
	size_t fd_count;
	struct slice host; /* greeting */
	unsigned max_clients;
	size_t max_message; /* octets of a bounce */
	size_t max_inbound; /* of a mail for an application; more: 552 */
};
int lmtp_server_start(struct event_base *base, struct store *s,
    const struct readers *readers, const struct lmtp_options *options,
    struct lmtp_server **ret_server);
/* For mails that begin from now on. */
void lmtp_server_limits(struct lmtp_server *server, unsigned max_clients,
    size_t max_message, size_t max_inbound);
/* Accepts nobody any more, lets those without a mail go; clients left. */
unsigned lmtp_server_drain(struct lmtp_server *server);
void lmtp_server_stop(struct lmtp_server *server); /* takes NULL */
unsigned lmtp_server_clients(const struct lmtp_server *server);

#endif /* BOUNCED_LMTP_SERVER_H */
