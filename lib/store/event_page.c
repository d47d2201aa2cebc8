/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of events: the streams of all hosts merged by time. */
#include <stdlib.h>

#include "store/cursor.h"
#include "store/event_rows.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define DAY_MS INT64_C(86400000)
#define CHUNK 250
#define ARENA_MAX (64 * 1024 * 1024)
#define LIMIT_MAX 1000
#define SCAN_MAX 20000
/* An entry's id is the time when it was written; created_ms may be earlier by
 * as much as the log follower lagged.  A later lag needs a wider range. */
#define LAG_MS (5 * 60 * 1000)
#define EARLY_MS 10000 /* clocks of the host and of Redis */

/* One host's streams, read in chunks. */
struct source {
	struct page *page;
	struct slice host;
	char day[STREAM_DAY_LEN];
	int64_t day_ms;
	struct stream_id after; /* read up to here, this one included */
	bool inclusive;         /* nothing read yet: after itself, too */
	bool done;
	struct event *rows; /* that match */
	struct stream_id *ids;
	size_t count, next;
};

struct page {
	struct store *s;
	struct event_query q;
	struct arena *arena;
	struct source *sources;
	size_t count;   /* of sources */
	size_t waiting; /* for chunks */
	unsigned scanned;
	int64_t end_ms; /* ids above this are not looked at */
	struct event_cursor cursor;
	struct event *out;
	size_t out_count;
	bool more;
	int64_t deadline_us;
	event_row *row;
	event_page_end *end;
	void *ctx;
	int rc;
};

static void merge(struct page *p);

/* ---- the end ---- */

static void
finish(struct page *p, int rc)
{
	char room[CURSOR_MAX];
	struct slice next = { NULL, 0 };

	for (size_t i = 0; i < p->out_count && rc == 0; i++)
		p->row(&p->out[i], p->ctx);
	if (rc == 0 && p->more)
		next = event_cursor_format(&p->cursor, room);
	p->end(rc, next, p->ctx);
	arena_free(p->arena);
	free(p);
}

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)reply;
	finish(ctx, rc);
}

static void
joined(int rc, void *ctx)
{
	finish(ctx, rc);
}

static void
end_page(struct page *p, bool more)
{
	p->more = more;
	events_join(p->s, p->out, p->out_count, p->arena, p->deadline_us,
	    joined, p);
}

/* ---- chunks ---- */

static bool
matches(const struct event_query *q, const struct event *e)
{
	return (q->tenant.at == NULL || slice_eq(q->tenant, e->tenant)) &&
	       (q->recipient.at == NULL ||
		   slice_eq(q->recipient, e->recipient)) &&
	       (q->queue_id.at == NULL || slice_eq(q->queue_id, e->queue_id)) &&
	       (q->types == 0 || (q->types & 1u << e->type) != 0) &&
	       (q->status == 0 || q->status == e->status) &&
	       e->created_ms >= q->from_ms &&
	       (q->to_ms == 0 || e->created_ms <= q->to_ms);
}

static int
keep(struct source *src, const struct redis_reply *reply)
{
	struct page *p = src->page;
	size_t count = redis_count(reply);
	struct event e;
	struct slice id;
	int rc;

	src->rows = arena_calloc(p->arena, count + 1, sizeof(*src->rows));
	src->ids = arena_calloc(p->arena, count + 1, sizeof(*src->ids));
	src->count = src->next = 0;
	if (src->rows == NULL || src->ids == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		rc = event_row_parse(reply, i, &e, &id);
		if (stream_id_parse(id, &src->after) < 0)
			return ERR_SYNTAX;
		src->inclusive = false;
		if ((int64_t)src->after.ms > p->end_ms) {
			src->done = true;
			return 0;
		}
		if (rc < 0 || !matches(&p->q, &e))
			continue;
		src->ids[src->count] = src->after;
		rc = event_row_keep(p->arena, src->host,
		    (struct slice){ src->day, STREAM_DAY_LEN }, &e, id,
		    &src->rows[src->count]);
		if (rc < 0)
			return rc;
		src->count++;
	}
	return 0;
}

