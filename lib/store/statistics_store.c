/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters by the days of a time zone. */
#include "store/statistics_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/civil.h"
#include "proto/csv.h"
#include "proto/report_time.h"
#include "proto/rfc3339.h"
#include "store/redis.h"
#include "util/arena.h"
#include "util/err.h"

#define ARENA_MAX (1024 * 1024)
#define MINUTE_MS INT64_C(60000)
#define DAY_MIN 1440

struct reading {
	struct store *s;
	struct statistics_query q;
	struct arena *arena; /* of the query's texts, and the days */
	struct series_count *days;
	size_t count, done_days, asked;
	int64_t deadline_us;
	series_done *done;
	void *ctx;
};

static void ask(struct reading *r);

static void
finish(struct reading *r, int rc)
{
	r->done(rc, rc == 0 ? r->days : NULL, rc == 0 ? r->count : 0, r->ctx);
	arena_free(r->arena);
	free(r);
}

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)reply;
	finish(ctx, rc);
}

static void
got(int rc, const struct series_count *points, size_t count, void *ctx)
{
	struct reading *r = ctx;

	for (size_t i = 0; rc == 0 && i < count && i < r->asked; i++)
		r->days[r->done_days + i] = points[i];
	r->done_days += r->asked;
	if (rc < 0 || r->done_days >= r->count)
		finish(r, rc);
	else
		ask(r);
}

static unsigned
minutes_of(struct report_span span)
{
	return (unsigned)((span.to_ms + 1 - span.from_ms) / MINUTE_MS);
}

/* Days of 24 hours in one go; one on which clocks are changed by itself. */
static void
ask(struct reading *r)
{
	int64_t day = r->q.first_day + (int64_t)r->done_days;
	struct report_span span = report_time_day(day, r->q.zone);
	struct series_query q = {
		.tenant = r->q.tenant,
		.unit = r->q.unit,
		.name = r->q.name,
		.from_ms = span.from_ms,
		.minutes = minutes_of(span),
	};

	r->asked = 1;
	q.step = q.minutes;
	while (q.step == DAY_MIN && r->done_days + r->asked < r->count &&
	       minutes_of(report_time_day(day + (int64_t)r->asked,
		   r->q.zone)) == DAY_MIN) {
		q.minutes += DAY_MIN;
		r->asked++;
	}
	series_read(r->s, &q, r->deadline_us, got, r);
}

void
statistics_read(struct store *s, const struct statistics_query *query,
    int64_t deadline_us, series_done *done, void *ctx)
{
	struct reading *r = calloc(1, sizeof(*r));
	int64_t count = query->last_day - query->first_day + 1;
	int rc = 0;

	if (r == NULL)
		abort(); /* as in redis.c: nobody could be told */
	r->s = s;
	r->q = *query;
	r->deadline_us = deadline_us;
	r->done = done;
	r->ctx = ctx;
	r->arena = arena_new(ARENA_MAX);
	if (count < 1 || count > STATISTICS_DAYS_MAX)
		rc = ERR_LIMIT;
	else if (r->arena == NULL)
		rc = ERR_NOMEM;
	if (rc == 0) {
		r->count = (size_t)count;
		r->days = arena_calloc(r->arena, r->count, sizeof(*r->days));
		r->q.tenant = arena_dup(r->arena, query->tenant);
		if (query->name.at != NULL)
			r->q.name = arena_dup(r->arena, query->name);
		if (r->days == NULL || r->q.tenant.at == NULL ||
		    (query->name.at != NULL && r->q.name.at == NULL))
			rc = ERR_NOMEM;
	}
	if (rc < 0)
		redis_refuse(s, rc, refused, r);
	else
		ask(r);
}

/* ---- what is said of a count ---- */

uint64_t
statistics_valid(const struct series_count *c)
{
	return c->succeeded + c->failed;
}

double
statistics_error_rate(const struct series_count *c)
{
	uint64_t valid = statistics_valid(c);

	return valid > 0 ? (double)c->failed / (double)valid : 0;
}

void
statistics_add(struct series_count *sum, const struct series_count *c)
{
	sum->queued += c->queued;
	sum->succeeded += c->succeeded;
	sum->deferred += c->deferred;
	sum->failed += c->failed;
	sum->suppressed += c->suppressed;
	sum->bounced += c->bounced;
	sum->complained += c->complained;
	sum->blocked += c->blocked;
	sum->unblocked += c->unblocked;
	for (size_t i = 0; i < SERIES_STATUS_MAX; i++)
		sum->by_status[i] += c->by_status[i];
}

