/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hold queue against the list: what lies there and is not listed (Redis
 * has lost it) is judged anew; what is listed and does not lie there (released
 * or deleted by hand) is forgotten.  At the start, every few minutes, after
 * Redis was away, and when the list looks as if something was lost.
 */
#include "policyd/scheduler.h"

#include <stdlib.h>

#include "net/loop.h"
#include "policyd/policyd.h"
#include "policyd/queue_client.h"
#include "policyd/scheduler_judge.h"
#include "service/metrics.h"
#include "store/hold_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/map.h"

#define SWEEP_MS (3 * 60 * 1000)
#define SOON_MS 1000
#define BETWEEN_MS 10000 /* where it is only a suspicion */
#define RETRY_MS 10000
/* Younger ones may be on their way to the list, or off it. */
#define GRACE_MS 2000
#define MISSING_MS 60000
#define LISTED_MAX 500000
#define FOREIGN_MAX 100000
#define MISSING_MAX 10000
#define LOOK_MAX 500
#define TIDY_LEAST 1000
#define PAGE_MAX 500
#define CURSOR_OCTETS 1024

struct lying { /* in the hold queue */
	int64_t since_ms;
	char id[QUEUE_ID_MAX];
	uint8_t len;
	bool known; /* listed */
	bool still; /* not listed, and there after that was seen */
};
static struct {
	struct policyd *d;
	struct loop_timer *timer;
	bool stopping, under_way, again;
	int64_t ended_us;

	struct lying *lying;
	size_t count, room, at;
	size_t known, listed, foreign_count; /* of this sweep */
	struct map *foreign; /* the administrator's, known not to be ours */
	struct map *foreign_now;

	struct map *ids;     /* of all that lie there */
	struct map *missing; /* listed, but not there, in the last sweep */
	struct map *missing_now;
	char cursor[CURSOR_OCTETS];
	size_t cursor_len;
	struct lying gone[PAGE_MAX]; /* missing twice, of one page */
	size_t gone_count;
} sweep;

static struct slice
id_of(const struct lying *l)
{
	return (struct slice){ l->id, l->len };
}

static bool
set(struct lying *l, struct slice id)
{
	if (id.len > sizeof(l->id))
		return false;
	memcpy(l->id, id.at, id.len);
	l->len = (uint8_t)id.len;
	return true;
}

/* ---- the end ---- */

static void
clear(void)
{
	free(sweep.lying);
	sweep.lying = NULL;
	sweep.count = sweep.room = sweep.at = 0;
	map_free(sweep.ids, NULL);
	map_free(sweep.foreign_now, NULL);
	map_free(sweep.missing_now, NULL);
	sweep.ids = sweep.foreign_now = sweep.missing_now = NULL;
}

static void
again(int64_t ms)
{
	clear();
	sweep.under_way = false;
	sweep.ended_us = clock_mono_us();
	if (!sweep.stopping)
		loop_timer_set(sweep.timer, sweep.again ? SOON_MS : ms);
	sweep.again = false;
}

static void
failed(enum scheduler_trouble kind, int rc)
{
	if (!sweep.stopping)
		scheduler_trouble(kind, "the hold queue is not compared", rc,
		    SLICE(""));
	again(RETRY_MS);
}

static bool
lies_there(struct slice id, void *ctx)
{
	(void)ctx;
	return map_get(sweep.ids, id) != NULL;
}

/* Our own note of what we put there need not grow for ever. */
static void
tidy(void)
{
	size_t ours = 0;

	for (size_t i = 0; i < sweep.count; i++)
		ours += scheduler_has_put(id_of(&sweep.lying[i]));
	if (sweep.count == LISTED_MAX ||
	    scheduler_put_count() <= 2 * ours + TIDY_LEAST)
		return;
	map_free(sweep.ids, NULL);
	sweep.ids = map_new(sweep.count + 1);
	for (size_t i = 0; sweep.ids != NULL && i < sweep.count; i++)
		if (map_set(sweep.ids, id_of(&sweep.lying[i]), &sweep, NULL) <
		    0)
			return;
	if (sweep.ids != NULL)
		scheduler_put_keep(lies_there);
}

static void
finish(void)
{
	tidy();
	if (sweep.listed > 0)
		log_warning("held mail: %zu messages in the hold queue were "
			    "not on the list, and are again",
		    sweep.listed);
	map_free(sweep.foreign, NULL);
	sweep.foreign = sweep.foreign_now;
	sweep.foreign_now = NULL;
	map_free(sweep.missing, NULL);
	sweep.missing = sweep.missing_now;
	sweep.missing_now = NULL;
	metrics_set(METRIC_POLICYD_HELD_FOREIGN, sweep.foreign_count);
	if (sweep.listed > 0)
		scheduler_wake();
	again(SWEEP_MS);
}

/* ---- listed, but not there ---- */

static void next_page(void);

