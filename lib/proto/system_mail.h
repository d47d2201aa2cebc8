/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SYSTEM_MAIL_H
#define PROTO_SYSTEM_MAIL_H

#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * What all mail that Postern writes itself has in common: its header (RFC
 * 5322, 3834) and its text.  Octets that could end a line or begin a field are
 * never let through.  Lines end in LF; errors stay in the buffer.
 */
struct system_mail {
	const char *name;       /* of the sender */
	struct slice from;      /* address; empty: postmaster@host */
	const struct slice *to; /* addresses */
	size_t to_count;
	struct slice subject;
	struct slice host, id; /* of the Message-ID; id is unique */
	int64_t at_ms;
	bool reply; /* to a mail: else of itself */
};
/* From "From" to "MIME-Version". */
void system_mail_header(const struct system_mail *m, struct buf *out);
/* "Content-Type" and what follows, UTF-8 in quoted-printable. */
void system_mail_text(struct slice text, struct buf *out);

/* Printable ASCII; a '?' for everything else.  Cut at SYSTEM_MAIL_VALUE_MAX. */
#define SYSTEM_MAIL_VALUE_MAX 600
void system_mail_ascii(struct slice value, struct buf *out);
/* "before", then text as any mail reader shows it, one line; nothing when it
 * is empty.  Cut at the same length. */
void system_mail_line(const char *before, struct slice text, struct buf *out);

#endif /* PROTO_SYSTEM_MAIL_H */
