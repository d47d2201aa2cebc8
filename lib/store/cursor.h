/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_CURSOR_H
#define STORE_CURSOR_H

#include "proto/block.h"
#include "store/event_rows.h"

/*
 * The texts by which a page says where the next one begins.  They come back
 * from API clients, so they are parsed as hostile.
 */
#define CURSOR_MAX (3 * BLOCK_FIELD_MAX + 64)

/* Events are in the order of (ms, host, seq). */
#define CURSOR_HOST_MAX 255
struct event_cursor {
	struct stream_id id;
	struct slice host;
};
int event_cursor_parse(struct slice text, struct event_cursor *ret_cursor);
struct slice event_cursor_format(const struct event_cursor *c,
    char room[CURSOR_MAX]);
int event_cursor_compare(const struct event_cursor *a,
    const struct event_cursor *b);

/*
 * Entries are in the order of (shard, field), where a shard is one piece of
 * one: shard * KEY_PIECES + piece; field empty: its start.
 */
struct block_cursor {
	unsigned shard;
	struct slice address; /* the field (proto/block.h); parse: lies in
				 room */
};
int block_cursor_parse(struct slice text, char room[BLOCK_FIELD_MAX],
    struct block_cursor *ret_cursor);
struct slice block_cursor_format(const struct block_cursor *c,
    char room[CURSOR_MAX]);

/* Held mail: what is ready by its turn, then the rest by its time. */
#define HOLD_ID_MAX 32 /* octets of a queue id */
struct hold_cursor {
	bool ready;
	int64_t score; /* INT64_MAX: no time releases it */
	struct slice queue_id;
};
int hold_cursor_parse(struct slice text, struct hold_cursor *ret_cursor);
struct slice hold_cursor_format(const struct hold_cursor *c,
    char room[CURSOR_MAX]);

#endif /* STORE_CURSOR_H */
