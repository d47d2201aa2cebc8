/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of the list of held mail. */
#include <stdlib.h>

#include "store/args.h"
#include "store/cursor.h"
#include "store/hold_record.h"
#include "util/arena.h"
#include "util/err.h"

#define CHUNK 500 /* rows of one call */
#define SCAN_MAX 20000
#define LIMIT_MAX 1000
#define ARENA_MAX 4096

struct page {
	struct store *s;
	struct hold_query q;
	struct arena *arena;
	char room[CURSOR_MAX]; /* of the cursor: read up to here */
	struct slice cursor;
	unsigned rows, scanned;
	int64_t deadline_us;
	hold_row *row;
	hold_page_end *end;
	void *ctx;
};

static void ask(struct page *p);

static void
finish(struct page *p, int rc, bool more)
{
	p->end(rc, rc == 0 && more ? p->cursor : (struct slice){ NULL, 0 },
	    p->ctx);
	arena_free(p->arena);
	free(p);
}

/* List ("r", "d"), score, queue id, record. */
static void
take_row(struct page *p, const struct redis_reply *reply, size_t i)
{
	struct hold_cursor c = { .ready = false };
	struct hold_record r = { .recipients = 0 };
	struct slice list = redis_string(redis_at(reply, i));
	struct slice score = redis_string(redis_at(reply, i + 1));

	r.release_ms = hold_release_ms(list, score);
	c.ready = slice_eq(list, SLICE("r"));
	c.score =
	    c.ready ? redis_integer(redis_at(reply, i + 1)) : r.release_ms;
	c.queue_id = redis_string(redis_at(reply, i + 2));
	p->cursor = hold_cursor_format(&c, p->room);
	p->scanned++;
	r.queue_id = c.queue_id;
	if (hold_record_parse(redis_string(redis_at(reply, i + 3)), &r) < 0 ||
	    (p->q.tenant.at != NULL && !slice_eq(p->q.tenant, r.tenant)))
		return;
	p->rows++;
	p->row(&r, p->ctx);
}

static void
got_chunk(int rc, const struct redis_reply *reply, void *ctx)
{
	struct page *p = ctx;
	size_t count = rc == 0 ? redis_count(reply) / 4 : 0, i = 0;

	while (i < count && p->rows < p->q.limit)
		take_row(p, reply, 4 * i++);
	if (rc < 0 || (i == count && count < CHUNK))
		finish(p, rc, false);
	else if (p->rows == p->q.limit || p->scanned >= SCAN_MAX)
		finish(p, 0, true);
	else
		ask(p);
}

static void
ask(struct page *p)
{
	static const char *const names[] = { "ready", "due", "of" };
	struct hold_cursor c = { .ready = true };
	struct args a;

	args_init(&a);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct key key = key_hold(p->q.host, slice_of(names[i]));

		args_key(&a, &key);
	}
	args_number(&a, CHUNK);
	if (p->cursor.len > 0 && hold_cursor_parse(p->cursor, &c) == 0) {
		args_add(&a, c.ready ? SLICE("r") : SLICE("d"));
		if (c.score == INT64_MAX)
			args_add(&a, SLICE("inf"));
		else
			args_number(&a, c.score);
		args_add(&a, c.queue_id);
	}
	args_send(&a, p->s, SCRIPT_hold_page, p->deadline_us, got_chunk, p);
}

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)reply;
	finish(ctx, rc, false);
}

static int
keep_query(struct page *p, const struct hold_query *query)
{
	struct hold_cursor c;

	p->arena = arena_new(ARENA_MAX);
	if (p->arena == NULL)
		return ERR_NOMEM;
	p->q = *query;
	if (p->q.limit < 1 || p->q.limit > LIMIT_MAX)
		p->q.limit = LIMIT_MAX;
	p->q.host = arena_dup(p->arena, query->host);
	if (query->tenant.at != NULL)
		p->q.tenant = arena_dup(p->arena, query->tenant);
	if (p->q.host.at == NULL ||
	    (query->tenant.at != NULL && p->q.tenant.at == NULL))
		return ERR_NOMEM;
	if (query->cursor.len == 0)
		return 0;
	if (hold_cursor_parse(query->cursor, &c) < 0)
		return ERR_SYNTAX;
	p->cursor = hold_cursor_format(&c, p->room);
	return 0;
}

void
hold_page(struct store *s, const struct hold_query *query, int64_t deadline_us,
    hold_row *row, hold_page_end *end, void *ctx)
{
	struct page *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		abort(); /* as in redis.c: nobody could be told */
	p->s = s;
	p->deadline_us = deadline_us;
	p->row = row;
	p->end = end;
	p->ctx = ctx;
	if ((rc = keep_query(p, query)) < 0)
		redis_refuse(s, rc, refused, p);
	else
		ask(p);
}
