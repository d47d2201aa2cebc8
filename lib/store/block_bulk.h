/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_BLOCK_BULK_H
#define STORE_BLOCK_BULK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/block.h"

/*
 * Very many addresses at once: rows are gathered by shard and written in
 * scripts of BULK_ROWS, several under way at a time.  Doing it again changes
 * nothing: an address that is in that state before is left as it was.
 */
struct store;
struct block_bulk;

#define BULK_ROWS 64
struct block_bulk_counts {
	uint64_t added; /* came into this state */
	uint64_t known; /* were in it before */
	uint64_t kept;  /* are exempt, and were not blocked */
};

/* One that came into its state; may be NULL.  Slices live inside it only. */
typedef void block_bulk_added(struct slice address, struct slice stream,
    void *ctx);
/*
 * All that was to be done is done, or trouble (rc) has ended it: what was under
 * way then may or may not have been written.
 */
typedef void block_bulk_idle(int rc, void *ctx);
/* tenant is copied.  NULL: no memory. */
struct block_bulk *block_bulk_new(struct store *s, struct slice tenant,
    int64_t now_s, block_bulk_added *added, void *ctx);
/* Nothing may be under way.  Takes NULL. */
void block_bulk_free(struct block_bulk *b);

/* Copied.  0, ERR_NOMEM, or the trouble there was. */
int block_bulk_add(struct block_bulk *b, struct slice address,
    const struct block *block);
/* So much is under way that adding should wait: for idle() by _wait. */
bool block_bulk_busy(const struct block_bulk *b);
/* Calls back once, when it is no longer busy; now, if it is not. */
void block_bulk_wait(struct block_bulk *b, block_bulk_idle *idle, void *ctx);
/* Writes all that is gathered, and calls back when nothing is under way. */
void block_bulk_flush(struct block_bulk *b, block_bulk_idle *idle, void *ctx);
const struct block_bulk_counts *block_bulk_counts(const struct block_bulk *b);

#endif /* STORE_BLOCK_BULK_H */
