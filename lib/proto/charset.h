/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_CHARSET_H
#define PROTO_CHARSET_H

#include <stdbool.h>

#include "util/buf.h"
#include "util/slice.h"

/* Octets in the name of a character set; longer ones are not known. */
#define CHARSET_MAX 40

/*
 * A text in the character set that a MIME part names (RFC 2045, RFC 2978), to
 * UTF-8.  Octets that are not of the set become U+FFFD.
 * Appends to out what fits.  ERR_NOTFOUND: nothing was written, as the set is
 * unknown or the text is UTF-8 or plain ASCII already; ERR_LIMIT, ERR_NOMEM.
 */
int charset_to_utf8(struct slice text, struct slice charset, struct buf *out);

/* The name iconv(3) has for a set of mail's; NULL: one that no mail is in. */
const char *charset_iconv_name(const char *name);
bool charset_is_utf8(const char *name); /* or its part, US-ASCII */

#endif /* PROTO_CHARSET_H */
