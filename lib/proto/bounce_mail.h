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
struct complaint;
struct returned_names;

#define BOUNCE_REPORTS_MAX 1000
#define BOUNCE_REASON_MAX 500

enum bounce_kind {
	BOUNCE_FAILED,     /* "bounce" */
	BOUNCE_DELAY,      /* will be tried again: no failure */
	BOUNCE_DELIVERED,  /* a receipt: RFC 3464's, or RFC 8098's */
	BOUNCE_AUTO_REPLY, /* a person's vacation or the like */
	BOUNCE_CHALLENGE,  /* a filter asks the sender to prove something */
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
	enum bounce_kind kind;    /* of the whole; count may be 0 */
	struct slice envelope_id; /* of the message it is about (RFC 3464,
				     2.2.1), as it stands there; or absent */
	struct slice returned;    /* header of that message; or absent */
	struct bounce_report *reports;
	size_t count;
	struct complaint *complaint;  /* complaint.h; NULL: the mail is none.
					 kind is BOUNCE_OTHER for one that
					 tells of no complaint */
	struct returned_names *names; /* returned_names.h; never NULL */
};
/*
 * rules  of this site; NULL: those that come with the program
 * Slices point into message or the arena.  0, ERR_NOMEM.
 */
int bounce_mail_read(struct slice message, const struct bounce_rules *rules,
    struct arena *arena, struct bounce_mail *ret_mail);

const char *bounce_kind_word(enum bounce_kind kind); /* "auto-reply" */

/* The first mail address in s; absent: none. */
struct slice bounce_text_address(struct slice s);

#endif /* PROTO_BOUNCE_MAIL_H */
