/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Held mail leaves: when its time has come, the better one first, so many in a
 * second, and while there is room in flight.  One round after the other, one
 * request under way: count, tell the gate, take, release, forget.  A message
 * is forgotten when it has been released, so what is done twice after a crash
 * is the release of a message that is not held any more, which does nothing.
 */
#include "policyd/scheduler.h"

#include "net/loop.h"
#include "policyd/held_journal.h"
#include "policyd/part.h"
#include "policyd/policyd.h"
#include "policyd/queue_client.h"
#include "policyd/scheduler_plan.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "service/metrics.h"
#include "store/hold_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define LEAST_WAIT_MS 10

struct turn {
	char id[QUEUE_ID_MAX];
	size_t len;
	int64_t arrived_ms;
};

static struct {
	struct policyd *d;
	struct loop_timer *timer;
	struct held_journal *journal; /* NULL: it could not be opened */
	bool stopping, under_way;
	bool trouble; /* the last round has failed */
	bool gated;   /* the gate was told of a bound */

	struct scheduler_settings settings; /* of this round */
	struct scheduler_plan plan;
	size_t in_flight, room;
	int64_t due_ms; /* wall clock: the next one; 0: none */
	struct turn turns[PLAN_BATCH_MAX];
	size_t count;
	unsigned left; /* calls to come back at the end of the round */
	struct log_limit limits[TROUBLE_KINDS];
} sched;

void
scheduler_trouble(enum scheduler_trouble kind, const char *what, int rc,
    struct slice text)
{
	unsigned long missed;

	if (!log_limit_ok(&sched.limits[kind], 60, &missed))
		return;
	log_warning("held mail: %s: %s%s%.*s (%lu more since the last time)",
	    what, err_text(rc), text.len > 0 ? ": " : "", SLICE_F(text),
	    missed);
}

/* ---- the end of a round ---- */

static void
wait_ms(int64_t ms)
{
	sched.under_way = false;
	if (!sched.stopping)
		loop_timer_set(sched.timer,
		    ms > LEAST_WAIT_MS ? ms : LEAST_WAIT_MS);
}

static void
failed(enum scheduler_trouble kind, const char *what, int rc, struct slice text)
{
	scheduler_trouble(kind, what, rc, text);
	sched.trouble = true;
	wait_ms(PLAN_IDLE_MS);
}

static void
finish(void)
{
	int64_t due = -1;
	bool more =
	    sched.plan.bounded || (sched.room > 0 && sched.count == sched.room);

	if (sched.due_ms > 0) {
		due = sched.due_ms - clock_wall_us() / 1000;
		if (due < 0)
			due = 0;
	}
	sched.trouble = false;
	wait_ms(plan_wait_ms(&sched.plan, more, due, clock_mono_us()));
}

/* ---- forget ---- */

static void
forgotten(int rc, void *ctx)
{
	(void)ctx;
	/* It will be released once more, which does nothing. */
	if (rc < 0 && rc != ERR_NOTFOUND && !sched.stopping)
		scheduler_trouble(TROUBLE_REDIS, "released, but still listed",
		    rc, SLICE(""));
	if (--sched.left == 0)
		finish();
}

static void
move(const struct turn *t, int64_t release_ms)
{
	sched.left++;
	hold_move(sched.d->store, sched.d->host,
	    (struct slice){ t->id, t->len }, release_ms,
	    store_deadline(sched.d->store), forgotten, NULL);
}

/*
 * all: every one was in the hold queue.  Else a young one may not be there
 * yet; which ones were not there is not known.
 */
static void
forget(bool all)
{
	struct slice ids[PLAN_BATCH_MAX];
	int64_t now_ms = clock_wall_us() / 1000;
	size_t n = 0;

	sched.left = 1; /* this call itself */
	for (size_t i = 0; i < sched.count; i++) {
		const struct turn *t = &sched.turns[i];
		int64_t wait = all ? 0 : plan_absent_ms(now_ms - t->arrived_ms);

		if (wait > 0)
			move(t, now_ms + wait);
		else
			ids[n++] = (struct slice){ t->id, t->len };
	}
	if (sched.journal != NULL)
		(void)held_journal_drop(sched.journal, ids, n);
	if (n == 0)
		forgotten(0, NULL);
	else
		hold_forget(sched.d->store, sched.d->host, ids, n,
		    store_deadline(sched.d->store), forgotten, NULL);
}

