/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_SMTP_CLIENT_H
#define NET_SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Sends messages to the MTA beside us (RFC 5321, with PIPELINING and 8BITMIME
 * where offered) from a thread that may wait: every call has a deadline on the
 * monotonic clock.  No TLS and no AUTH: a loopback or Unix-domain socket.
 * Several messages over one session.
 */
struct smtp_session;

#define SMTP_REPLY_MAX 512
struct smtp_reply {
	int code; /* 0: none came */
	char text[SMTP_REPLY_MAX];
};

/*
 * address: "unix:PATH" or "inet:HOST:PORT" (numeric host).  Connects, reads
 * the greeting, says EHLO helo.  ERR_UNAVAIL, ERR_TIMEOUT, ERR_SYNTAX (no SMTP
 * there), ERR_NOMEM; ret_reply says what the server did.
 */
int smtp_open(const char *address, const char *helo, int64_t deadline_us,
    struct smtp_session **ret_session, struct smtp_reply *ret_reply);
/* QUIT, without waiting for its answer; takes NULL. */
void smtp_close(struct smtp_session *s);

/* Octets of the message in order; 0: that was all; < 0: an error. */
typedef long smtp_source(void *ctx, const char **ret_octets);
struct smtp_message {
	struct slice sender;            /* empty: the null reverse-path */
	const struct slice *recipients; /* without brackets */
	size_t recipient_count;
	bool eight_bit;
	smtp_source *source; /* lines in LF or CRLF */
	void *ctx;
};
/*
 * 0: the server has the message, for all recipients; ret_reply is its answer
 * to the end of data (Postfix names the queue id in it).  Else it has it for
 * none: one refused recipient is enough.  ERR_UNAVAIL: 4xx, or the session is
 * lost; ERR_DENIED: 5xx; ERR_TIMEOUT: no answer to the end of data, so that
 * nobody knows whether the server has it.  After ERR_UNAVAIL with a code and
 * ERR_DENIED the session goes on, after others it is of no use.
 */
int smtp_send(struct smtp_session *s, const struct smtp_message *m,
    int64_t deadline_us, struct smtp_reply *ret_reply);

#endif /* NET_SMTP_CLIENT_H */
