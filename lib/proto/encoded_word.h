/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_ENCODED_WORD_H
#define PROTO_ENCODED_WORD_H

#include "util/buf.h"
#include "util/slice.h"

/*
 * A field value as a person would read it: unfolded, encoded words (RFC 2047,
 * language tags of RFC 2231, 5) decoded to UTF-8 from any character set that
 * iconv(3) knows, runs of blanks and control octets made one blank each, no
 * blanks at the ends.
 *
 * As mail really is: encoded words may touch other text or stand in quotes, be
 * longer than 75 octets, hold blanks, and end inside a character that the next
 * one goes on with.  One that can not be decoded stays as it is.  Raw 8-bit
 * octets are kept where they are UTF-8, else each becomes U+FFFD.
 *
 * Appends to out what fits into its maximum, cut between two characters.
 * Always UTF-8.  ERR_NOMEM.
 */
int encoded_word_decode(struct slice value, struct buf *out);

#endif /* PROTO_ENCODED_WORD_H */
