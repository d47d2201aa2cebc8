/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers over time, from the counters of all hosts. */
#include "store/series_store.h"

#include <stdlib.h>

#include "store/event_store.h"
#include "store/keys.h"
#include "store/redis.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/map.h"

#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)
#define MINUTES_MAX (400u * 1440)
#define RECORD 5 /* of a list: minute, code, number in three */
#define STATUS_CODE 128
#define ARENA_MAX (256 * 1024 * 1024)
#define UNDER_WAY 48 /* hours of one host that are asked for at a time */

/* What the script counts, by its code. */
static void
add_to(struct series_count *c, unsigned code, uint64_t n)
{
	switch (code) {
	case 'q':
		c->queued += n;
		return;
	case 's':
		c->succeeded += n;
		return;
	case 'd':
		c->deferred += n;
		return;
	case 'f':
		c->failed += n;
		return;
	case 'p':
		c->suppressed += n;
		return;
	case 'b':
		c->bounced += n;
		return;
	case 'c':
		c->complained += n;
		return;
	case 'k':
		c->blocked += n;
		return;
	case 'u':
		c->unblocked += n;
		return;
	default:
		if (code >= STATUS_CODE &&
		    code < STATUS_CODE + SERIES_STATUS_MAX)
			c->by_status[code - STATUS_CODE] += (uint32_t)n;
	}
}

/* ---- a request ---- */

struct series;

/* One hour of one host. */
struct hour {
	struct series *all;
	int64_t start_ms;
};

struct share {
	struct series_share row;
	struct series_count count;
};

struct series {
	struct store *s;
	struct series_query q;
	struct arena *arena;
	struct slice *hosts;
	size_t host_count;
	struct hour *hours; /* one for each host and hour */
	size_t hour_count, asked, answered;
	int64_t deadline_us;
	/* One of these two. */
	series_done *done;
	series_shared *shared;
	void *ctx;
	struct series_count *points;
	size_t point_count;
	struct map *shares; /* name -> struct share */
	int rc;
};

static int
compare(const void *a, const void *b)
{
	const struct series_share *x = a, *y = b;
	bool x_other = slice_eq(x->name, SLICE("other"));
	bool y_other = slice_eq(y->name, SLICE("other"));

	if (x_other != y_other)
		return x_other ? 1 : -1;
	if (x->count->queued != y->count->queued)
		return x->count->queued > y->count->queued ? -1 : 1;
	if (x->name.len != y->name.len)
		return x->name.len < y->name.len ? -1 : 1;
	return x->name.len > 0 ? memcmp(x->name.at, y->name.at, x->name.len)
			       : 0;
}

static void
tell_shares(struct series *x)
{
	struct series_share *rows = NULL;
	size_t pos = 0, n = 0;
	struct slice name;
	void *value;

	if (x->rc == 0)
		rows = arena_calloc(x->arena, map_count(x->shares) + 1,
		    sizeof(*rows));
	if (rows == NULL && x->rc == 0)
		x->rc = ERR_NOMEM;
	while (x->rc == 0 && map_next(x->shares, &pos, &name, &value))
		rows[n++] = ((struct share *)value)->row;
	if (n > 1)
		qsort(rows, n, sizeof(*rows), compare);
	x->shared(x->rc, rows, n, x->ctx);
}

static void
finish(struct series *x)
{
	if (x->shared != NULL)
		tell_shares(x);
	else
		x->done(x->rc, x->points, x->rc == 0 ? x->point_count : 0,
		    x->ctx);
	map_free(x->shares, NULL);
	arena_free(x->arena);
	free(x);
}

/* ---- one hour ---- */

/* list: of one unit and hour.  count: NULL: to the points, by time. */
static void
add_list(struct series *x, int64_t start_ms, struct slice list,
    struct series_count *count)
{
	const unsigned char *at = (const void *)list.at;

	for (size_t i = 0; i + RECORD <= list.len; i += RECORD) {
		int64_t ms = start_ms + at[i] * MINUTE_MS;
		int64_t minute = (ms - x->q.from_ms) / MINUTE_MS;
		uint64_t n = (uint64_t)at[i + 2] << 16 |
			     (uint64_t)at[i + 3] << 8 | at[i + 4];

		if (ms < x->q.from_ms || minute >= (int64_t)x->q.minutes)
			continue;
		add_to(count != NULL ? count
				     : &x->points[(size_t)minute / x->q.step],
		    at[i + 1], n);
	}
}

static struct series_count *
share_of(struct series *x, struct slice name)
{
	struct share *share = map_get(x->shares, name);

	if (share == NULL) {
		share = arena_calloc(x->arena, 1, sizeof(*share));
		if (share == NULL)
			return NULL;
		share->row.name = arena_dup(x->arena, name);
		share->row.count = &share->count;
		if (share->row.name.at == NULL ||
		    map_set(x->shares, share->row.name, share, NULL) < 0)
			return NULL;
	}
	return &share->count;
}

static char
unit_letter(enum series_unit unit)
{
	return unit == SERIES_ALL ? 'a' : unit == SERIES_FILTER ? 'f' : 'd';
}

static int
add_shares(struct series *x, int64_t start_ms, const struct redis_reply *reply)
{
	char letter = unit_letter(x->q.unit);

	for (size_t i = 0; i + 1 < redis_count(reply); i += 2) {
		struct slice name = redis_string(redis_at(reply, i));

		if (name.len == 0 || name.at[0] != letter)
			continue;
		struct series_count *c = share_of(x, slice_skip(name, 1));
		if (c == NULL)
			return ERR_NOMEM;
		add_list(x, start_ms, redis_string(redis_at(reply, i + 1)), c);
	}
	return 0;
}

