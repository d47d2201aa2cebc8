/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of the suppression list. */
#include <stdio.h>
#include <stdlib.h>

#include "store/block_store.h"
#include "store/cursor.h"
#include "store/keys.h"
#include "store/redis.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define WINDOW 16 /* shards asked for at once */
#define CHUNK 250 /* rows of each */
#define SCAN_MAX 20000
#define LIMIT_MAX 1000
#define ARENA_MAX (16 * 1024 * 1024)

struct page {
	struct store *s;
	struct block_query q;
	struct arena *arena;
	struct block_cursor cursor; /* read up to here */
	char room[ADDRESS_MAX];     /* of its address */
	unsigned rows, scanned;
	size_t waiting;
	bool again; /* a shard has more: the replies behind it do not count */
	bool full;
	int64_t deadline_us, now_s;
	block_row *row;
	block_page_end *end;
	void *ctx;
	int rc;
};

static void ask_window(struct page *p);

static void
finish(struct page *p, int rc)
{
	char room[CURSOR_MAX];
	struct slice next = { NULL, 0 };

	if (rc == 0 && p->cursor.shard < KEY_SHARDS)
		next = block_cursor_format(&p->cursor, room);
	p->end(rc, next, p->ctx);
	arena_free(p->arena);
	free(p);
}

static bool
matches(const struct page *p, struct slice address, const struct block *b)
{
	const struct block_query *q = &p->q;

	return b->state == q->state &&
	       (b->state != BLOCK_BLOCKED || block_is_active(b, p->now_s)) &&
	       (q->contains.len == 0 ||
		   slice_find(address, q->contains) != NULL) &&
	       (q->since_from_s == 0 || b->since_s >= q->since_from_s) &&
	       (q->since_to_s == 0 || b->since_s <= q->since_to_s) &&
	       (q->status == 0 || q->status == b->status);
}

static void
take_rows(struct page *p, const struct redis_reply *reply)
{
	struct block b;

	for (size_t i = 0; i + 1 < redis_count(reply); i += 2) {
		struct slice address = redis_string(redis_at(reply, i));
		struct slice text = redis_string(redis_at(reply, i + 1));

		if (p->rows == p->q.limit || address.len > ADDRESS_MAX) {
			p->full = p->rows == p->q.limit;
			return;
		}
		p->scanned++;
		memcpy(p->room, address.at, address.len);
		p->cursor.address = (struct slice){ p->room, address.len };
		if (block_parse(text, &b) < 0 || !matches(p, address, &b))
			continue;
		p->rows++;
		p->row(address, &b, p->ctx);
	}
}

static void
got_chunk(int rc, const struct redis_reply *reply, void *ctx)
{
	struct page *p = ctx;

	if (rc < 0 && p->rc == 0)
		p->rc = rc;
	/* Replies come in the order of the shards. */
	if (p->rc == 0 && !p->again && !p->full) {
		take_rows(p, reply);
		if (redis_count(reply) >= 2 * CHUNK) {
			p->again = true;
		} else if (!p->full) {
			p->cursor.shard++;
			p->cursor.address = SLICE("");
		}
	}
	if (--p->waiting > 0)
		return;
	if (p->rc < 0 || p->full || p->scanned >= SCAN_MAX ||
	    p->cursor.shard == KEY_SHARDS)
		finish(p, p->rc);
	else
		ask_window(p);
}

static void
ask_shard(struct page *p, unsigned shard, struct slice after)
{
	struct key blocks = key_blocks(p->q.tenant, shard);
	struct key index = key_block_index(p->q.tenant, shard);
	char from[ADDRESS_MAX + 1] = "(", count[NUMBER_TEXT_MAX];
	struct slice argv[4] = { key_slice(&blocks), key_slice(&index),
		SLICE("-"), { count, number_format(CHUNK, count) } };

	if (after.len > 0) {
		memcpy(from + 1, after.at, after.len);
		argv[2] = (struct slice){ from, after.len + 1 };
	}
	p->waiting++;
	redis_script(p->s, SCRIPT_block_page, 2, argv, 4, p->deadline_us,
	    got_chunk, p);
}

static void
ask_window(struct page *p)
{
	unsigned end = p->cursor.shard + WINDOW;

	p->again = false;
	if (end > KEY_SHARDS)
		end = KEY_SHARDS;
	ask_shard(p, p->cursor.shard, p->cursor.address);
	for (unsigned i = p->cursor.shard + 1; i < end; i++)
		ask_shard(p, i, SLICE(""));
}

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)reply;
	finish(ctx, rc);
}

static int
keep_query(struct page *p, const struct block_query *query)
{
	p->arena = arena_new(ARENA_MAX);
	if (p->arena == NULL)
		return ERR_NOMEM;
	p->q = *query;
	if (p->q.limit < 1 || p->q.limit > LIMIT_MAX)
		p->q.limit = LIMIT_MAX;
	p->q.tenant = arena_dup(p->arena, query->tenant);
	p->q.contains = arena_dup(p->arena, query->contains);
	if (p->q.tenant.at == NULL || p->q.contains.at == NULL)
		return ERR_NOMEM;
	if (query->cursor.len == 0)
		return 0;
	return block_cursor_parse(query->cursor, p->room, &p->cursor);
}

void
block_page(struct store *s, const struct block_query *query,
    int64_t deadline_us, block_row *row, block_page_end *end, void *ctx)
{
	struct page *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		abort(); /* as in redis.c: nobody could be told */
	p->s = s;
	p->deadline_us = deadline_us;
	p->now_s = clock_wall_us() / 1000000;
	p->row = row;
	p->end = end;
	p->ctx = ctx;
	if ((rc = keep_query(p, query)) < 0)
		redis_refuse(s, rc, refused, p);
	else
		ask_window(p);
}
