/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_SMTP_CLIENT_H
#define NET_SMTP_CLIENT_H

#include <stdint.h>

#include "proto/smtp_answer.h"
#include "util/slice.h"

/*
 * Hands messages to the MTA beside us (RFC 5321), from a thread that may wait:
 * every call has a deadline on the monotonic clock.  No TLS and no AUTH: a
 * loopback or Unix-domain socket.
 */
struct smtp_session;

/*
 * address: "unix:PATH" or "inet:ADDRESS:PORT".  Connects, reads the greeting,
 * says EHLO.  ERR_UNAVAIL: nobody there, or it refuses; ERR_TIMEOUT;
 * ERR_SYNTAX: not such an address, or no SMTP; ERR_NOMEM.
 * ret_answer  the server's last answer, for the log; code 0: there was none
 */
int smtp_open(const char *address, const char *helo, int64_t deadline_us,
    struct smtp_session **ret_session, struct smtp_answer *ret_answer);
/* Takes NULL.  Ended in the middle of a message, the server has none of it. */
void smtp_close(struct smtp_session *s);
/* To poll for the answer that smtp_finish reads. */
int smtp_fd(const struct smtp_session *s);

/* Octets of the message in order; .len == 0: that was all. */
typedef struct slice smtp_source(void *ctx);
struct smtp_message {
	struct slice sender;            /* empty: the null reverse-path */
	const struct slice *recipients; /* without angle brackets */
	size_t recipient_count;
	bool quiet; /* no bounces of it, where DSN is offered: RFC 3461 */
	smtp_source *source; /* its lines end in LF or CRLF */
	void *ctx;
};
/*
 * Envelope and content up to the end of data, whose answer is not read.
 * One refused recipient is enough for ERR_UNAVAIL (4xx) or ERR_DENIED (5xx).
 * ERR_TIMEOUT, ERR_IO (session lost), ERR_SYNTAX (an address that can not be
 * written in a command), ERR_NOMEM.  After an error close it: the server has
 * nothing.
 */
int smtp_begin(struct smtp_session *s, const struct smtp_message *m,
    int64_t deadline_us, struct smtp_answer *ret_answer);
/*
 * 0: the server has it, for all recipients.  ERR_UNAVAIL, ERR_DENIED: it has
 * not.  ERR_TIMEOUT, ERR_IO: nobody knows.
 */
int smtp_finish(struct smtp_session *s, int64_t deadline_us,
    struct smtp_answer *ret_answer);

#endif /* NET_SMTP_CLIENT_H */
