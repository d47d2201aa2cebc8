/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of refused messages, sealed. */
#include <stdio.h>

#include "store/quarantine_store.h"
#include "util/crypto.h"
#include "util/err.h"

#define PURPOSE "quarantine"
#define CONTEXT_MAX 200

/* "TENANT ID NUMBER/COUNT": no piece stands for another, none is left out. */
static int
context_of(const struct quarantine_chunk *chunk, char room[CONTEXT_MAX],
    struct slice *ret_context)
{
	int n = snprintf(room, CONTEXT_MAX, "%.*s %.*s %llu/%llu",
	    SLICE_F(chunk->tenant), SLICE_F(chunk->id),
	    (unsigned long long)chunk->number,
	    (unsigned long long)chunk->count);

	if (n < 0 || n >= CONTEXT_MAX)
		return ERR_LIMIT;
	*ret_context = (struct slice){ room, (size_t)n };
	return 0;
}

int
quarantine_seal(const struct master_key *master,
    const struct quarantine_chunk *chunk, struct slice plain, struct buf *out)
{
	char room[CONTEXT_MAX];
	struct slice context;
	int rc = context_of(chunk, room, &context);

	if (rc < 0)
		return rc;
	return crypto_box_seal(master, PURPOSE, context, plain, out);
}

int
quarantine_open(const struct master_key *master,
    const struct quarantine_chunk *chunk, struct slice box, struct buf *out)
{
	char room[CONTEXT_MAX];
	struct slice context;
	int rc = context_of(chunk, room, &context);

	if (rc < 0)
		return rc;
	return crypto_box_open(master, PURPOSE, context, box, out);
}
