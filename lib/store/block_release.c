/* SPDX-License-Identifier: BSD-2-Clause */
/* Releasing many blocked addresses, a page at a time. */
#include "store/block_release.h"

#include <stdlib.h>

#include "store/block_store.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"

#define ROWS 1000
#define ARENA_MAX (2 << 20)

struct row {
	struct release *of;
	struct slice address, stream;
};

struct release {
	struct store *s;
	struct block_release what;
	struct block_released result;
	struct arena *arena;
	struct row rows[ROWS];
	size_t count, pending;
	int rc;
	block_release_done *done;
	void *ctx;
};

static void
finish(struct release *r)
{
	r->done(r->rc, &r->result, r->ctx);
	arena_free(r->arena);
	free(r);
}

static void
part_done(struct release *r, int rc)
{
	if (rc < 0 && r->rc == 0)
		r->rc = rc;
	if (--r->pending == 0)
		finish(r);
}

static struct slice
keep(struct release *r, struct slice s)
{
	if (s.at == NULL)
		return s;
	s = arena_dup(r->arena, s);
	if (s.at == NULL)
		r->rc = ERR_NOMEM;
	return s;
}

static void
told(int rc, struct slice id, void *ctx)
{
	struct release *r = ctx;

	(void)id;
	if (rc < 0)
		r->result.untold++;
	part_done(r, 0);
}

static void
removed(int rc, const struct block *b, void *ctx)
{
	const struct row *row = ctx;
	struct release *r = row->of;
	const struct event e = {
		.created_ms = clock_wall_us() / 1000,
		.type = EVENT_UNBLOCKED,
		.tenant = r->what.tenant,
		.recipient = row->address,
		.stream = row->stream,
		.status = rc == 0 ? b->status : 0,
		.count = rc == 0 ? b->count : 0,
		.origin = r->what.by,
	};

	if (rc == 0) {
		r->result.released++;
		r->pending++;
		event_append(r->s, r->what.host, &e, store_long_deadline(r->s),
		    told, r);
	}
	part_done(r, rc == ERR_NOTFOUND ? 0 : rc);
}

static void
on_row(struct slice address, const struct block *b, void *ctx)
{
	struct release *r = ctx;
	const struct block_release *w = &r->what;

	if ((w->status >= 0 && b->status != w->status) ||
	    (w->origin.len > 0 && !slice_eq(b->origin, w->origin)) ||
	    r->count == ROWS)
		return;
	r->result.found++;
	if (w->dry_run)
		return;
	r->rows[r->count++] =
	    (struct row){ r, keep(r, address), keep(r, b->stream) };
}

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct release *r = ctx;

	if (rc < 0)
		r->rc = rc;
	r->result.next_cursor = keep(r, next);
	r->pending = 1;
	for (size_t i = 0; i < r->count && r->rc == 0; i++) {
		r->pending++;
		block_remove(r->s, r->what.tenant, r->rows[i].address,
		    r->rows[i].stream, BLOCK_BLOCKED, store_long_deadline(r->s),
		    removed, &r->rows[i]);
	}
	part_done(r, 0);
}

void
block_release(struct store *s, const struct block_release *what,
    block_release_done *done, void *ctx)
{
	struct release *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->arena = arena_new(ARENA_MAX)) == NULL)
		abort(); /* as in redis.c: nobody could be told */
	r->s = s;
	r->what = *what;
	r->what.tenant = keep(r, what->tenant);
	r->what.host = keep(r, what->host);
	r->what.by = keep(r, what->by);
	r->what.origin = keep(r, what->origin);
	r->done = done;
	r->ctx = ctx;
	const struct block_query q = {
		.tenant = r->what.tenant,
		.state = BLOCK_BLOCKED,
		.status = what->status > 0 ? what->status : 0,
		.since_from_s = what->since_from_s,
		.since_to_s = what->since_to_s,
		.cursor = what->cursor,
		.limit = ROWS,
	};
	block_page(s, &q, store_long_deadline(s), on_row, on_page, r);
}
