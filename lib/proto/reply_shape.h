/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_REPLY_SHAPE_H
#define PROTO_REPLY_SHAPE_H

#include <stddef.h>

#include "util/slice.h"

/*
 * The shape of a reply: what stays of its text when all is taken out that is
 * another for each recipient, message, server or time.  Two replies of one
 * provider with the same shape are the same answer.
 *
 * Words in lower case with one blank between, punctuation gone.  Reply codes
 * and enhanced codes (RFC 3463) stay; for the rest
 *	@  an address, or the recipient's local part or domain
 *	#  numbers, times, addresses of hosts, ids, hashes, and those labels of
 *	   host names that have a digit; several in a row are one
 *	*  the host of "HOST[ADDRESS]", as Postfix has it
 * "host NAME[ADDRESS] said:" in front and what stands behind the "?" of a URL
 * is left out.
 *
 * Only whole words, and no more than fit: replies are cut where they are kept,
 * and how much of them is left depends on how long the variable parts were.
 */
#define REPLY_SHAPE_MAX 160

/*
 * recipient  canonical; or absent
 * Returns the length; there is no NUL.  Linear in the text.
 */
size_t reply_shape(struct slice text, struct slice recipient,
    char room[REPLY_SHAPE_MAX]);

#endif /* PROTO_REPLY_SHAPE_H */
