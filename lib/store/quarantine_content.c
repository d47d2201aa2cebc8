/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of refused messages, sealed. */
#include "store/content_box.h"
#include "store/quarantine_store.h"

static struct content_piece
piece_of(const struct quarantine_chunk *chunk)
{
	return (struct content_piece){ "quarantine", chunk->tenant, chunk->id,
		chunk->number, chunk->count };
}

int
quarantine_seal(const struct master_key *master,
    const struct quarantine_chunk *chunk, struct slice plain, struct buf *out)
{
	const struct content_piece piece = piece_of(chunk);

	return content_seal(master, &piece, plain, out);
}

int
quarantine_open(const struct master_key *master,
    const struct quarantine_chunk *chunk, struct slice box, struct buf *out)
{
	const struct content_piece piece = piece_of(chunk);

	return content_open(master, &piece, box, out);
}
