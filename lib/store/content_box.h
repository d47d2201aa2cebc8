/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_CONTENT_BOX_H
#define STORE_CONTENT_BOX_H

#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * Whole messages in Redis: in pieces of this size, each sealed under the master
 * key, and bound to what it is a piece of.
 */
struct master_key;

#define CONTENT_PIECE (256 * 1024) /* octets, of all but the last one */
static inline uint64_t
content_pieces(uint64_t size)
{
	return (size + CONTENT_PIECE - 1) / CONTENT_PIECE;
}

/* Which one of how many. */
struct content_piece {
	const char *purpose; /* as for crypto_derive */
	struct slice tenant, id;
	uint64_t number, count; /* from 0 */
};
/* ERR_CRYPTO, ERR_LIMIT, ERR_NOMEM; appended to out. */
int content_seal(const struct master_key *master,
    const struct content_piece *piece, struct slice plain, struct buf *out);
/* ERR_CRYPTO: another key, another place, changed; ERR_SYNTAX. */
int content_open(const struct master_key *master,
    const struct content_piece *piece, struct slice box, struct buf *out);

#endif /* STORE_CONTENT_BOX_H */
