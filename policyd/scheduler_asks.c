/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people ask for by API and command line: release this, drop that.  An
 * ask is taken off its list only while there is a helper, and put back when
 * that fails; a crash in between leaves the message held, and nothing else.
 */
#include "policyd/scheduler.h"

#include "net/loop.h"
#include "policyd/policyd.h"
#include "policyd/queue_client.h"
#include "service/metrics.h"
#include "store/delivery_store.h"
#include "store/hold_store.h"
#include "store/store.h"
#include "util/err.h"

#define ASKS_MS 500
#define BATCH_MAX 200 /* asks of one kind that are done together */
#define ACTOR_MAX 200
/* Numbers of held mail are for the counters. */
#define COUNT_EVERY 10

struct ask {
	enum hold_ask verb;
	char id[QUEUE_ID_MAX], actor[ACTOR_MAX];
	size_t id_len, actor_len;
};

static struct {
	struct policyd *d;
	struct loop_timer *timer;
	bool stopping;
	unsigned rounds;
	struct ask batch[BATCH_MAX + 1]; /* the last one may be of the next */
	size_t count, next;
	unsigned left; /* calls to come back */
	int rc;        /* the worst of them */
} asks;

static struct slice
id_of(const struct ask *a)
{
	return (struct slice){ a->id, a->id_len };
}

static struct slice
actor_of(const struct ask *a)
{
	return (struct slice){ a->actor, a->actor_len };
}

static int64_t
deadline(void)
{
	return store_deadline(asks.d->store);
}

static void collect(void);

/* The batch is done: what was read behind it begins the next one. */
static void
next_batch(bool ok)
{
	if (asks.stopping)
		return;
	if (asks.next > 0)
		asks.batch[0] = asks.batch[asks.count];
	asks.count = asks.next;
	asks.next = 0;
	if (ok && asks.count > 0)
		collect();
	else
		loop_timer_set(asks.timer, ASKS_MS);
}

/* ---- when it can not be done ---- */

static void
put_back(int rc, void *ctx)
{
	(void)ctx;
	if (rc < 0)
		log_warning("held mail: something asked for is lost: %s",
		    err_text(rc));
	if (--asks.left == 0)
		next_batch(false);
}

static void
put_back_all(enum scheduler_trouble kind, int rc, struct slice text)
{
	scheduler_trouble(kind, "what was asked for waits", rc, text);
	asks.left = (unsigned)asks.count;
	for (size_t i = 0; i < asks.count; i++)
		hold_ask(asks.d->store, asks.d->host, asks.batch[i].verb,
		    id_of(&asks.batch[i]), actor_of(&asks.batch[i]), deadline(),
		    put_back, NULL);
}

/* ---- when it is done ---- */

static void
finished(int rc, void *ctx)
{
	(void)ctx;
	if (rc < 0 && rc != ERR_NOTFOUND && !asks.stopping)
		scheduler_trouble(TROUBLE_REDIS, "done by hand, but listed", rc,
		    SLICE(""));
	if (--asks.left == 0)
		next_batch(true);
}

static void
log_ask(const struct ask *a)
{
	struct log_line l;

	log_line(&l, id_of(a));
	log_line_add(&l, "action",
	    a->verb == HOLD_ASK_DROP ? SLICE("drop") : SLICE("release"));
	log_line_add(&l, "actor", actor_of(a));
	log_line_end(&l, LOG_L_INFO);
}

static void
done(int rc, size_t count, struct slice text, void *ctx)
{
	bool drop = asks.batch[0].verb == HOLD_ASK_DROP;
	struct slice ids[BATCH_MAX];

	(void)ctx;
	if (asks.stopping)
		return;
	if (rc < 0) {
		put_back_all(TROUBLE_HELPER, rc, text);
		return;
	}
	metrics_add(drop ? METRIC_POLICYD_HELD_DROPPED
			 : METRIC_POLICYD_RELEASED,
	    count);
	for (size_t i = 0; i < asks.count; i++) {
		log_ask(&asks.batch[i]);
		ids[i] = id_of(&asks.batch[i]);
	}
	if (drop || count == asks.count) {
		asks.left = 1;
		hold_forget(asks.d->store, asks.d->host, ids, asks.count,
		    deadline(), finished, NULL);
		return;
	}
	/* Some are not in the hold queue (yet?): their turn will show. */
	asks.left = (unsigned)asks.count;
	for (size_t i = 0; i < asks.count; i++)
		hold_move(asks.d->store, asks.d->host, ids[i], 0, deadline(),
		    finished, NULL);
	scheduler_wake();
}