struct slice
statistics_date(int64_t day, char room[STATISTICS_DATE_MAX])
{
	struct civil c = civil_of(day);
	int n = snprintf(room, STATISTICS_DATE_MAX, "%04u-%02u-%02u",
	    (unsigned)c.year % 10000, c.month % 100, c.day % 100);

	return (struct slice){ room, (size_t)n };
}

static const char *const day_titles[] = { "date", "queued", "succeeded",
	"failed", "blocked", "valid", "error_rate", "bounced", "deferred",
	"complained", NULL };

int
statistics_json(struct slice date, const struct series_count *c,
    struct buf *out)
{
	return buf_addf(out,
	    "{\"date\":\"%.*s\",\"queued\":%" PRIu64 ",\"succeeded\":%" PRIu64
	    ",\"failed\":%" PRIu64 ",\"blocked\":%" PRIu64 ",\"valid\":%" PRIu64
	    ",\"error_rate\":%.6f,\"bounced\":%" PRIu64 ",\"deferred\":%" PRIu64
	    ",\"complained\":%" PRIu64 "}",
	    SLICE_F(date), c->queued, c->succeeded, c->failed, c->suppressed,
	    statistics_valid(c), statistics_error_rate(c), c->bounced,
	    c->deferred, c->complained);
}

static int
titles_csv(const char *const *titles, struct buf *out)
{
	struct csv_writer w = csv_writer(out);

	for (; *titles != NULL; titles++)
		csv_plain(&w, slice_of(*titles));
	return csv_end(&w);
}

int
statistics_csv_titles(struct buf *out)
{
	return titles_csv(day_titles, out);
}

int
statistics_csv(struct slice date, const struct series_count *c, struct buf *out)
{
	struct csv_writer w = csv_writer(out);
	struct buf rate;

	buf_init(&rate, 32);
	(void)buf_addf(&rate, "%.6f", statistics_error_rate(c));
	csv_plain(&w, date);
	csv_number(&w, (int64_t)c->queued);
	csv_number(&w, (int64_t)c->succeeded);
	csv_number(&w, (int64_t)c->failed);
	csv_number(&w, (int64_t)c->suppressed);
	csv_number(&w, (int64_t)statistics_valid(c));
	csv_plain(&w, buf_slice(&rate));
	csv_number(&w, (int64_t)c->bounced);
	csv_number(&w, (int64_t)c->deferred);
	csv_number(&w, (int64_t)c->complained);
	buf_done(&rate);
	return csv_end(&w);
}

static const char *const point_titles[] = { "time", "queued", "succeeded",
	"failed", "deferred", "blocked", "bounced", "complained", NULL };

int
series_point_json(int64_t at_ms, const struct series_count *c, struct buf *out)
{
	char time[RFC3339_MAX];

	(void)rfc3339_format(at_ms * 1000, time);
	return buf_addf(out,
	    "{\"time\":\"%s\",\"queued\":%" PRIu64 ",\"succeeded\":%" PRIu64
	    ",\"failed\":%" PRIu64 ",\"deferred\":%" PRIu64
	    ",\"blocked\":%" PRIu64 ",\"bounced\":%" PRIu64
	    ",\"complained\":%" PRIu64 "}",
	    time, c->queued, c->succeeded, c->failed, c->deferred,
	    c->suppressed, c->bounced, c->complained);
}

int
series_point_csv_titles(struct buf *out)
{
	return titles_csv(point_titles, out);
}

int
series_point_csv(struct slice time, const struct series_count *c,
    struct buf *out)
{
	struct csv_writer w = csv_writer(out);

	csv_plain(&w, time);
	csv_number(&w, (int64_t)c->queued);
	csv_number(&w, (int64_t)c->succeeded);
	csv_number(&w, (int64_t)c->failed);
	csv_number(&w, (int64_t)c->deferred);
	csv_number(&w, (int64_t)c->suppressed);
	csv_number(&w, (int64_t)c->bounced);
	csv_number(&w, (int64_t)c->complained);
	return csv_end(&w);
}
