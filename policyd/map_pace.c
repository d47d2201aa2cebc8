/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "pace-NAME": smtp(8) looks up what each attempt led to
 * (smtp_delivery_status_filter) while it still holds its delivery slot, so
 * that an answer given late keeps the pace.  The answer itself makes a 5.x.x
 * a 4.x.x where a rule says so; else nothing is found.
 */
#include <stdlib.h>
#include <sys/queue.h>

#include "net/loop.h"
#include "policyd/map_server.h"
#include "policyd/pace.h"
#include "policyd/policyd.h"
#include "policyd/report.h"
#include "policyd/seen.h"
#include "policyd/sending.h"
#include "proto/settings.h"
#include "service/metrics.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

/*
 * smtp(8) asks for each recipient of a message, one right behind the other:
 * the same question again within this time is about the same message.  What
 * a server calls a message by (a queue id) tells messages apart; where it only
 * says "Ok", or "no", time must: less than another message takes.
 */
#define SAME_NAMED_US 500000
#define SAME_REFUSED_US 8000
#define SAME_PLAIN_US 1500

struct wait {
	LIST_ENTRY(wait) link;
	struct map_call *call; /* NULL: it is gone */
	struct policyd *daemon;
	struct pace *pace;
	struct loop_timer *timer;
	uint64_t client;
	struct pace_attempt attempt; /* its slices point at what is below */
	const char *rule;
	bool transcode, answered;
	char filter[SHAPING_NAME_MAX];
	char reply[PACE_REPLY_MAX];
};
static LIST_HEAD(, wait) waits = LIST_HEAD_INITIALIZER(waits);

/* The answer: nothing is found, or "4.x.x text" for what was "5.x.x text". */
static void
answer_call(struct map_call *call, bool transcode)
{
	char text[MAP_REQUEST_MAX];
	size_t len = call->key.len;

	if (!transcode || len == 0 || len > sizeof(text)) {
		map_answer(call, MAP_NOTFOUND, SLICE(""));
		return;
	}
	metrics_add(METRIC_POLICYD_PACE_TRANSCODED, 1);
	memcpy(text, call->key.at, len);
	text[0] = '4';
	map_answer(call, MAP_OK, (struct slice){ text, len });
}

static void
wait_free(struct wait *w)
{
	if (w->answered)
		LIST_REMOVE(w, link);
	loop_timer_free(w->timer);
	free(w);
}

static void
remember(uint64_t client, uint64_t mark)
{
	struct pace_client *c = pace_client_of(client);

	c->client = client;
	if (mark != 0)
		c->mark = mark;
	c->answered_us = clock_mono_us();
}

/* The time has come. */
static void
let_go(void *ctx)
{
	struct wait *w = ctx;

	pace_leave_give(w->pace);
	remember(w->client, 0);
	answer_call(w->call, w->transcode);
	wait_free(w);
}

static const char *
change_word(enum pace_change change)
{
	switch (change) {
	case PACE_SLOWER:
		metrics_add(METRIC_POLICYD_PACE_SLOWED, 1);
		return "slow";
	case PACE_SUSPENDED:
		metrics_add(METRIC_POLICYD_PACE_SUSPENDED, 1);
		return "suspend";
	case PACE_FASTER:
		metrics_add(METRIC_POLICYD_PACE_FASTER, 1);
		return "faster";
	case PACE_NORMAL:
		metrics_add(METRIC_POLICYD_PACE_FASTER, 1);
		return "normal";
	case PACE_SAME:
		break;
	}
	return NULL;
}

static void
log_change(const struct wait *w, const struct pace_answer *a)
{
	const char *word = change_word(a->change);
	struct log_line l;

	if (word == NULL)
		return;
	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "filter", w->attempt.filter);
	log_line_add(&l, "pace", slice_of(word));
	log_line_number(&l, "interval_ms", (a->interval_us + 500) / 1000);
	log_line_number(&l, "before_ms", (a->before_us + 500) / 1000);
	if (a->change == PACE_SUSPENDED)
		log_line_number(&l, "for_s", a->suspended_us / 1000000);
	if (a->change == PACE_SUSPENDED || a->change == PACE_SLOWER) {
		log_line_add(&l, "rule", slice_of(w->rule));
		log_line_add(&l, "reply", w->attempt.reply);
	}
	log_line_end(&l, LOG_L_INFO);
}

static void
log_capped(const struct wait *w, const struct pace_answer *a)
{
	static struct log_limit limit;
	unsigned long missed;
	struct log_line l;

	metrics_add(METRIC_POLICYD_PACE_CAPPED, 1);
	if (a->suspended_us > 0 || !log_limit_ok(&limit, 60, &missed))
		return;
	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "filter", w->attempt.filter);
	log_line_add(&l, "warning",
	    SLICE("too many connections for its interval: each sends one "
		  "message in policyd_pace_wait"));
	log_line_number(&l, "interval_ms", (a->interval_us + 500) / 1000);
	log_line_number(&l, "more", (int64_t)missed);
	log_line_end(&l, LOG_L_WARNING);
}

