/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading on in one host's streams, for consumers. */
#include <stdlib.h>

#include "store/event_rows.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define LIMIT_MAX 1000
#define ARENA_MAX (64 * 1024 * 1024)
#define DAY_MS INT64_C(86400000)
#define HOST_MAX 256

struct reader {
	struct store *s;
	char host[HOST_MAX];
	size_t host_len;
	char day[STREAM_DAY_LEN];
	int64_t day_ms;
	struct stream_id after;
	unsigned limit;
	int64_t deadline_us, now_ms; /* now: Redis's clock */
	event_row *row;
	event_page_end *end;
	void *ctx;
	struct arena *arena;
	struct event *events;
	size_t count;
};

static void read_day(struct reader *r);

static struct slice
host_of(const struct reader *r)
{
	return (struct slice){ r->host, r->host_len };
}

static void
finish(struct reader *r, int rc)
{
	char text[HOST_MAX + STREAM_DAY_LEN + STREAM_ID_MAX + 2], *p = text;
	char room[STREAM_ID_MAX];
	struct slice id = stream_id_format(r->after, room);
	struct slice position = { NULL, 0 };

	for (size_t i = 0; i < r->count && rc == 0; i++)
		r->row(&r->events[i], r->ctx);
	if (rc == 0) {
		memcpy(p, r->host, r->host_len);
		p += r->host_len;
		*p++ = '/';
		memcpy(p, r->day, STREAM_DAY_LEN);
		p += STREAM_DAY_LEN;
		*p++ = '/';
		memcpy(p, id.at, id.len);
		position = (struct slice){ text, (size_t)(p - text) + id.len };
	}
	r->end(rc, position, r->ctx);
	arena_free(r->arena);
	free(r);
}

static void
joined(int rc, void *ctx)
{
	finish(ctx, rc);
}

static int
keep_rows(struct reader *r, const struct redis_reply *reply)
{
	size_t count = redis_count(reply);
	struct event e;
	struct slice id;
	int rc;

	r->events = arena_calloc(r->arena, count + 1, sizeof(*r->events));
	if (r->events == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		rc = event_row_parse(reply, i, &e, &id);
		if (stream_id_parse(id, &r->after) < 0)
			return ERR_SYNTAX;
		if (rc < 0)
			continue; /* not ours to understand: pass over it */
		if ((rc = event_row_keep(r->arena, host_of(r),
			 (struct slice){ r->day, STREAM_DAY_LEN }, &e, id,
			 &r->events[r->count])) < 0)
			return rc;
		r->count++;
	}
	return 0;
}

static void
got_rows(int rc, const struct redis_reply *reply, void *ctx)
{
	struct reader *r = ctx;

	if (rc == 0 && redis_count(reply) == 0 &&
	    r->now_ms >= r->day_ms + DAY_MS) {
		/* That day was over before we looked: nothing more comes. */
		r->day_ms += DAY_MS;
		stream_day_of(r->day_ms, r->day);
		r->after = (struct stream_id){ 0, 0 };
		read_day(r);
		return;
	}
	if (rc == 0)
		rc = keep_rows(r, reply);
	if (rc < 0 || r->count == 0)
		finish(r, rc);
	else
		events_join(r->s, r->events, r->count, r->arena, r->deadline_us,
		    joined, r);
}

static void
got_time(int rc, const struct redis_reply *reply, void *ctx)
{
	struct reader *r = ctx;

	/* On failure 0: the day is not over; got_rows fails as well. */
	r->now_ms = rc < 0 ? 0
			   : redis_integer(redis_at(reply, 0)) * 1000 +
				 redis_integer(redis_at(reply, 1)) / 1000;
}

static void
read_day(struct reader *r)
{
	char from[STREAM_ID_MAX + 1] = "(";
	struct slice id = stream_id_format(r->after, from + 1);

	redis_command(r->s, &SLICE("TIME"), 1, r->deadline_us, got_time, r);
	stream_range(r->s, host_of(r), (struct slice){ r->day, STREAM_DAY_LEN },
	    (struct slice){ from, id.len + 1 }, SLICE("+"), r->limit,
	    r->deadline_us, got_rows, r);
}

static int
start_at(struct reader *r, struct slice position)
{
	int64_t oldest_ms =
	    (clock_wall_us() / 1000 / DAY_MS - store_events_days(r->s)) *
	    DAY_MS;
	struct slice host, day;

	r->day_ms = oldest_ms;
	if (position.len > 0) {
		if (event_id_parse(position, &host, &day, &r->after) < 0 ||
		    stream_day_start(day, &r->day_ms) < 0)
			return ERR_SYNTAX;
		/* What is older than all that is kept. */
		if (r->day_ms < oldest_ms) {
			r->day_ms = oldest_ms;
			r->after = (struct stream_id){ 0, 0 };
		}
	}
	stream_day_of(r->day_ms, r->day);
	return 0;
}

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)reply;
	finish(ctx, rc);
}

void
event_read(struct store *s, struct slice host, struct slice position,
    unsigned limit, int64_t deadline_us, event_row *row, event_page_end *end,
    void *ctx)
{
	struct reader *r = calloc(1, sizeof(*r));
	int rc = 0;

	if (r == NULL)
		abort(); /* as in redis.c: nobody could be told */
	r->s = s;
	r->limit = limit < 1 ? 1 : limit > LIMIT_MAX ? LIMIT_MAX : limit;
	r->deadline_us = deadline_us;
	r->row = row;
	r->end = end;
	r->ctx = ctx;
	r->arena = arena_new(ARENA_MAX);
	if (host.len == 0 || host.len > HOST_MAX) {
		rc = ERR_LIMIT;
	} else {
		memcpy(r->host, host.at, host.len);
		r->host_len = host.len;
		rc = r->arena != NULL ? start_at(r, position) : ERR_NOMEM;
	}
	if (rc < 0)
		redis_refuse(s, rc, refused, r);
	else
		read_day(r);
}