static void
forgotten(int rc, void *ctx)
{
	(void)ctx;
	if (sweep.stopping)
		return;
	if (rc < 0)
		failed(TROUBLE_REDIS, rc);
	else if (sweep.cursor_len > 0)
		next_page();
	else
		finish();
}

static void
page_row(const struct hold_record *r, void *ctx)
{
	int64_t age = clock_wall_us() / 1000 - r->arrived_ms;

	(void)ctx;
	if (age < MISSING_MS || map_get(sweep.ids, r->queue_id) != NULL)
		return;
	if (map_get(sweep.missing, r->queue_id) == NULL)
		(void)map_set(sweep.missing_now, r->queue_id, &sweep, NULL);
	else if (sweep.gone_count < PAGE_MAX &&
		 set(&sweep.gone[sweep.gone_count], r->queue_id))
		sweep.gone_count++;
}

static void
page_end(int rc, struct slice next, void *ctx)
{
	struct slice ids[PAGE_MAX];

	(void)ctx;
	if (sweep.stopping)
		return;
	if (rc < 0) {
		failed(TROUBLE_REDIS, rc);
		return;
	}
	sweep.cursor_len = 0;
	if (next.at != NULL && next.len <= sizeof(sweep.cursor)) {
		memcpy(sweep.cursor, next.at, next.len);
		sweep.cursor_len = next.len;
	}
	if (sweep.gone_count == 0) {
		forgotten(0, NULL);
		return;
	}
	for (size_t i = 0; i < sweep.gone_count; i++)
		ids[i] = id_of(&sweep.gone[i]);
	log_info("held mail: %zu listed messages are not in the hold queue any "
		 "more",
	    sweep.gone_count);
	hold_forget(sweep.d->store, sweep.d->host, ids, sweep.gone_count,
	    store_deadline(sweep.d->store), forgotten, NULL);
}

static void
next_page(void)
{
	const struct hold_query q = { .host = sweep.d->host,
		.cursor = { sweep.cursor_len > 0 ? sweep.cursor : NULL,
		    sweep.cursor_len },
		.limit = PAGE_MAX };

	sweep.gone_count = 0;
	hold_page(sweep.d->store, &q, store_long_deadline(sweep.d->store),
	    page_row, page_end, NULL);
}

/* Are there more on the list than in the queue? */
static void
counted(int rc, const size_t counts[HOLD_REASONS], void *ctx)
{
	size_t all = 0;

	(void)ctx;
	if (sweep.stopping)
		return;
	if (rc < 0) {
		failed(TROUBLE_REDIS, rc);
		return;
	}
	for (size_t i = 0; i < HOLD_REASONS; i++)
		all += counts[i];
	if (all <= sweep.known || sweep.count == LISTED_MAX) {
		finish();
		return;
	}
	sweep.ids = map_new(sweep.count + 1);
	sweep.missing_now = map_new(MISSING_MAX);
	if (sweep.ids == NULL || sweep.missing_now == NULL) {
		failed(TROUBLE_REDIS, ERR_NOMEM);
		return;
	}
	for (size_t i = 0; i < sweep.count; i++)
		if (map_set(sweep.ids, id_of(&sweep.lying[i]), &sweep, NULL) <
		    0) {
			failed(TROUBLE_REDIS, ERR_NOMEM);
			return;
		}
	sweep.cursor_len = 0;
	next_page();
}

/* ---- there, but not listed ---- */

static void judge_next(void);

static void
judged(int rc, enum judgement judgement, void *ctx)
{
	const struct lying *l = &sweep.lying[sweep.at];

	(void)ctx;
	if (sweep.stopping)
		return;
	if (rc < 0) {
		failed(TROUBLE_HELPER, rc);
		return;
	}
	switch (judgement) {
	case JUDGED_LISTED:
		metrics_add(METRIC_POLICYD_ORPHANS, 1);
		sweep.listed++;
		break;
	case JUDGED_FOREIGN:
		sweep.foreign_count++;
		(void)map_set(sweep.foreign_now, id_of(l), &sweep, NULL);
		break;
	case JUDGED_GONE:
		break;
	}
	sweep.at++;
	judge_next();
}

static void
judge_next(void)
{
	int64_t now_ms = clock_wall_us() / 1000;

	for (; sweep.at < sweep.count; sweep.at++) {
		const struct lying *l = &sweep.lying[sweep.at];

		if (l->known || !l->still)
			continue;
		if (now_ms - l->since_ms < GRACE_MS) {
			sweep.again = true;
			continue;
		}
		if (map_get(sweep.foreign, id_of(l)) != NULL) {
			sweep.foreign_count++;
			(void)map_set(sweep.foreign_now, id_of(l), &sweep,
			    NULL);
			continue;
		}
		scheduler_judge(sweep.d, id_of(l), l->since_ms, judged, NULL);
		return;
	}
	hold_count(sweep.d->store, sweep.d->host,
	    store_deadline(sweep.d->store), counted, NULL);
}