/* ---- release ---- */

static void
released(int rc, size_t done, struct slice text, void *ctx)
{
	int64_t now = clock_mono_us(), slot;

	(void)ctx;
	if (sched.stopping)
		return;
	if (rc < 0) {
		metrics_add(METRIC_POLICYD_RELEASE_FAILED, 1);
		failed(TROUBLE_HELPER, "cannot be released", rc, text);
		return;
	}
	metrics_add(METRIC_POLICYD_RELEASED, done);
	plan_released(&sched.plan, &sched.settings, done, now, &slot);
	for (size_t i = 0; i < done;
	     i++, slot += plan_interval_us(&sched.settings))
		metrics_time(METRIC_POLICYD_RELEASE_LAG,
		    now > slot ? now - slot : 0);
	forget(done == sched.count);
}

static void
release(void)
{
	struct slice ids[PLAN_BATCH_MAX];

	for (size_t i = 0; i < sched.count; i++)
		ids[i] =
		    (struct slice){ sched.turns[i].id, sched.turns[i].len };
	queue_do(sched.d->queue, QUEUE_RELEASE, ids, sched.count, released,
	    NULL);
}

/* ---- take ---- */

/* The next one is gone before its time: has Redis lost the list? */
static bool
lost_list(int64_t next_due_ms)
{
	return sched.due_ms > clock_wall_us() / 1000 &&
	       (next_due_ms == 0 || next_due_ms > sched.due_ms);
}

static void
taken(int rc, const struct hold_turn *turns, size_t count, int64_t next_due_ms,
    void *ctx)
{
	(void)ctx;
	if (sched.stopping)
		return;
	if (rc < 0) {
		failed(TROUBLE_REDIS, "waits for Redis", rc, SLICE(""));
		return;
	}
	if (sched.trouble || lost_list(next_due_ms))
		scheduler_sweep_soon();
	sched.due_ms = next_due_ms;
	sched.count = 0;
	for (size_t i = 0; i < count && i < sched.room; i++) {
		struct turn *t = &sched.turns[sched.count];

		if (turns[i].queue_id.len > sizeof(t->id))
			continue;
		memcpy(t->id, turns[i].queue_id.at, turns[i].queue_id.len);
		t->len = turns[i].queue_id.len;
		t->arrived_ms = turns[i].arrived_ms;
		sched.count++;
	}
	if (sched.count == 0)
		finish();
	else
		release();
}

static void
take(void)
{
	int64_t now_ms = clock_wall_us() / 1000;
	int64_t late_ms = 0;

	if (sched.due_ms > 0 && sched.due_ms <= now_ms)
		late_ms = now_ms - sched.due_ms;
	sched.room = plan_room(&sched.plan, &sched.settings, sched.in_flight,
	    late_ms * 1000, clock_mono_us());
	hold_take(sched.d->store, sched.d->host, now_ms, sched.room,
	    store_long_deadline(sched.d->store), taken, NULL);
}

/* ---- count ---- */

static void
gate_told(int rc, void *ctx)
{
	(void)ctx;
	if (rc < 0 && !sched.stopping)
		scheduler_trouble(TROUBLE_REDIS, "the gate is not told", rc,
		    SLICE(""));
}

static void
counted(int rc, const struct queue_counts *counts, void *ctx)
{
	(void)ctx;
	if (sched.stopping)
		return;
	if (rc < 0) {
		failed(TROUBLE_HELPER, "what is in flight is not known", rc,
		    SLICE(""));
		return;
	}
	sched.in_flight = counts->incoming + counts->active;
	hold_gate_set(sched.d->store, sched.d->host,
	    sched.in_flight + plan_settling(&sched.plan, clock_mono_us()),
	    sched.settings.max_in_flight, store_deadline(sched.d->store),
	    gate_told, NULL);
	sched.gated = sched.settings.max_in_flight > 0;
	take();
}

