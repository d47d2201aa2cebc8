/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_BLOCK_STORE_H
#define STORE_BLOCK_STORE_H

#include <stdint.h>

#include "proto/block.h"
#include "util/slice.h"

/*
 * The suppression list.  Addresses are canonical (proto/address.h).
 * Callbacks run once, on the loop's thread; slices live inside them only.
 */
struct store;

/* rc 0: block is the record; ERR_NOTFOUND: no record; else Redis trouble. */
typedef void block_found(int rc, const struct block *block, void *ctx);
/*
 * May mail of this stream (absent: of none) go to the address?  ERR_NOTFOUND:
 * yes; rc 0: no, because of block, which is without its evidence.  One HMGET.
 */
void block_look(struct store *s, struct slice tenant, struct slice address,
    struct slice stream, int64_t deadline_us, block_found *found, void *ctx);
/* All that is known of it, for all mail or for one stream.  One script. */
void block_get(struct store *s, struct slice tenant, struct slice address,
    struct slice stream, int64_t deadline_us, block_found *found, void *ctx);

/* One error, as the counting consumer hands it over. */
struct block_error {
	struct slice tenant, address;
	struct slice event_id; /* makes the call idempotent */
	struct slice message;  /* counted once per message and recipient */
	struct slice queue_id, reason;
	struct slice origin; /* of the block; absent: "bounce" */
	struct slice stream; /* the block shall hold for this stream only;
				absent or empty: for all mail */
	int status;
	int64_t at_s;
	/* the tenant's condition for this status */
	bool enabled;       /* false: nothing is kept, BLOCK_RESULT_COUNTED */
	bool observe;       /* count and say, but do not block */
	uint64_t threshold; /* errors until it is blocked */
	bool once_per_day;
	int64_t forget_s; /* count starts anew after this; 0: never */
	int64_t watch_s;  /* block lifts after this; 0: never */
};
enum block_result {
	BLOCK_RESULT_COUNTED,
	BLOCK_RESULT_REGISTERED, /* this very event blocked it (also when
				    the call is repeated) */
	BLOCK_RESULT_ALREADY,    /* was blocked, or counted before */
	BLOCK_RESULT_EXEMPT,
	BLOCK_RESULT_WOULD, /* observe: would have been blocked */
};
typedef void block_counted(int rc, enum block_result result, void *ctx);
/* One Lua call. */
void block_count(struct store *s, const struct block_error *error,
    int64_t deadline_us, block_counted *counted, void *ctx);

/*
 * By hand: API, CLI.  block->state says block or exempt, block->stream for
 * what.  Where it is so before, only a note that is present (empty: none any
 * more) and an expiry that is not 0 replace the old ones.
 */
#define BLOCK_EXPIRES_NEVER (-1)
typedef void block_changed(int rc, bool changed, void *ctx);
void block_put(struct store *s, struct slice tenant, struct slice address,
    const struct block *block, int64_t deadline_us, block_changed *changed,
    void *ctx);
/*
 * Take an address off: state says which kind may be removed (BLOCK_BLOCKED:
 * counting starts anew; BLOCK_EXEMPT).  rc 0: block is what it was;
 * ERR_NOTFOUND: it is not there, or in the other state.
 */
void block_remove(struct store *s, struct slice tenant, struct slice address,
    struct slice stream, enum block_state state, int64_t deadline_us,
    block_found *removed, void *ctx);

/*
 * One page, in the order of the shards and their pieces and, within one, of the
 * addresses: an order that inserting while somebody pages can not disturb.
 * cursor    empty: from the start; else what the page before ended with
 * row       called for each, then end() once with the next cursor (absent
 *           slice: no more)
 */
struct block_query {
	struct slice tenant;
	enum block_state state;           /* BLOCK_BLOCKED or BLOCK_EXEMPT */
	struct slice contains;            /* part of the address; absent: all */
	int64_t since_from_s, since_to_s; /* 0: open; both included */
	int status;                       /* 0: any */
	struct slice stream; /* absent: any; empty: for all mail; a name */
	struct slice cursor;
	unsigned limit; /* 1..1000 */
};
typedef void block_row(struct slice address, const struct block *block,
    void *ctx);
typedef void block_page_end(int rc, struct slice next_cursor, void *ctx);
void block_page(struct store *s, const struct block_query *query,
    int64_t deadline_us, block_row *row, block_page_end *end, void *ctx);

#endif /* STORE_BLOCK_STORE_H */
