/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of messages, sealed. */
#include "store/content_box.h"

#include <stdio.h>

#include "util/crypto.h"
#include "util/err.h"

#define CONTEXT_MAX 200

/* "TENANT ID NUMBER/COUNT": no piece stands for another, none is left out. */
static int
context_of(const struct content_piece *piece, char room[CONTEXT_MAX],
    struct slice *ret_context)
{
	int n = snprintf(room, CONTEXT_MAX, "%.*s %.*s %llu/%llu",
	    SLICE_F(piece->tenant), SLICE_F(piece->id),
	    (unsigned long long)piece->number,
	    (unsigned long long)piece->count);

	if (n < 0 || n >= CONTEXT_MAX)
		return ERR_LIMIT;
	*ret_context = (struct slice){ room, (size_t)n };
	return 0;
}

int
content_seal(const struct master_key *master, const struct content_piece *piece,
    struct slice plain, struct buf *out)
{
	char room[CONTEXT_MAX];
	struct slice context;
	int rc = context_of(piece, room, &context);

	if (rc < 0)
		return rc;
	return crypto_box_seal(master, piece->purpose, context, plain, out);
}

int
content_open(const struct master_key *master, const struct content_piece *piece,
    struct slice box, struct buf *out)
{
	char room[CONTEXT_MAX];
	struct slice context;
	int rc = context_of(piece, room, &context);

	if (rc < 0)
		return rc;
	return crypto_box_open(master, piece->purpose, context, box, out);
}