static void
begin(void *ctx)
{
	struct settings *s = settings_current(sched.d->watch);

	(void)ctx;
	if (s != NULL) {
		sched.settings = *settings_scheduler(s);
		settings_unref(s);
	}
	sched.under_way = true;
	if (sched.settings.max_in_flight > 0 || sched.gated)
		queue_count(sched.d->queue, counted, NULL);
	else
		take();
}

void
scheduler_wake(void)
{
	if (sched.timer != NULL && !sched.under_way && !sched.stopping)
		loop_timer_set(sched.timer, 0);
}

/* ---- what this daemon puts into the hold queue ---- */

static int
put_there(const struct slice *ids, size_t count, void *ctx)
{
	int rc = sched.journal != NULL
		     ? held_journal_add(sched.journal, ids, count)
		     : ERR_IO;

	(void)ctx;
	if (rc < 0)
		scheduler_trouble(TROUBLE_JOURNAL,
		    "retries are not stopped by prohibited times", rc,
		    SLICE("held-ids"));
	return rc;
}

bool
scheduler_has_put(struct slice queue_id)
{
	return sched.journal != NULL &&
	       held_journal_has(sched.journal, queue_id);
}

size_t
scheduler_put_count(void)
{
	return sched.journal != NULL ? held_journal_count(sched.journal) : 0;
}

void
scheduler_put_keep(bool (*keep)(struct slice id, void *ctx))
{
	if (sched.journal != NULL)
		(void)held_journal_keep(sched.journal, keep, NULL);
}

/* ---- the part ---- */

static int
start(struct policyd *d, const struct host_config *config,
    struct event_base *base)
{
	int rc;

	if (!queue_client_is_up(d->queue))
		return 0;
	sched.d = d;
	sched.settings.release_per_second = 1; /* until there are some */
	sched.timer = loop_timer_new(base, begin, NULL);
	if (sched.timer == NULL)
		return ERR_NOMEM;
	rc = held_journal_open(config->state_directory, &sched.journal);
	if (rc < 0)
		log_warning("held mail: %s/held-ids: %s",
		    config->state_directory, err_text(rc));
	queue_client_on_hold(d->queue, put_there, NULL);
	if ((rc = scheduler_asks_start(d, base)) < 0 ||
	    (rc = scheduler_sweep_start(d, base)) < 0)
		return rc;
	loop_timer_set(sched.timer, 0);
	return 0;
}

/* It is asked for by others until then. */
static void
closed(struct policyd *d)
{
	(void)d;
	held_journal_free(sched.journal);
	sched.journal = NULL;
}

static void
settings(struct policyd *d)
{
	(void)d;
	scheduler_wake();
}

/* What comes back later finds "stopping". */
static void
stop(struct policyd *d)
{
	(void)d;
	sched.stopping = true;
	scheduler_sweep_stop();
	scheduler_asks_stop();
	loop_timer_free(sched.timer);
	sched.timer = NULL;
}

static void
state(struct policyd *d)
{
	const char *how = sched.trouble ? "waits" : "on";

	if (!queue_client_is_up(d->queue))
		how = "off";
	log_info("scheduler: %s, max_in_flight=%u, in_flight=%zu, "
		 "release_per_second=%u, next_due_ms=%lld, released=%llu",
	    how, sched.settings.max_in_flight, sched.in_flight,
	    sched.settings.release_per_second, (long long)sched.due_ms,
	    (unsigned long long)metrics_get(METRIC_POLICYD_RELEASED));
}

const struct policyd_part part_scheduler = {
	.name = "scheduler",
	.start = start,
	.settings = settings,
	.stop = stop,
	.closed = closed,
	.state = state,
};
