/* SPDX-License-Identifier: BSD-2-Clause */
/* The pace of shaping filters in Redis: one script call for each attempt. */
#include "store/pace_store.h"

#include <stdlib.h>

#include "store/args.h"
#include "store/keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "util/err.h"
#include "util/number.h"

static struct slice
temper_letter(enum temper temper)
{
	switch (temper) {
	case TEMPER_NEUTRAL:
		return SLICE("n");
	case TEMPER_CLEAN:
		return SLICE("c");
	case TEMPER_SLOW:
		return SLICE("w");
	case TEMPER_SUSPEND:
		return SLICE("s");
	}
	return SLICE("n");
}

static void
on_taken(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	pace_answered *answered = (pace_answered *)q->fn;
	void *answered_ctx = q->ctx;
	struct pace_answer answer = { 0 };

	if (rc == 0) {
		int64_t change = redis_integer(redis_at(reply, 4));

		answer.wait_us = redis_integer(redis_at(reply, 0));
		answer.interval_us = redis_integer(redis_at(reply, 1));
		answer.before_us = redis_integer(redis_at(reply, 2));
		answer.suspended_us = redis_integer(redis_at(reply, 3));
		if (change > PACE_SAME && change <= PACE_NORMAL)
			answer.change = (enum pace_change)change;
		answer.owed = redis_integer(redis_at(reply, 5)) != 0;
		if (answer.wait_us < 0)
			answer.wait_us = 0;
	}
	request_done(q);
	answered(rc, &answer, answered_ctx);
}

static struct slice
reply_kept(struct slice reply)
{
	if (reply.at == NULL)
		return SLICE("");
	if (reply.len > PACE_REPLY_MAX)
		reply.len = PACE_REPLY_MAX;
	return reply;
}

#define TAKE_NUMBERS 7

void
pace_take(struct store *s, const struct pace_attempt *t, int64_t deadline_us,
    pace_answered *answered, void *ctx)
{
	const int64_t numbers[TAKE_NUMBERS] = { t->interval_us,
		t->max_interval_us, t->suspend_us, t->leave_us, t->recovery_us,
		t->wait_max_us, t->used };
	char room[TAKE_NUMBERS][NUMBER_TEXT_MAX];
	struct slice n[TAKE_NUMBERS];
	struct key key = key_pace(t->filter);

	for (size_t i = 0; i < TAKE_NUMBERS; i++) {
		uint64_t value = numbers[i] > 0 ? (uint64_t)numbers[i] : 0;

		n[i] = (struct slice){ room[i], number_format(value, room[i]) };
	}
	if (t->leave_us < 0)
		n[3] = SLICE("");
	const struct slice argv[] = { key_slice(&key), temper_letter(t->temper),
		n[6], n[0], t->fixed ? SLICE("1") : SLICE("0"), n[1], n[2],
		n[3], n[4], n[5], reply_kept(t->reply), key_pace_channel(),
		t->filter };

	redis_script(s, SCRIPT_pace_take, 1, argv,
	    sizeof(argv) / sizeof(argv[0]), deadline_us, on_taken,
	    request_new(s, (request_fn *)answered, ctx));
}

/* ---- what people see and do ---- */

static void
on_shown(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	pace_shown *shown = (pace_shown *)q->fn;
	void *shown_ctx = q->ctx;
	struct pace_state state = { .change = SLICE(""), .reply = SLICE("") };

	request_done(q);
	if (rc == 0) {
		state.interval_us = redis_integer(redis_at(reply, 0));
		state.measured_us = redis_integer(redis_at(reply, 1));
		state.suspended_until_us = redis_integer(redis_at(reply, 2));
		state.changed_us = redis_integer(redis_at(reply, 3));
		state.change = redis_string(redis_at(reply, 4));
		state.reply = redis_string(redis_at(reply, 5));
		state.sent = (uint64_t)redis_integer(redis_at(reply, 6));
		state.last_minute = (uint64_t)redis_integer(redis_at(reply, 7));
	}
	shown(rc, &state, shown_ctx);
}

void
pace_show(struct store *s, struct slice filter, int64_t deadline_us,
    pace_shown *shown, void *ctx)
{
	struct key key = key_pace(filter);
	const struct slice argv[] = { key_slice(&key) };

	redis_script(s, SCRIPT_pace_show, 1, argv, 1, deadline_us, on_shown,
	    request_new(s, (request_fn *)shown, ctx));
}

const char *
pace_action_word(enum pace_action action)
{
	switch (action) {
	case PACE_RESET:
		return "reset";
	case PACE_SUSPEND:
		return "suspend";
	case PACE_RESUME:
		return "resume";
	}
	return "";
}

static void
on_done(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	pace_done *done = (pace_done *)q->fn;
	void *done_ctx = q->ctx;

	(void)reply;
	request_done(q);
	done(rc, done_ctx);
}

void
pace_act(struct store *s, struct slice filter, enum pace_action action,
    int64_t for_us, struct slice by, int64_t deadline_us, pace_done *done,
    void *ctx)
{
	struct key key = key_pace(filter);
	char room[NUMBER_TEXT_MAX];
	const struct slice argv[] = { key_slice(&key),
		slice_of(pace_action_word(action)),
		{ room,
		    number_format(for_us > 0 ? (uint64_t)for_us : 0, room) },
		reply_kept(by), key_pace_channel(), filter };

	redis_script(s, SCRIPT_pace_act, 1, argv,
	    sizeof(argv) / sizeof(argv[0]), deadline_us, on_done,
	    request_new(s, (request_fn *)done, ctx));
}

/* ---- notices ---- */

/* Lives as long as the store, as subscriptions do. */
struct watch {
	pace_told *told;
	void *ctx;
};
static struct watch watch;

/* "LEFT FILTER" */
static void
on_notice(struct slice payload, void *ctx)
{
	const struct watch *w = ctx;
	struct slice left;
	uint64_t us;

	if (!slice_split(&payload, ' ', &left) || payload.at == NULL ||
	    number_parse(left, 0, (uint64_t)PACE_SUSPEND_MAX_US, &us) < 0)
		return;
	w->told(payload, (int64_t)us, w->ctx);
}

int
pace_watch(struct store *s, pace_told *told, void *ctx)
{
	watch = (struct watch){ told, ctx };
	return redis_subscribe(s, key_pace_channel(), on_notice, &watch);
}
