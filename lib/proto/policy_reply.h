/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_POLICY_REPLY_H
#define PROTO_POLICY_REPLY_H

#include "proto/status.h"
#include "util/buf.h"

/*
 * Postfix access policy delegation, reply side.  There is no OK among the
 * actions: a policy server that says OK lets mail pass the restrictions behind
 * it, open relays among them.
 * Spec: Postfix SMTPD_POLICY_README, access(5) "ACCEPT ACTIONS".
 */
enum policy_action {
	POLICY_DUNNO,           /* no opinion: the next restriction decides */
	POLICY_DEFER_IF_PERMIT, /* 4xx unless a later restriction rejects */
	POLICY_REPLY            /* code and text as given, at once */
};

/* Octets of text: with code, address and Postfix's words it stays below the
 * 512 of RFC 5321, 4.5.3.1.5, for any usual address. */
#define POLICY_TEXT_MAX 300

struct policy_reply {
	enum policy_action action;
	unsigned code;                 /* POLICY_REPLY: 400..599 */
	struct enhanced_code enhanced; /* class 0: none */
	struct slice text;             /* for the SMTP client */
};

/*
 * Append the reply to out.
 * ERR_SYNTAX   text is not one line of printable US-ASCII (a CR, LF or NUL
 *              could forge an attribute or a reply), or the codes do not fit
 *              each other: RFC 2034, 4
 * ERR_LIMIT    text is longer than POLICY_TEXT_MAX, or out is full
 * ERR_NOMEM
 */
int policy_reply_format(const struct policy_reply *reply, struct buf *out);

#endif /* PROTO_POLICY_REPLY_H */