static void ask_more(struct series *x);

static void
got_hour(int rc, const struct redis_reply *reply, void *ctx)
{
	struct hour *h = ctx;
	struct series *x = h->all;

	if (rc == 0 && x->shared != NULL)
		rc = add_shares(x, h->start_ms, reply);
	else if (rc == 0)
		add_list(x, h->start_ms, redis_string(reply), NULL);
	if (rc < 0 && x->rc == 0)
		x->rc = rc;
	x->answered++;
	if (x->rc == 0)
		ask_more(x);
	if (x->answered == x->asked)
		finish(x);
}

static void
ask_hour(struct series *x, struct hour *h, struct slice host)
{
	struct key key = key_counters(host, x->q.tenant, h->start_ms * 1000);
	char letter = unit_letter(x->q.unit);
	struct slice field = { &letter, 1 };
	struct slice argv[3] = { SLICE("HGETALL"), key_slice(&key), field };

	if (x->shared != NULL) {
		redis_command(x->s, argv, 2, x->deadline_us, got_hour, h);
		return;
	}
	argv[0] = SLICE("HGET");
	if (x->q.unit != SERIES_ALL)
		argv[2] = x->q.name; /* its letter is before it: series_read */
	redis_command(x->s, argv, 3, x->deadline_us, got_hour, h);
}

static void
ask_more(struct series *x)
{
	while (x->asked < x->hour_count && x->asked - x->answered < UNDER_WAY) {
		struct hour *h = &x->hours[x->asked];

		ask_hour(x, h, x->hosts[x->asked % x->host_count]);
		x->asked++;
	}
}

/* ---- the start ---- */

static int
make_hours(struct series *x, const struct slice *hosts, size_t count)
{
	int64_t first = x->q.from_ms / HOUR_MS;
	int64_t last =
	    (x->q.from_ms + (int64_t)(x->q.minutes - 1) * MINUTE_MS) / HOUR_MS;
	int64_t now = clock_wall_us() / 1000 / HOUR_MS;

	if (last > now)
		last = now;
	x->host_count = count;
	x->hosts = arena_calloc(x->arena, count + 1, sizeof(*x->hosts));
	size_t hours = last < first ? 0 : (size_t)(last - first) + 1;
	x->hour_count = hours * count;
	x->hours = arena_calloc(x->arena, x->hour_count + 1, sizeof(*x->hours));
	if (x->hosts == NULL || x->hours == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		x->hosts[i] = arena_dup(x->arena, hosts[i]);
		if (x->hosts[i].at == NULL)
			return ERR_NOMEM;
	}
	for (size_t i = 0; i < x->hour_count; i++)
		x->hours[i] = (struct hour){ .all = x,
			.start_ms = (first + (int64_t)(i / count)) * HOUR_MS };
	return 0;
}

static void
got_hosts(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	struct series *x = ctx;

	if (rc == 0)
		rc = make_hours(x, hosts, count);
	x->rc = rc;
	if (rc == 0)
		ask_more(x);
	if (x->asked == 0)
		finish(x);
}

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	struct series *x = ctx;

	(void)reply;
	x->rc = rc;
	finish(x);
}

/* The field's name; what is read may be the longest that was written. */
static int
keep_query(struct series *x, const struct series_query *query)
{
	struct slice name = query->name;

	x->q = *query;
	if (query->minutes < 1 || query->minutes > MINUTES_MAX ||
	    query->step < 1 || query->from_ms < 0)
		return ERR_LIMIT;
	x->arena = arena_new(ARENA_MAX);
	if (x->arena == NULL)
		return ERR_NOMEM;
	char *field = arena_alloc(x->arena, name.len + 1);
	x->q.tenant = arena_dup(x->arena, query->tenant);
	if (field == NULL || x->q.tenant.at == NULL)
		return ERR_NOMEM;
	field[0] = unit_letter(query->unit);
	if (name.len > 0)
		memcpy(field + 1, name.at, name.len);
	x->q.name = (struct slice){ field, name.len + 1 };
	return 0;
}

static struct series *
start(struct store *s, const struct series_query *query, int64_t deadline_us,
    void *ctx)
{
	struct series *x = calloc(1, sizeof(*x));

	if (x == NULL)
		abort(); /* as in redis.c: nobody could be told */
	x->s = s;
	x->deadline_us = deadline_us;
	x->ctx = ctx;
	x->rc = keep_query(x, query);
	return x;
}

static void
go(struct series *x)
{
	if (x->rc < 0)
		redis_refuse(x->s, x->rc, refused, x);
	else
		host_list(x->s, x->deadline_us, got_hosts, x);
}

void
series_read(struct store *s, const struct series_query *query,
    int64_t deadline_us, series_done *done, void *ctx)
{
	struct series *x = start(s, query, deadline_us, ctx);

	x->done = done;
	if (x->rc == 0) {
		x->point_count = (x->q.minutes + x->q.step - 1) / x->q.step;
		x->points =
		    arena_calloc(x->arena, x->point_count, sizeof(*x->points));
		if (x->points == NULL)
			x->rc = ERR_NOMEM;
	}
	go(x);
}

void
series_shares(struct store *s, const struct series_query *query,
    int64_t deadline_us, series_shared *shared, void *ctx)
{
	struct series *x = start(s, query, deadline_us, ctx);

	x->shared = shared;
	if (x->rc == 0 && (x->shares = map_new(1 << 20)) == NULL)
		x->rc = ERR_NOMEM;
	go(x);
}
