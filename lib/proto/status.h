/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_STATUS_H
#define PROTO_STATUS_H

#include "util/slice.h"

/* Why mail to a recipient failed: the product's error statuses. */
/* clang-format off */
#define STATUS_LIST(X) \
	X(STATUS_NONE, 0, "none", "no error") \
	X(STATUS_HOST_UNKNOWN, 1, "host_unknown", "destination not in DNS") \
	X(STATUS_USER_UNKNOWN, 2, "user_unknown", "address does not exist") \
	X(STATUS_TIMEOUT, 3, "timeout", "only temporary errors until the end of the retry period") \
	X(STATUS_REFUSED, 4, "refused", "refused by policy of the destination") \
	X(STATUS_FULL, 5, "mailbox_full", "mailbox or disk full") \
	X(STATUS_FORWARDED, 6, "forwarding", "error for an address the mail was forwarded to") \
	X(STATUS_SERVER, 7, "server_error", "destination server misconfigured") \
	X(STATUS_SIZE, 8, "too_large", "message too large for the destination") \
	X(STATUS_ADDRESS, 9, "bad_address", "destination address malformed") \
	X(STATUS_SUPPRESSED, 10, "suppressed", "address is blocked") \
	X(STATUS_UNSUBSCRIBED, 11, "unsubscribed", "address has unsubscribed") \
	X(STATUS_OTHER, 99, "other", "any other permanent error")

enum status {
#define X(name, num, word, text) name = num,
	STATUS_LIST(X)
#undef X
};
/* clang-format on */

/* "user_unknown"; "unknown" for a number not in the list. */
const char *status_word(int status);
const char *status_text(int status);
bool status_known(int status);

/* RFC 3463 "class.subject.detail". */
struct enhanced_code {
	unsigned class, subject, detail; /* class 0: none */
};
/*
 * An enhanced code at the start of s: octets used, or 0 if there is none.
 * RFC 3463, 2: class 2, 4 or 5, no leading zeros, at most 3 digits each.
 */
size_t enhanced_code_parse(struct slice s, struct enhanced_code *ret_code);

/*
 * The first SMTP reply code (200..599) and enhanced code in a reply text: a
 * reply as it came ("550-5.1.1 ..."), a DSN's diagnostic ("smtp; 550 ..."), or
 * a line of Postfix's ("host a[1.2.3.4] said: 550 5.1.1 ...").  A reply code
 * stands alone as a word; an enhanced code follows it, or is the first of class
 * 4 or 5 further on.  Any text is fine; what is not there stays 0.
 */
struct smtp_reply {
	unsigned code; /* 0: none */
	struct enhanced_code enhanced;
	struct slice text; /* behind the codes it begins with */
};
void smtp_reply_parse(struct slice text, struct smtp_reply *ret_reply);

#endif /* PROTO_STATUS_H */
