/* SPDX-License-Identifier: BSD-2-Clause */
/* How long what happened is kept. */
#include "store/retention_store.h"

#include <stdlib.h>

#include "store/args.h"
#include "store/event_index.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"

#define DAY_MS INT64_C(86400000)
#define DAYS_MOST 400 /* that the setting can be */
#define SHARDS 256    /* of a call */
#define ARENA_MAX (16 * 1024 * 1024)

struct sweep {
	struct store *s;
	struct arena *arena;
	struct slice host;
	struct slice *tenants;
	size_t count;
	int64_t day_ms, today_ms;
	unsigned shard, days;
	retention_swept *swept;
	void *ctx;
};

static void next(struct sweep *w);

static void
finish(struct sweep *w, int rc)
{
	w->swept(rc, w->days, w->ctx);
	arena_free(w->arena);
	free(w);
}

static void
done(int rc, const struct redis_reply *reply, void *ctx)
{
	struct sweep *w = ctx;
	bool there = redis_integer(reply) == 1;

	if (rc < 0) {
		finish(w, rc);
		return;
	}
	w->shard += SHARDS;
	if (!there || w->shard == EVENT_INDEX_SHARDS) {
		w->days += there;
		w->shard = 0;
		w->day_ms += DAY_MS;
	}
	if (w->day_ms > w->today_ms)
		finish(w, 0);
	else
		next(w);
}

static void
next(struct sweep *w)
{
	struct key stream = key_events(w->host, w->day_ms * 1000);
	struct key prefix = key_counters_prefix(w->host);
	bool yesterday = w->day_ms == w->today_ms - DAY_MS;
	char day[STREAM_DAY_LEN];
	struct args a;

	stream_day_of(w->day_ms, day);
	args_init(&a);
	args_key(&a, &stream);
	args_add(&a, key_slice(&prefix));
	args_add(&a, (struct slice){ day, sizeof(day) });
	args_number(&a, (w->day_ms + DAY_MS) / 1000);
	args_number(&a, store_events_days(w->s));
	args_number(&a, w->shard);
	args_number(&a, w->shard + SHARDS - 1);
	args_add(&a, yesterday ? SLICE("1") : SLICE(""));
	for (size_t i = 0; i < w->count && w->shard == 0; i++)
		args_add(&a, w->tenants[i]);
	args_send(&a, w->s, SCRIPT_retention, store_long_deadline(w->s), done,
	    w);
}

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)reply;
	finish(ctx, rc);
}

void
retention_sweep(struct store *s, struct slice host, const struct slice *tenants,
    size_t count, retention_swept *swept, void *ctx)
{
	struct sweep *w = calloc(1, sizeof(*w));
	bool kept = false;

	if (w == NULL)
		abort(); /* as in redis.c: nobody could be told */
	w->s = s;
	w->swept = swept;
	w->ctx = ctx;
	w->today_ms = clock_wall_us() / 1000 / DAY_MS * DAY_MS;
	w->day_ms = w->today_ms - DAYS_MOST * DAY_MS;
	w->arena = arena_new(ARENA_MAX);
	if (w->arena != NULL) {
		w->host = arena_dup(w->arena, host);
		w->tenants =
		    arena_calloc(w->arena, count + 1, sizeof(*w->tenants));
		kept = w->host.at != NULL && w->tenants != NULL;
	}
	for (size_t i = 0; i < count && kept; i++) {
		w->tenants[i] = arena_dup(w->arena, tenants[i]);
		kept = w->tenants[i].at != NULL;
	}
	w->count = count;
	if (kept)
		next(w);
	else
		redis_refuse(s, ERR_NOMEM, refused, w);
}
