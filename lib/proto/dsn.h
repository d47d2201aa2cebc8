/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_DSN_H
#define PROTO_DSN_H

#include "util/arena.h"
#include "util/slice.h"

/*
 * The machine-readable part of a delivery status notification, RFC 3464, as
 * Postfix, Exim, Sendmail, Exchange and Gmail write it: order of fields, empty
 * lines and types are not relied on.
 */
#define DSN_RECIPIENTS_MAX 1000

enum dsn_action {
	DSN_NO_ACTION, /* not said, or unknown */
	DSN_FAILED,
	DSN_DELAYED,
	DSN_DELIVERED,
	DSN_RELAYED,
	DSN_EXPANDED,
};
struct dsn_recipient {
	enum dsn_action action;
	struct slice original;   /* Original-Recipient: the address alone */
	struct slice final;      /* Final-Recipient */
	struct slice actual;     /* X-Actual-Recipient (Sendmail, Exim) */
	struct slice status;     /* "5.1.1" */
	struct slice diagnostic; /* unfolded, without its type ("smtp;") */
	struct slice remote_mta; /* the name alone */
};
struct dsn {
	struct slice reporting_mta;
	struct slice envelope_id; /* Original-Envelope-Id */
	struct dsn_recipient *recipients;
	size_t count;
};
/*
 * text   the body of a message/delivery-status part, decoded
 * Slices point into text or the arena.  0 (count may be 0); ERR_NOMEM.
 */
int dsn_parse(struct slice text, struct arena *arena, struct dsn *ret_dsn);

/*
 * "rfc822; <a@b.example>" -> a@b.example.  An xtext "+2B" or "+3D" (RFC 3461,
 * 4) that was left in place is decoded; any other "+" is part of the address.
 * So is "\x{EF}" of an address of type utf-8 (RFC 6533, 3).
 */
struct slice dsn_address(struct slice value, struct arena *arena);

#endif /* PROTO_DSN_H */