/* The day had less than was asked for: go on with the next one. */
static void
next_day(struct source *src)
{
	src->day_ms += DAY_MS;
	if (src->day_ms > src->page->end_ms) {
		src->done = true;
		return;
	}
	stream_day_of(src->day_ms, src->day);
	src->after = (struct stream_id){ (uint64_t)src->day_ms, 0 };
	src->inclusive = true;
}

static void
got_chunk(int rc, const struct redis_reply *reply, void *ctx)
{
	struct source *src = ctx;
	struct page *p = src->page;

	if (rc == 0) {
		p->scanned += (unsigned)redis_count(reply);
		rc = keep(src, reply);
	}
	if (rc == 0 && !src->done && redis_count(reply) < CHUNK)
		next_day(src);
	if (rc < 0 && p->rc == 0)
		p->rc = rc;
	if (--p->waiting > 0)
		return;
	if (p->rc < 0)
		finish(p, p->rc);
	else
		merge(p);
}

static void
ask_chunk(struct source *src)
{
	char from[STREAM_ID_MAX + 1] = "(";
	struct slice id = stream_id_format(src->after, from + 1);
	struct page *p = src->page;

	p->waiting++;
	stream_range(p->s, src->host,
	    (struct slice){ src->day, STREAM_DAY_LEN },
	    src->inclusive ? id : (struct slice){ from, id.len + 1 },
	    SLICE("+"), CHUNK, p->deadline_us, got_chunk, src);
}

/* ---- merging ---- */

static struct event_cursor
head(const struct source *src)
{
	return (struct event_cursor){ src->ids[src->next], src->host };
}

/* The source with the earliest row that was read; NULL: no rows. */
static struct source *
earliest(struct page *p)
{
	struct source *best = NULL;

	for (size_t i = 0; i < p->count; i++) {
		struct source *src = &p->sources[i];

		if (src->next == src->count)
			continue;
		struct event_cursor a = head(src);
		struct event_cursor b = best != NULL ? head(best) : a;
		if (best == NULL || event_cursor_compare(&a, &b) < 0)
			best = src;
	}
	return best;
}

/* Sources without rows that may still have one before limit (NULL: any). */
static size_t
behind(struct page *p, const struct event_cursor *limit,
    struct source **ret_sources)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct source *src = &p->sources[i];
		struct event_cursor at = { src->after, src->host };

		if (src->done || src->next < src->count)
			continue;
		if (limit != NULL && event_cursor_compare(&at, limit) >= 0)
			continue;
		ret_sources[n++] = src;
	}
	return n;
}

static void
emit(struct page *p, struct source *src)
{
	p->cursor = head(src);
	p->out[p->out_count++] = src->rows[src->next++];
}

/* Enough was looked at: end where every source has been read to. */
static void
cut_short(struct page *p)
{
	struct event_cursor least = { { UINT64_MAX, 0 }, SLICE("") };
	struct source *src;

	for (size_t i = 0; i < p->count; i++) {
		struct event_cursor at = { p->sources[i].after,
			p->sources[i].host };

		/* What was read of this day's beginning is nothing yet. */
		if (p->sources[i].inclusive && at.id.ms > 0)
			at.id = (struct stream_id){ at.id.ms - 1, UINT64_MAX };
		if (!p->sources[i].done &&
		    event_cursor_compare(&at, &least) < 0)
			least = at;
	}
	while ((src = earliest(p)) != NULL && p->out_count < p->q.limit) {
		struct event_cursor at = head(src);

		if (event_cursor_compare(&at, &least) > 0)
			break;
		emit(p, src);
	}
	if (p->out_count < p->q.limit)
		p->cursor = least;
	end_page(p, true);
}