/* Still there: not just released, and forgotten. */
static void
listed_again(int rc, const struct queue_held *held, size_t count, void *ctx)
{
	(void)ctx;
	if (sweep.stopping || !sweep.under_way)
		return;
	if (rc < 0 && rc != ERR_NOTFOUND) {
		failed(TROUBLE_HELPER, rc);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct lying *l = map_get(sweep.ids, held[i].queue_id);

		if (l != NULL)
			l->still = true;
	}
	if (count > 0)
		return;
	map_free(sweep.ids, NULL);
	sweep.ids = NULL;
	sweep.at = 0;
	judge_next();
}

static void
confirm(void)
{
	sweep.ids = map_new(sweep.count - sweep.known);
	for (size_t i = 0; sweep.ids != NULL && i < sweep.count; i++) {
		struct lying *l = &sweep.lying[i];

		if (!l->known && map_set(sweep.ids, id_of(l), l, NULL) < 0) {
			map_free(sweep.ids, NULL);
			sweep.ids = NULL;
		}
	}
	if (sweep.ids == NULL)
		failed(TROUBLE_HELPER, ERR_NOMEM);
	else
		queue_list_held(sweep.d->queue, listed_again, NULL);
}

static void look_next(void);

static void
looked(int rc, const bool *known, size_t count, void *ctx)
{
	(void)ctx;
	if (sweep.stopping)
		return;
	if (rc < 0) {
		failed(TROUBLE_REDIS, rc);
		return;
	}
	for (size_t i = 0; i < count && sweep.at < sweep.count; i++) {
		sweep.lying[sweep.at++].known = known[i];
		sweep.known += known[i];
	}
	look_next();
}

static void
look_next(void)
{
	struct slice ids[LOOK_MAX];
	size_t n = 0;

	while (n < LOOK_MAX && sweep.at + n < sweep.count) {
		ids[n] = id_of(&sweep.lying[sweep.at + n]);
		n++;
	}
	if (n > 0) {
		hold_look(sweep.d->store, sweep.d->host, ids, n,
		    store_deadline(sweep.d->store), looked, NULL);
		return;
	}
	if (sweep.known < sweep.count) {
		confirm();
		return;
	}
	sweep.at = 0;
	judge_next();
}

/* ---- what is there ---- */

static int
grow(void)
{
	size_t room = sweep.room > 0 ? sweep.room * 2 : 1024;
	struct lying *l = realloc(sweep.lying, room * sizeof(*l));

	if (l == NULL)
		return ERR_NOMEM;
	sweep.lying = l;
	sweep.room = room;
	return 0;
}

static void
listed(int rc, const struct queue_held *held, size_t count, void *ctx)
{
	(void)ctx;
	if (sweep.stopping || !sweep.under_way)
		return;
	if (rc == ERR_NOTFOUND) /* Postfix has not made its queue yet */
		rc = 0;
	for (size_t i = 0; rc >= 0 && i < count; i++) {
		if (sweep.count == LISTED_MAX)
			break;
		if (sweep.count == sweep.room && (rc = grow()) < 0)
			break;
		struct lying *l = &sweep.lying[sweep.count];

		*l = (struct lying){ .since_ms = held[i].since_ms };
		sweep.count += set(l, held[i].queue_id);
	}
	if (rc < 0)
		failed(TROUBLE_HELPER, rc);
	else if (count == 0)
		look_next();
}

static void
begin(void *ctx)
{
	(void)ctx;
	sweep.under_way = true;
	sweep.again = false;
	sweep.known = sweep.listed = sweep.foreign_count = 0;
	sweep.foreign_now = map_new(FOREIGN_MAX);
	if (sweep.foreign_now == NULL) {
		failed(TROUBLE_HELPER, ERR_NOMEM);
		return;
	}
	queue_list_held(sweep.d->queue, listed, NULL);
}

void
scheduler_sweep_soon(void)
{
	int64_t ms = BETWEEN_MS - (clock_mono_us() - sweep.ended_us) / 1000;

	if (sweep.under_way)
		sweep.again = true;
	else if (sweep.timer != NULL)
		loop_timer_set(sweep.timer, ms > SOON_MS ? ms : SOON_MS);
}

int
scheduler_sweep_start(struct policyd *d, struct event_base *base)
{
	memset(&sweep, 0, sizeof(sweep));
	sweep.d = d;
	sweep.foreign = map_new(1);
	sweep.missing = map_new(1);
	sweep.timer = loop_timer_new(base, begin, NULL);
	if (sweep.timer == NULL || sweep.foreign == NULL ||
	    sweep.missing == NULL)
		return ERR_NOMEM;
	loop_timer_set(sweep.timer, SOON_MS);
	return 0;
}

void
scheduler_sweep_stop(void)
{
	sweep.stopping = true;
	loop_timer_free(sweep.timer);
	sweep.timer = NULL;
	clear();
	map_free(sweep.foreign, NULL);
	map_free(sweep.missing, NULL);
	sweep.foreign = sweep.missing = NULL;
}