static void
run(enum queue_verb verb)
{
	struct slice ids[BATCH_MAX];

	for (size_t i = 0; i < asks.count; i++)
		ids[i] = id_of(&asks.batch[i]);
	queue_do(asks.d->queue, verb, ids, asks.count, done, NULL);
}

/* The events of their recipients will say who dropped them. */
static void
noted(int rc, void *ctx)
{
	(void)ctx;
	if (rc < 0)
		asks.rc = rc;
	if (--asks.left > 0 || asks.stopping)
		return;
	if (asks.rc < 0)
		put_back_all(TROUBLE_REDIS, asks.rc, SLICE(""));
	else
		run(QUEUE_DELETE);
}

static void
do_batch(void)
{
	if (asks.batch[0].verb == HOLD_ASK_RELEASE) {
		run(QUEUE_RELEASE);
		return;
	}
	asks.rc = 0;
	asks.left = (unsigned)asks.count;
	for (size_t i = 0; i < asks.count; i++) {
		struct slice rest = actor_of(&asks.batch[i]), origin = rest;

		(void)slice_split(&rest, ':', &origin);
		delivery_origin(asks.d->store, asks.d->host,
		    id_of(&asks.batch[i]), origin, deadline(), noted, NULL);
	}
}

/* ---- collecting ---- */

static void
add(enum hold_ask verb, struct slice queue_id, struct slice actor)
{
	struct ask *a = &asks.batch[asks.count];

	if (queue_id.len > sizeof(a->id))
		return;
	if (actor.len > sizeof(a->actor))
		actor.len = sizeof(a->actor);
	a->verb = verb;
	memcpy(a->id, queue_id.at, queue_id.len);
	a->id_len = queue_id.len;
	if (actor.len > 0)
		memcpy(a->actor, actor.at, actor.len);
	a->actor_len = actor.len;
	if (asks.count > 0 && verb != asks.batch[0].verb)
		asks.next = 1;
	else
		asks.count++;
}

static void
asked(int rc, enum hold_ask verb, struct slice queue_id, struct slice actor,
    bool more, void *ctx)
{
	(void)ctx;
	if (asks.stopping)
		return;
	if (rc == 0 && queue_id.len > 0)
		add(verb, queue_id, actor);
	if (rc == 0 && more && asks.next == 0 && asks.count < BATCH_MAX)
		collect();
	else if (asks.count > 0)
		do_batch();
	else
		loop_timer_set(asks.timer, ASKS_MS);
}

static void
collect(void)
{
	hold_ask_take(asks.d->store, asks.d->host, deadline(), asked, NULL);
}

/* ---- numbers ---- */

static void
numbers(int rc, const size_t counts[HOLD_REASONS], void *ctx)
{
	static const enum metric metrics[HOLD_REASONS] = {
		[HOLD_WINDOW] = METRIC_POLICYD_HELD_WINDOW,
		[HOLD_DAY_CAP] = METRIC_POLICYD_HELD_DAY_CAP,
		[HOLD_PRIORITY] = METRIC_POLICYD_HELD_PRIORITY,
		[HOLD_SCAN] = METRIC_POLICYD_HELD_SCAN,
		[HOLD_HAND] = METRIC_POLICYD_HELD_HAND,
	};

	(void)ctx;
	for (size_t i = 0; rc == 0 && i < HOLD_REASONS; i++)
		metrics_set(metrics[i], counts[i]);
}

static void
look(void *ctx)
{
	struct store *s = asks.d->store;

	(void)ctx;
	if (asks.rounds++ % COUNT_EVERY == 0)
		hold_count(s, asks.d->host, store_deadline(s), numbers, NULL);
	collect();
}

int
scheduler_asks_start(struct policyd *d, struct event_base *base)
{
	memset(&asks, 0, sizeof(asks));
	asks.d = d;
	asks.timer = loop_timer_new(base, look, NULL);
	if (asks.timer == NULL)
		return ERR_NOMEM;
	loop_timer_set(asks.timer, 0);
	return 0;
}

void
scheduler_asks_stop(void)
{
	asks.stopping = true;
	loop_timer_free(asks.timer);
	asks.timer = NULL;
}