static void
merge(struct page *p)
{
	struct source **list =
	    arena_calloc(p->arena, p->count + 1, sizeof(struct source *));
	struct source *src;
	size_t n;

	if (list == NULL) {
		redis_refuse(p->s, ERR_NOMEM, refused, p);
		return;
	}
	while (p->out_count < p->q.limit) {
		src = earliest(p);
		struct event_cursor limit = { { 0, 0 }, SLICE("") };

		if (src != NULL)
			limit = head(src);
		n = behind(p, src != NULL ? &limit : NULL, list);
		if (n > 0 && p->scanned >= p->q.scan_max) {
			cut_short(p);
			return;
		}
		for (size_t i = 0; i < n; i++)
			ask_chunk(list[i]);
		if (n > 0)
			return;
		if (src == NULL) {
			end_page(p, false);
			return;
		}
		emit(p, src);
	}
	end_page(p, true);
}

/* ---- the start ---- */

static void
start_source(struct page *p, struct source *src, int64_t from_ms)
{
	src->page = p;
	src->after = (struct stream_id){ (uint64_t)from_ms, 0 };
	src->inclusive = true;
	if (p->cursor.host.at != NULL) {
		struct event_cursor start = { p->cursor.id, src->host };
		int order = event_cursor_compare(&start, &p->cursor);

		/* (ms, host, seq): of the same ms, hosts before the cursor's
		 * were told, those behind it were not. */
		src->after = p->cursor.id;
		src->inclusive = order > 0;
		if (order > 0)
			src->after.seq = 0;
		else if (order < 0)
			src->after.seq = UINT64_MAX;
		from_ms = (int64_t)p->cursor.id.ms;
	}
	src->day_ms = from_ms / DAY_MS * DAY_MS;
	stream_day_of(src->day_ms, src->day);
	src->done = src->day_ms > p->end_ms;
}

static void
got_hosts(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	struct page *p = ctx;
	int64_t now_ms = clock_wall_us() / 1000;
	int64_t from_ms = (now_ms / DAY_MS - store_events_days(p->s)) * DAY_MS;

	if (rc == 0) {
		p->sources =
		    arena_calloc(p->arena, count + 1, sizeof(*p->sources));
		p->out =
		    arena_calloc(p->arena, p->q.limit + 1, sizeof(*p->out));
		if (p->sources == NULL || p->out == NULL)
			rc = ERR_NOMEM;
	}
	if (p->q.from_ms - EARLY_MS > from_ms)
		from_ms = p->q.from_ms - EARLY_MS;
	p->end_ms = now_ms + LAG_MS;
	if (p->q.to_ms != 0 && p->q.to_ms + LAG_MS < p->end_ms)
		p->end_ms = p->q.to_ms + LAG_MS;
	for (size_t i = 0; i < count && rc == 0; i++) {
		p->sources[i].host = arena_dup(p->arena, hosts[i]);
		if (p->sources[i].host.at == NULL)
			rc = ERR_NOMEM;
		start_source(p, &p->sources[i], from_ms);
		p->count++;
	}
	if (rc < 0)
		finish(p, rc);
	else
		merge(p);
}

static int
keep_query(struct page *p, const struct event_query *query)
{
	struct slice *const texts[] = { &p->q.tenant, &p->q.recipient,
		&p->q.queue_id, &p->q.cursor };

	p->arena = arena_new(ARENA_MAX);
	if (p->arena == NULL)
		return ERR_NOMEM;
	p->q = *query;
	if (p->q.limit < 1 || p->q.limit > LIMIT_MAX)
		p->q.limit = LIMIT_MAX;
	if (p->q.scan_max == 0)
		p->q.scan_max = SCAN_MAX;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i]->at == NULL)
			continue;
		*texts[i] = arena_dup(p->arena, *texts[i]);
		if (texts[i]->at == NULL)
			return ERR_NOMEM;
	}
	if (p->q.cursor.len == 0)
		return 0;
	return event_cursor_parse(p->q.cursor, &p->cursor);
}

void
event_page(struct store *s, const struct event_query *query,
    int64_t deadline_us, event_row *row, event_page_end *end, void *ctx)
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
		host_list(s, deadline_us, got_hosts, p);
}
