/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_URI_H
#define APID_URI_H

#include <stddef.h>

#include "util/arena.h"
#include "util/slice.h"

/* Request targets: RFC 3986, 2.1 and 3.4; forms as in the URL standard. */

/*
 * Percent-decoding into the arena.  plus: "+" is a blank (query only).
 * ERR_SYNTAX: a "%" without two hex digits, a NUL, or no UTF-8; ERR_LIMIT:
 * no room.
 */
enum uri_plus { URI_PLUS_IS_PLUS, URI_PLUS_IS_BLANK };
int uri_decode(struct slice in, enum uri_plus plus, struct arena *arena,
    struct slice *ret_out);

/* Octets that are neither unreserved (RFC 3986, 2.3) become "%XX". */
struct buf;
int uri_encode(struct slice in, struct buf *out);

/* Well-formed UTF-8 (RFC 3629), no NUL. */
bool uri_text_ok(struct slice text);

#define QUERY_MAX 32
struct query_param {
	struct slice name, value; /* decoded */
};
/*
 * "a=b&c" into at most QUERY_MAX pairs; empty pieces are skipped.
 * ERR_SYNTAX as above; ERR_LIMIT: too many.
 */
int query_parse(struct slice query, struct arena *arena,
    struct query_param ret_params[QUERY_MAX], size_t *ret_count);

#endif /* APID_URI_H */
