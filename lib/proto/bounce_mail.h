/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BOUNCE_MAIL_H
#define PROTO_BOUNCE_MAIL_H

#include "proto/classify.h"
#include "util/arena.h"
#include "util/slice.h"

/*
 * A mail that came back: what it tells of which recipient.  Reports of RFC
 * 3464 and complaints of RFC 5965 by their fields, everything else by the
 * words and the layout that mail systems have used for it.
 */
#define BOUNCE_REPORTS_MAX 1000
#define BOUNCE_REASON_MAX 500

enum bounce_kind {
	BOUNCE_FAILED,     /* "bounce" */
	BOUNCE_DELAY,      /* will be tried again: no failure */
	BOUNCE_AUTO_REPLY, /* a person's vacation or the like */
	BOUNCE_COMPLAINT,
	BOUNCE_OTHER,
};
struct bounce_report {
	enum bounce_kind kind;
	struct slice recipient; /* as mailed where that is said, else final */
	struct slice original, final; /* as the report has them; or absent */
	struct slice reason, relay;
	struct classify_verdict verdict; /* of BOUNCE_FAILED; else status 0 */
};
struct bounce_mail {
	enum bounce_kind kind; /* of the whole; count may be 0 */
	struct bounce_report *reports;
	size_t count;
};
/* Slices point into message or the arena.  0, ERR_NOMEM. */
int bounce_mail_read(struct slice message, struct arena *arena,
    struct bounce_mail *ret_mail);

const char *bounce_kind_word(enum bounce_kind kind); /* "auto-reply" */

/*
 * Part of it, for a mail without a machine-readable report: recipients and
 * reasons in a plain text.
 * text    the human part, decoded
 * failed  X-Failed-Recipients, or absent
 * mine    addresses that are not the failing one (From, To of the mail)
 */
int bounce_text_read(struct slice text, struct slice failed, struct slice mine,
    struct arena *arena, struct bounce_mail *ret_mail);
/* The first mail address in s; absent: none. */
struct slice bounce_text_address(struct slice s);
/* Does it say that delivery will be tried again? */
bool bounce_text_is_delay(struct slice text);

#endif /* PROTO_BOUNCE_MAIL_H */
