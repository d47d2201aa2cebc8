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

#define WINDOW_MAX 32 /* shards asked for at once, where little is found */
#define CHUNK 500     /* entries of each that are enough for one reply */
#define SCAN_MAX 50000
#define LIMIT_MAX 1000
#define ARENA_MAX (16 * 1024 * 1024)

/* One row found; its evidence is asked for when all are. */
struct row {
	unsigned shard;
	struct slice field;
	struct block block;
};

struct page {
	struct store *s;
	struct block_query q;
	struct arena *arena;
	struct block_cursor cursor; /* read up to here */
	char room[BLOCK_FIELD_MAX]; /* of its field */
	struct row *rows;
	size_t count;
	unsigned scanned, window;
	size_t waiting, evidence_at;
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
finish(struct page *p)
{
	char room[CURSOR_MAX];
	struct slice next = { NULL, 0 };

	for (size_t i = 0; i < p->count && p->rc == 0; i++) {
		struct row *r = &p->rows[i];
		struct slice address;

		block_field_split(r->field, &address, &r->block.stream);
		p->row(address, &r->block, p->ctx);
	}
	if (p->rc == 0 && p->cursor.shard < KEY_SHARDS * KEY_PIECES)
		next = block_cursor_format(&p->cursor, room);
	p->end(p->rc, next, p->ctx);
	arena_free(p->arena);
	free(p);
}

/* ---- evidence ---- */

static void
got_evidence(int rc, const struct redis_reply *reply, void *ctx)
{
	struct page *p = ctx;

	if (rc < 0 && p->rc == 0)
		p->rc = rc;
	/* Replies come in the order of the rows. */
	for (size_t i = 0; i < redis_count(reply); i++) {
		struct row *r = &p->rows[p->evidence_at++];
		struct slice text = redis_string(redis_at(reply, i));

		if (text.len == 0)
			continue;
		text = arena_dup(p->arena, text);
		if (text.at == NULL)
			p->rc = ERR_NOMEM;
		else
			(void)block_evidence_parse(text, &r->block);
	}
	if (--p->waiting == 0)
		finish(p);
}

/* The rows of one shard, from the one at first on; how many they are. */
static size_t
ask_evidence(struct page *p, size_t first)
{
	unsigned shard = p->rows[first].shard;
	struct key key = key_block_evidence(p->q.tenant, shard);
	struct slice argv[LIMIT_MAX + 2] = { SLICE("HMGET"), key_slice(&key) };
	size_t n = 0;

	while (first + n < p->count && p->rows[first + n].shard == shard) {
		argv[2 + n] = p->rows[first + n].field;
		n++;
	}
	redis_command(p->s, argv, n + 2, p->deadline_us, got_evidence, p);
	return n;
}

static void
ask_all_evidence(struct page *p)
{
	size_t first = 0;

	if (p->rc < 0 || p->count == 0) {
		finish(p);
		return;
	}
	for (size_t i = 0; i < p->count; i++)
		p->waiting +=
		    i == 0 || p->rows[i].shard != p->rows[i - 1].shard;
	while (first < p->count)
		first += ask_evidence(p, first);
}

/* ---- entries ---- */

struct entry {
	struct slice field, text;
};

static int
compare(const void *a, const void *b)
{
	const struct slice *x = &((const struct entry *)a)->field;
	const struct slice *y = &((const struct entry *)b)->field;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = len > 0 ? memcmp(x->at, y->at, len) : 0;

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static bool
matches(const struct page *p, const struct entry *e, const struct block *b)
{
	const struct block_query *q = &p->q;
	struct slice address, stream;

	block_field_split(e->field, &address, &stream);
	return b->state == q->state &&
	       (b->state != BLOCK_BLOCKED || block_is_active(b, p->now_s)) &&
	       (q->contains.len == 0 ||
		   slice_find(address, q->contains) != NULL) &&
	       (q->since_from_s == 0 || b->since_s >= q->since_from_s) &&
	       (q->since_to_s == 0 || b->since_s <= q->since_to_s) &&
	       (q->status == 0 || q->status == b->status) &&
	       (q->stream.at == NULL || slice_eq(q->stream, stream));
}

/* False: the page was full before. */
static bool
take_entry(struct page *p, const struct entry *e)
{
	struct block b;

	p->scanned++;
	if (block_entry_parse(e->text, &b) == 0 && matches(p, e, &b)) {
		struct row *r = &p->rows[p->count];

		if (p->count == p->q.limit)
			return false;
		*r = (struct row){ p->cursor.shard / KEY_PIECES,
			arena_dup(p->arena, e->field), b };
		if (r->field.at == NULL) {
			p->rc = ERR_NOMEM;
			return false;
		}
		p->count++;
	}
	memcpy(p->room, e->field.at, e->field.len);
	p->cursor.address = (struct slice){ p->room, e->field.len };
	return true;
}

/* The whole of one piece: what stands behind the cursor is new. */
static void
take_piece(struct page *p, const struct redis_reply *reply)
{
	size_t count = redis_count(reply) / 2;
	struct entry *list = calloc(count + 1, sizeof(*list));

	if (list == NULL) {
		p->rc = ERR_NOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++)
		list[i] = (struct entry){
			redis_string(redis_at(reply, 2 * i)),
			redis_string(redis_at(reply, 2 * i + 1)),
		};
	qsort(list, count, sizeof(*list), compare);
	struct entry after = { p->cursor.address, { NULL, 0 } };
	size_t i = 0;
	while (
	    i < count && after.field.len > 0 && compare(&list[i], &after) <= 0)
		i++;
	for (; i < count && !p->full && p->rc == 0; i++)
		if (list[i].field.len <= BLOCK_FIELD_MAX)
			p->full = !take_entry(p, &list[i]);
	free(list);
}

static void
take_pieces(struct page *p, const struct redis_reply *reply)
{
	unsigned first = p->cursor.shard / KEY_PIECES * KEY_PIECES;
	unsigned next = (unsigned)redis_integer(redis_at(reply, 0));

	for (size_t i = 1; i + 1 < redis_count(reply); i += 2) {
		unsigned shard =
		    first + (unsigned)redis_integer(redis_at(reply, i));

		if (shard != p->cursor.shard)
			p->cursor.address = SLICE("");
		p->cursor.shard = shard;
		take_piece(p, redis_at(reply, i + 1));
		if (p->full || p->rc < 0)
			return;
	}
	p->cursor = (struct block_cursor){ first + next, SLICE("") };
	p->again = next < KEY_PIECES;
}

static void
got_chunk(int rc, const struct redis_reply *reply, void *ctx)
{
	struct page *p = ctx;

	if (rc < 0 && p->rc == 0)
		p->rc = rc;
	/* Replies come in the order of the shards. */
	if (p->rc == 0 && !p->again && !p->full)
		take_pieces(p, reply);
	if (--p->waiting > 0)
		return;
	if (p->rc < 0 || p->full || p->scanned >= SCAN_MAX ||
	    p->cursor.shard == KEY_SHARDS * KEY_PIECES)
		ask_all_evidence(p);
	else
		ask_window(p);
}

static void
ask_shard(struct page *p, unsigned shard, unsigned piece)
{
	struct key prefix = key_block_entries_prefix(p->q.tenant, shard);
	char from[NUMBER_TEXT_MAX], pieces[NUMBER_TEXT_MAX];
	char enough[NUMBER_TEXT_MAX];
	struct slice argv[4] = { key_slice(&prefix),
		{ from, number_format(piece, from) },
		{ pieces, number_format(KEY_PIECES, pieces) },
		{ enough, number_format(CHUNK, enough) } };

	p->waiting++;
	redis_script(p->s, SCRIPT_block_page, 1, argv, 4, p->deadline_us,
	    got_chunk, p);
}

/* More shards each time: a list may be short, or little of it asked for. */
static void
ask_window(struct page *p)
{
	unsigned first = p->cursor.shard / KEY_PIECES, end;

	p->window = p->window == 0 ? 1 : p->window * 4;
	if (p->window > WINDOW_MAX)
		p->window = WINDOW_MAX;
	end = first + p->window;
	if (end > KEY_SHARDS)
		end = KEY_SHARDS;
	p->again = false;
	ask_shard(p, first, p->cursor.shard % KEY_PIECES);
	for (unsigned i = first + 1; i < end; i++)
		ask_shard(p, i, 0);
}

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	struct page *p = ctx;

	(void)reply;
	p->rc = rc;
	finish(p);
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
	p->rows = arena_calloc(p->arena, p->q.limit, sizeof(*p->rows));
	p->q.tenant = arena_dup(p->arena, query->tenant);
	p->q.contains = arena_dup(p->arena, query->contains);
	if (query->stream.at != NULL)
		p->q.stream = arena_dup(p->arena, query->stream);
	if (p->q.tenant.at == NULL || p->q.contains.at == NULL ||
	    p->rows == NULL ||
	    (query->stream.at != NULL && p->q.stream.at == NULL))
		return ERR_NOMEM;
	p->cursor = (struct block_cursor){ 0, SLICE("") };
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
