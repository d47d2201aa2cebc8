/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of events: the rows of all hosts merged by time. */
#include "store/event_page.h"

#include <stdlib.h>

#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define DAY_MS INT64_C(86400000)
#define ARENA_MAX (64 * 1024 * 1024)
#define LIMIT_MAX 1000
#define SCAN_MAX 20000
/* An entry's id is the time when it was written; created_ms may be earlier by
 * as much as the log follower lagged.  A later lag needs a wider range. */
#define LAG_MS (5 * 60 * 1000)
#define EARLY_MS 10000 /* clocks of the host and of Redis */

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
	for (size_t i = 0; i < p->count; i++)
		source_done(&p->sources[i]);
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
	if (p->match.facts) { /* they have them */
		finish(p, 0);
		return;
	}
	events_join(p->s, p->out, p->out_count, p->arena, p->deadline_us,
	    joined, p);
}

void
page_ready(struct page *p, int rc)
{
	if (rc < 0 && p->rc == 0)
		p->rc = rc;
	if (--p->waiting > 0)
		return;
	if (p->rc < 0)
		finish(p, p->rc);
	else
		merge(p);
}

int
page_compare(const struct page *p, const struct event_cursor *a,
    const struct event_cursor *b)
{
	int order = event_cursor_compare(a, b);

	return p->q.newest_first ? -order : order;
}

/* ---- merging ---- */

static struct event_cursor
head(const struct source *src)
{
	return (struct event_cursor){ src->ids[src->next], src->host };
}

/* The source with the first row that was read; NULL: no rows. */
static struct source *
first_source(struct page *p)
{
	struct source *best = NULL;

	for (size_t i = 0; i < p->count; i++) {
		struct source *src = &p->sources[i];

		if (src->next == src->count)
			continue;
		struct event_cursor a = head(src);
		struct event_cursor b = best != NULL ? head(best) : a;
		if (best == NULL || page_compare(p, &a, &b) < 0)
			best = src;
	}
	return best;
}

/* Sources without rows that may still have one before limit (NULL: any). */
static size_t
behind(struct page *p, const struct event_cursor *limit)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct source *src = &p->sources[i];
		struct event_cursor at = { src->after, src->host };

		if (src->done || src->next < src->count)
			continue;
		if (limit != NULL && page_compare(p, &at, limit) >= 0)
			continue;
		p->list[n++] = src;
	}
	return n;
}

/* Out of the source's memory, which is used again. */
static int
emit(struct page *p, struct source *src)
{
	int rc = event_row_dup(p->arena, &src->rows[src->next],
	    &p->out[p->out_count]);

	if (rc < 0)
		return rc;
	p->cursor = head(src);
	p->out_count++;
	src->next++;
	return 0;
}

/* How far a source was read: what is not behind this was looked at. */
static struct event_cursor
position(const struct page *p, const struct source *src)
{
	struct event_cursor at = { src->after, src->host };

	/* What was read of this day's beginning is nothing yet. */
	if (!src->inclusive)
		return at;
	if (p->q.newest_first)
		at.id = at.id.seq < UINT64_MAX
			    ? (struct stream_id){ at.id.ms, at.id.seq + 1 }
			    : (struct stream_id){ at.id.ms + 1, 0 };
	else if (at.id.seq > 0)
		at.id.seq--;
	else if (at.id.ms > 0)
		at.id = (struct stream_id){ at.id.ms - 1, UINT64_MAX };
	return at;
}

/* Enough was looked at: end where every source has been read to. */
static void
cut_short(struct page *p)
{
	struct event_cursor least = { { 0, 0 }, { NULL, 0 } };
	struct source *src;
	bool any = false;

	for (size_t i = 0; i < p->count; i++) {
		struct event_cursor at = position(p, &p->sources[i]);

		if (p->sources[i].done)
			continue;
		if (!any || page_compare(p, &at, &least) < 0)
			least = at;
		any = true;
	}
	while ((src = first_source(p)) != NULL && p->out_count < p->q.limit) {
		struct event_cursor at = head(src);

		if (any && page_compare(p, &at, &least) > 0)
			break;
		if (emit(p, src) < 0) {
			redis_refuse(p->s, ERR_NOMEM, refused, p);
			return;
		}
	}
	if (p->out_count < p->q.limit)
		p->cursor = least;
	end_page(p, true);
}

static void
merge(struct page *p)
{
	struct source *src;

	while (p->out_count < p->q.limit) {
		struct event_cursor limit = { { 0, 0 }, SLICE("") };
		size_t n;

		src = first_source(p);
		if (src != NULL)
			limit = head(src);
		n = behind(p, src != NULL ? &limit : NULL);
		if (n > 0 && p->scanned >= p->q.scan_max) {
			cut_short(p);
			return;
		}
		if (n > 0) {
			/* Each tells when it is ready, at once perhaps. */
			p->waiting = n + 1;
			for (size_t i = 0; i < n; i++)
				source_ask(p->list[i]);
			page_ready(p, 0);
			return;
		}
		if (src == NULL) {
			end_page(p, false);
			return;
		}
		if (emit(p, src) < 0) {
			redis_refuse(p->s, ERR_NOMEM, refused, p);
			return;
		}
	}
	end_page(p, true);
}

/* ---- the start ---- */

static void
start_sources(struct page *p)
{
	p->waiting = p->count + 1;
	for (size_t i = 0; i < p->count; i++)
		source_start(&p->sources[i]);
	page_ready(p, 0);
}

static void
got_hosts(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	struct page *p = ctx;
	int64_t now_ms = clock_wall_us() / 1000;

	p->from_ms = (now_ms / DAY_MS - store_events_days(p->s)) * DAY_MS;
	if (p->q.from_ms - EARLY_MS > p->from_ms)
		p->from_ms = p->q.from_ms - EARLY_MS;
	p->end_ms = now_ms + LAG_MS;
	if (p->q.to_ms != 0 && p->q.to_ms + LAG_MS < p->end_ms)
		p->end_ms = p->q.to_ms + LAG_MS;
	if (rc == 0) {
		p->sources =
		    arena_calloc(p->arena, count + 1, sizeof(*p->sources));
		p->list = arena_calloc(p->arena, count + 1, sizeof(*p->list));
		p->out =
		    arena_calloc(p->arena, p->q.limit + 1, sizeof(*p->out));
		if (p->sources == NULL || p->list == NULL || p->out == NULL)
			rc = ERR_NOMEM;
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct source *src = &p->sources[p->count++];

		src->page = p;
		src->host = arena_dup(p->arena, hosts[i]);
		rc = src->host.at != NULL ? source_init(src) : ERR_NOMEM;
	}
	if (rc < 0)
		finish(p, rc);
	else
		start_sources(p);
}

static int
keep_query(struct page *p, const struct event_query *query)
{
	struct slice *const texts[] = { &p->q.tenant, &p->q.recipient,
		&p->q.queue_id, &p->q.message_id, &p->q.cursor };
	int rc;

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
	if ((rc = event_match_init(&p->match, &p->q, p->arena)) < 0)
		return rc;
	p->indexed = p->q.recipient.at != NULL || p->q.queue_id.at != NULL ||
		     p->q.message_id.at != NULL;
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
