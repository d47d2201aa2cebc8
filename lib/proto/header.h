/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_HEADER_H
#define PROTO_HEADER_H

#include <stdint.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * The header of a message: fields in their order.  RFC 5322, 2.2; lines end
 * in CRLF or in a bare LF.
 */
struct header_field {
	struct slice name;  /* without the colon and blanks before it */
	struct slice value; /* as it stands behind the colon, with its
			       folding, without the last line end */
};

/* A field name: printable ASCII but for the colon; RFC 5322, 3.6.8. */
bool header_name_ok(struct slice name);

/*
 * Line ends that are followed by a blank or tab go (RFC 5322, 2.2.3), and so
 * do blanks at both ends; other control octets become blanks.
 */
int header_unfold(struct slice value, struct buf *out);

/*
 * A push parser: feed what arrives, in any pieces.
 * field()   called for each field, in order; the slices live inside the call
 *           only.  Less than 0 stops the parser with that error.
 */
typedef int header_found(void *ctx, const struct header_field *field);
struct header_parser {
	struct buf text; /* the field being read, or the first body line */
	size_t scanned;
	header_found *found;
	void *ctx;
	size_t fields_left;
	enum { HEADER_IN, HEADER_DONE, HEADER_FAILED } state;
	int rc;
};

/* field_max: octets of the longest field; fields_max: how many. */
void header_parser_init(struct header_parser *p, size_t field_max,
    size_t fields_max, header_found *found, void *ctx);
void header_parser_done(struct header_parser *p);
/*
 * Returns how many octets were taken: fewer than given when the header ended
 * inside (the rest is body), or the error of field(), ERR_LIMIT or ERR_NOMEM,
 * which is final.
 */
ssize_t header_parser_feed(struct header_parser *p, struct slice in);
/* The message ended: the last field is told if the header had not ended. */
int header_parser_end(struct header_parser *p);
bool header_parser_ended(const struct header_parser *p);
/*
 * Some messages have no empty line before the body: then the first line that
 * can not be a field ends the header, and belongs to the body.  After the
 * header's end: what of the body the parser took.
 */
struct slice header_parser_body(const struct header_parser *p);

#endif /* PROTO_HEADER_H */
