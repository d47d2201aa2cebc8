/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_DKIM_HEADER_H
#define MILTER_DKIM_HEADER_H

#include "milter/message.h"
#include "proto/dkim.h"

/*
 * The header of a message as DKIM signs it: chosen fields, in each canonical
 * form that a signature asks for, made once for all that do.
 */
struct dkim_header {
	struct header_field *fields; /* as they leave */
	struct dkim_pick *picks;
	size_t pick_count, line_max;
	struct buf text[2]; /* by enum dkim_canon; empty: not made yet */
	size_t len[2];      /* of that text, without a signature behind */
};

/*
 * After all edits.  exact: the simple form is asked for, too, which has each
 * blank.  ERR_NOMEM.  dkim_header_done in any case.
 */
int dkim_header_begin(struct dkim_header *h, struct message *msg, bool exact);
void dkim_header_done(struct dkim_header *h);
/*
 * The hash that is signed: over the header and the signature field, whose
 * value begins with a blank, as it leaves, and ends in "b=".  ERR_CRYPTO,
 * ERR_LIMIT, ERR_NOMEM.
 */
int dkim_header_hash(struct dkim_header *h, enum dkim_canon canon,
    struct slice signature, uint8_t ret_hash[CRYPTO_SHA256_LEN]);

#endif /* MILTER_DKIM_HEADER_H */
