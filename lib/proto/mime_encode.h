/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MIME_ENCODE_H
#define PROTO_MIME_ENCODE_H

#include "util/buf.h"
#include "util/slice.h"

/*
 * Transfer encodings written: RFC 2045, 6.7 and 6.8.  Lines are at most 76
 * octets and end in CRLF, in quoted-printable the last one only where the
 * text's does.  ERR_LIMIT, ERR_NOMEM: what was added before stays.
 */

/* text: CRLF and LF are line ends, a bare CR is not. */
int mime_encode_qp(struct slice text, struct buf *out);
/* What is quoted-printable already, but not in its safest form. */
int mime_requote_qp(struct slice quoted, struct buf *out);
/* Octets as they are; no line end behind the last line. */
int mime_encode_base64(struct slice octets, struct buf *out);

#endif /* PROTO_MIME_ENCODE_H */
