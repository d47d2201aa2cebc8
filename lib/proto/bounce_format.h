/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BOUNCE_FORMAT_H
#define PROTO_BOUNCE_FORMAT_H

#include <stdint.h>

#include "proto/bounce_mail.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * A bounce as Postern passes it on to who sent the message: written anew from
 * what was read, so that all mail systems' reports look alike, and none of the
 * tags of ours are in them.
 */
enum bounce_form {
	BOUNCE_FORM_REPORT, /* multipart/report, RFC 3462 and 3464 */
	BOUNCE_FORM_SIMPLE, /* text/plain: the reasons, then the header of the
			       message */
};
struct bounce_note {
	enum bounce_form form;
	struct slice from;        /* address of the mail */
	struct slice to;          /* the original envelope sender */
	struct slice host;        /* that reports; also of the Message-ID */
	struct slice id;          /* left part of the Message-ID; unique */
	struct slice envelope_id; /* the sender's own (RFC 3461); or absent */
	int64_t at_ms;
	/* Facts of the message; or absent. */
	struct slice subject, message_id;
	const struct bounce_report *reports; /* all of one kind */
	size_t count;
	struct slice returned; /* header of the message, as it came back; or
				  absent */
};
#define BOUNCE_NOTE_RETURNED_MAX (32 * 1024)
/*
 * The whole mail, lines end in LF, 7 bit but for what the returned header has:
 * then it says so (RFC 2045).  Of a message's failed and delayed recipients.
 * 0; the buffer's error.
 */
int bounce_format(const struct bounce_note *note, struct buf *out);

#endif /* PROTO_BOUNCE_FORMAT_H */
