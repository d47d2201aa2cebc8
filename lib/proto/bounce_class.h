/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BOUNCE_CLASS_H
#define PROTO_BOUNCE_CLASS_H

#include <stdbool.h>

#include "util/slice.h"

/*
 * Why exactly mail failed: finer than the product's statuses (proto/status.h),
 * and with the side that is to blame.  Only classes that tell of the recipient
 * may ever block him; the rest is the fault of who sends, who receives, or of
 * the network between, and would punish the innocent.
 *
 * Numbers are kept in events: a new class goes to the end.
 *	name, word, its usual status, fault, may block
 */
/* clang-format off */
#define BOUNCE_CLASS_LIST(X) \
	X(CLASS_NONE, "none", STATUS_NONE, FAULT_NONE, false) \
	X(CLASS_HOST_UNKNOWN, "host-unknown", STATUS_HOST_UNKNOWN, FAULT_RECIPIENT, true) \
	X(CLASS_NO_MAIL, "no-mail", STATUS_HOST_UNKNOWN, FAULT_RECIPIENT, true) \
	X(CLASS_USER_UNKNOWN, "user-unknown", STATUS_USER_UNKNOWN, FAULT_RECIPIENT, true) \
	X(CLASS_MOVED, "moved", STATUS_USER_UNKNOWN, FAULT_RECIPIENT, true) \
	X(CLASS_DISABLED, "disabled", STATUS_USER_UNKNOWN, FAULT_RECIPIENT, true) \
	X(CLASS_MAILBOX_FULL, "mailbox-full", STATUS_FULL, FAULT_RECIPIENT, true) \
	X(CLASS_SYSTEM_FULL, "system-full", STATUS_FULL, FAULT_RECEIVER, false) \
	X(CLASS_BAD_ADDRESS, "bad-address", STATUS_ADDRESS, FAULT_RECIPIENT, true) \
	X(CLASS_RECIPIENT_POLICY, "recipient-policy", STATUS_REFUSED, FAULT_RECIPIENT, true) \
	X(CLASS_GROUP, "group", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_EXPIRED, "expired", STATUS_TIMEOUT, FAULT_NETWORK, true) \
	X(CLASS_CONNECTION, "connection", STATUS_TIMEOUT, FAULT_NETWORK, true) \
	X(CLASS_DNS, "dns", STATUS_TIMEOUT, FAULT_NETWORK, true) \
	X(CLASS_GREYLISTED, "greylisted", STATUS_TIMEOUT, FAULT_RECEIVER, false) \
	X(CLASS_RATE, "rate", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_BLOCKLIST, "blocklist", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_REPUTATION, "reputation", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_AUTHENTICATION, "authentication", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_REVERSE_DNS, "reverse-dns", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_SENDER, "sender", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_SPAM, "spam", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_VIRUS, "virus", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_CONTENT, "content", STATUS_REFUSED, FAULT_SENDER, false) \
	X(CLASS_POLICY, "policy", STATUS_REFUSED, FAULT_RECEIVER, false) \
	X(CLASS_FORWARDING, "forwarding", STATUS_FORWARDED, FAULT_RECIPIENT, true) \
	X(CLASS_RELAY, "relay", STATUS_SERVER, FAULT_RECEIVER, true) \
	X(CLASS_LOOP, "loop", STATUS_SERVER, FAULT_RECEIVER, false) \
	X(CLASS_TLS, "tls", STATUS_SERVER, FAULT_RECEIVER, false) \
	X(CLASS_SERVER, "server", STATUS_SERVER, FAULT_RECEIVER, false) \
	X(CLASS_SIZE, "size", STATUS_SIZE, FAULT_SENDER, false) \
	X(CLASS_PROTOCOL, "protocol", STATUS_OTHER, FAULT_SENDER, false) \
	X(CLASS_SUPPRESSED, "suppressed", STATUS_SUPPRESSED, FAULT_NONE, false) \
	X(CLASS_UNSUBSCRIBED, "unsubscribed", STATUS_UNSUBSCRIBED, FAULT_NONE, false) \
	X(CLASS_OTHER, "other", STATUS_OTHER, FAULT_NONE, true)

enum fault {
	FAULT_NONE, /* not known, or nobody's */
	FAULT_RECIPIENT,
	FAULT_SENDER,
	FAULT_RECEIVER,
	FAULT_NETWORK
};
enum bounce_class {
#define X(name, word, status, fault, may) name,
	BOUNCE_CLASS_LIST(X)
#undef X
	BOUNCE_CLASS_COUNT
};
/* clang-format on */

const char *bounce_class_word(enum bounce_class class);
/* CLASS_NONE: no such word. */
enum bounce_class bounce_class_parse(struct slice word);
int bounce_class_status(enum bounce_class class); /* the usual one */
enum fault bounce_class_fault(enum bounce_class class);
const char *fault_word(enum fault fault); /* "recipient" */
/*
 * Whether it may count towards a block at all, whatever the conditions of the
 * settings say of its status.  True for CLASS_NONE: events written before there
 * were classes.
 */
bool bounce_class_may_block(enum bounce_class class);
/* The class a status stands for where nothing finer is known. */
enum bounce_class bounce_class_of_status(int status);

#endif /* PROTO_BOUNCE_CLASS_H */
