/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MIME_SAFE_H
#define PROTO_MIME_SAFE_H

#include "proto/header.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * A MIME entity made safe to sign: RFC 8551, 3.1.2 and 3.1.3; RFC 1847, 2.1.
 * What comes out is 7-bit, in lines of at most 998 octets that end in CRLF and
 * in no blank, none of which begins with "From ", and nothing in it is labelled
 * 8bit or binary: no MTA has a reason to change it.  What was so before comes
 * out octet by octet.
 *
 * fields  the entity's own: those with names that begin with "Content-"
 * body    behind the empty line; its lines end in CRLF or LF
 * out     appended to: header, empty line, body; its maximum is the limit
 *
 * Each leaf that is not safe becomes quoted-printable or base64, whatever
 * stands around it: multiparts and message/rfc822 are taken apart, as neither
 * may be encoded (RFC 2045, 6.4).  8-bit octets in header fields of parts
 * become encoded words (RFC 2047) or extended parameters (RFC 2231).
 * ERR_SYNTAX: it can not be made safe (a multipart without its boundary lines,
 * an unknown transfer encoding, ...); ERR_LIMIT: more than MIME_SAFE_DEPTH
 * entities inside one another, or MIME_SAFE_PARTS parts; ERR_NOMEM.
 */
#define MIME_SAFE_DEPTH 16
#define MIME_SAFE_PARTS 5000
#define MIME_SAFE_LINE 998
int mime_safe(const struct header_field *fields, size_t count,
    struct slice body, struct buf *out);

/* What is not safe in a text; 0: nothing. */
enum mime_unsafe {
	MIME_UNSAFE_LINE_ENDS = 1 << 0, /* a bare LF */
	MIME_UNSAFE_BLANKS = 1 << 1,    /* at the end of a line */
	MIME_UNSAFE_FROM = 1 << 2,      /* a line begins with "From " */
	MIME_UNSAFE_LONG = 1 << 3,      /* a line of more than 998 octets */
	MIME_UNSAFE_OCTETS = 1 << 4,    /* 8-bit, NUL, a bare CR */
};
unsigned mime_unsafe(struct slice text);

#endif /* PROTO_MIME_SAFE_H */
