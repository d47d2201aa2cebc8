/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MIME_ASCII_H
#define PROTO_MIME_ASCII_H

#include "util/buf.h"
#include "util/slice.h"

/*
 * A header field with octets that do not belong there, written anew: in ASCII,
 * folded, without blanks at the ends of lines.  8-bit text becomes encoded
 * words (RFC 2047), in parameters of Content-Type and Content-Disposition what
 * RFC 2231 says; it is taken for UTF-8 if it can be, else its character set is
 * left unknown (RFC 1428).
 * Appends the whole field with CRLF.  ERR_SYNTAX: it can not be written;
 * ERR_LIMIT, ERR_NOMEM.
 */
int mime_ascii_field(struct slice name, struct slice value, struct buf *out);

#endif /* PROTO_MIME_ASCII_H */