static void
answered(int rc, const struct pace_answer *answer, void *ctx)
{
	struct wait *w = ctx;
	struct pace_answer a = *answer;

	if (w->call == NULL) {
		wait_free(w);
		return;
	}
	if (rc < 0) {
		report_unavailable(w->daemon, rc,
		    "paces are this host's share");
		metrics_add(METRIC_POLICYD_PACE_LOCAL, 1);
		pace_local_take(&w->pace->local, &w->attempt, w->daemon->hosts,
		    &a);
	} else {
		w->pace->local.interval_us = a.interval_us;
	}
	w->answered = true;
	LIST_INSERT_HEAD(&waits, w, link);
	pace_learn(w->pace, &a);
	log_change(w, &a);
	if (a.wait_us > 0 && a.wait_us >= w->attempt.wait_max_us)
		log_capped(w, &a);
	if (a.wait_us < 1000) {
		let_go(w);
		return;
	}
	metrics_add(METRIC_POLICYD_PACE_WAITED, 1);
	loop_timer_set(w->timer, (a.wait_us + 500) / 1000);
}

/* Whether the server's words name the message: digits among letters. */
static bool
names_message(struct slice key)
{
	size_t run = 0, digits = 0;

	for (size_t i = 0; i <= key.len; i++) {
		char c = i < key.len ? key.at[i] : ' ';
		bool digit = c >= '0' && c <= '9';

		if (digit || ((c | 32) >= 'a' && (c | 32) <= 'z')) {
			run++;
			digits += digit;
			continue;
		}
		if (run >= 8 && digits >= 2)
			return true;
		run = digits = 0;
	}
	return false;
}

/* Another recipient of the message that this client asked for just now. */
static bool
same_message(const struct map_call *call, uint64_t mark)
{
	const struct pace_client *c = pace_client_of(call->client);
	int64_t most = SAME_PLAIN_US;

	if (c->client != call->client || c->mark != mark)
		return false;
	if (call->key.at[0] != '2')
		most = SAME_REFUSED_US;
	else if (names_message(call->key))
		most = SAME_NAMED_US;
	return clock_mono_us() - c->answered_us < most;
}

static struct pace_attempt
attempt_of(const struct shaping_filter *f, const struct reply_temper *t)
{
	return (struct pace_attempt){
		.temper = t->temper,
		.used = t->used,
		.fixed = f->fixed,
		.interval_us = f->interval_us,
		.max_interval_us = f->max_interval_us,
		.suspend_us = t->for_ms * 1000,
		.recovery_us = pace_options.recovery_us,
		.wait_max_us = pace_options.wait_us,
	};
}

static struct wait *
wait_new(struct map_call *call, const struct shaping_filter *f,
    const struct reply_temper *t)
{
	struct wait *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->daemon = call->daemon;
	w->pace = pace_of(call->daemon, f->name);
	w->timer = pace_timer_new(let_go, w);
	if (w->pace == NULL || w->timer == NULL) {
		wait_free(w);
		return NULL;
	}
	w->call = call;
	w->client = call->client;
	w->transcode = t->transcode;
	w->rule = t->rule;
	w->attempt = attempt_of(f, t);
	memcpy(w->filter, f->name.at, f->name.len);
	w->attempt.filter = (struct slice){ w->filter, f->name.len };
	size_t len =
	    t->reply.len < PACE_REPLY_MAX ? t->reply.len : PACE_REPLY_MAX;
	if (len > 0)
		memcpy(w->reply, t->reply.at, len);
	w->attempt.reply = (struct slice){ w->reply, len };
	return w;
}

static void
look_filter(struct map_call *call, const struct shaping_filter *f)
{
	struct policyd *d = call->daemon;
	const struct slice parts[] = { call->name, call->key };
	uint64_t mark = seen_mark(d->seen, parts, 2);
	struct reply_temper t;

	metrics_add(METRIC_POLICYD_PACE_ATTEMPTS, 1);
	bool known = reply_temper(call->key, f->rules, f->rule_count, &t) == 0;
	/* A forwarding server that is not found is the operator's trouble, and
	 * none of the recipient's: X.4.X, RFC 3463. */
	if (known && f->forward_host.len > 0 && t.reply.len == 0 &&
	    slice_starts(call->key, SLICE("5.4.")))
		t.transcode = true;
	/* What never reached the server says nothing. */
	bool idle = !known || (!t.used && t.temper == TEMPER_NEUTRAL);

	if (idle || same_message(call, mark)) {
		if (!idle)
			remember(call->client, mark);
		answer_call(call, t.transcode);
		return;
	}
	struct wait *w = wait_new(call, f, &t);

	if (w == NULL) {
		answer_call(call, t.transcode);
		return;
	}
	w->attempt.leave_us = pace_leave_take(w->pace,
	    pace_client_of(call->client), call->client);
	remember(call->client, mark);
	call->state = w;
	pace_take(d->store, &w->attempt, store_deadline(d->store), answered, w);
}

static void
look(struct map_call *call)
{
	struct settings *s = settings_current(call->daemon->watch);
	const struct shaping *shaping = settings_shaping(s);
	const struct shaping_filter *f = NULL;
	size_t address;

	if (shaping->mode == MODE_ENFORCE)
		f = shaping_transport_named(shaping,
		    slice_skip(call->name, sizeof("pace-") - 1), &address);
	if (f == NULL) {
		answer_call(call, false);
	} else {
		sending_attempted(call->daemon, shaping, f, address);
		look_filter(call, f);
	}
	settings_unref(s);
}

/* The slot stays booked: the message was sent. */
static void
gone(struct map_call *call)
{
	struct wait *w = call->state;

	w->call = NULL;
	if (w->answered)
		wait_free(w);
}

/*
 * While the daemon is away no pace is kept, so it is not to be kept from
 * ending: what waits goes, one message of each connection.
 */
void
map_pace_drain(void)
{
	while (!LIST_EMPTY(&waits))
		let_go(LIST_FIRST(&waits));
}

const struct map_table map_pace = {
	.name = "pace",
	.prefix = true,
	.look = look,
	.gone = gone,
};
