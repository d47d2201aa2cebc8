/* SPDX-License-Identifier: BSD-2-Clause */
/* The pace in a real Redis: slots, complaints, coming back, suspensions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/pace_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

#define MS INT64_C(1000)
#define SECOND INT64_C(1000000)

struct got {
	struct pace_answer answer;
	struct pace_state state;
	char change[20], reply[100];
	int rc;
	bool done;
};

static void
answered(int rc, const struct pace_answer *answer, void *ctx)
{
	struct got *g = ctx;

	g->rc = rc;
	g->answer = *answer;
	g->done = true;
}

static void
shown(int rc, const struct pace_state *state, void *ctx)
{
	struct got *g = ctx;

	g->rc = rc;
	g->state = *state;
	(void)snprintf(g->change, sizeof(g->change), "%.*s",
	    SLICE_F(state->change));
	(void)snprintf(g->reply, sizeof(g->reply), "%.*s",
	    SLICE_F(state->reply));
	g->done = true;
}

static void
done(int rc, void *ctx)
{
	struct got *g = ctx;

	g->rc = rc;
	g->done = true;
}

static struct pace_attempt
attempt_of(int64_t interval_us, enum temper temper)
{
	return (struct pace_attempt){
		.filter = SLICE("google"),
		.temper = temper,
		.used = true,
		.interval_us = interval_us,
		.max_interval_us = 60 * SECOND,
		.leave_us = 0,
		.recovery_us = 60 * SECOND,
		.wait_max_us = 60 * SECOND,
		.reply = SLICE("421 4.7.0 too many"),
	};
}

static struct pace_answer
take(struct store_fixture *f, struct pace_attempt t)
{
	struct got g = { .done = false };

	pace_take(f->store, &t, store_deadline(f->store), answered, &g);
	store_fixture_run(f, &g.done);
	assert_int_equal(g.rc, 0);
	return g.answer;
}

static struct got
show(struct store_fixture *f)
{
	struct got g = { .done = false };

	pace_show(f->store, SLICE("google"), store_deadline(f->store), shown,
	    &g);
	store_fixture_run(f, &g.done);
	assert_int_equal(g.rc, 0);
	return g;
}

static void
act(struct store_fixture *f, enum pace_action action, int64_t for_us)
{
	struct got g = { .done = false };

	pace_act(f->store, SLICE("google"), action, for_us, SLICE("alice"),
	    store_deadline(f->store), done, &g);
	store_fixture_run(f, &g.done);
	assert_int_equal(g.rc, 0);
}

/* As if so much time had passed for one of its times. */
static void
set_back(struct store_fixture *f, const char *field, int64_t us)
{
	char words[200], text[64];

	(void)snprintf(words, sizeof(words), "HGET pn:sp:{pace:google} %s",
	    field);
	redis_server_cli(&f->server, words, text, sizeof(text));
	(void)snprintf(words, sizeof(words), "HSET pn:sp:{pace:google} %s %lld",
	    field, strtoll(text, NULL, 10) - (long long)us);
	redis_server_cli(&f->server, words, text, sizeof(text));
}

/* Slots one behind the other; processes without leave pay two. */
static void
test_slots(void **state)
{
	struct pace_attempt t = attempt_of(100 * SECOND, TEMPER_CLEAN);
	struct store_fixture f;
	struct pace_answer a;

	(void)state;
	store_fixture_open(&f, 0);
	t.wait_max_us = 10000 * SECOND;
	t.leave_us = -1;
	a = take(&f, t);
	assert_false(a.owed);
	assert_int_equal(a.wait_us, 0);
	a = take(&f, t);
	assert_true(a.owed);
	assert_true(a.wait_us > 199 * SECOND && a.wait_us <= 200 * SECOND);
	/* With the leave of this busy time: one. */
	t.leave_us = 0;
	a = take(&f, t);
	assert_false(a.owed);
	assert_true(a.wait_us > 299 * SECOND && a.wait_us <= 300 * SECOND);
	a = take(&f, t);
	assert_true(a.wait_us > 399 * SECOND && a.wait_us <= 400 * SECOND);
	/* A leave from before. */
	t.leave_us = 3600 * SECOND;
	a = take(&f, t);
	assert_true(a.owed);
	assert_true(a.wait_us > 599 * SECOND && a.wait_us <= 600 * SECOND);
	/* What took no slot waits for none. */
	t.used = false;
	assert_int_equal(take(&f, t).wait_us, 0);
	/* The longest wait. */
	t.used = true;
	t.wait_max_us = 5 * SECOND;
	assert_int_equal(take(&f, t).wait_us, 5 * SECOND);
	assert_int_equal(take(&f, t).wait_us, 5 * SECOND);
	/* No pace. */
	t.interval_us = 0;
	a = take(&f, t);
	assert_int_equal(a.wait_us, 0);
	assert_int_equal(a.interval_us, 0);
	store_fixture_close(&f);
}

static void
test_halves_once(void **state)
{
	struct store_fixture f;
	struct pace_answer a;

	(void)state;
	store_fixture_open(&f, 0);
	a = take(&f, attempt_of(300 * MS, TEMPER_CLEAN));
	assert_int_equal(a.interval_us, 300 * MS);
	for (int i = 0; i < 20; i++) {
		a = take(&f, attempt_of(300 * MS, TEMPER_SLOW));
		assert_int_equal(a.interval_us, 600 * MS);
		assert_int_equal(a.change, i == 0 ? PACE_SLOWER : PACE_SAME);
	}
	struct got g = show(&f);
	assert_int_equal(g.state.interval_us, 600 * MS);
	assert_int_equal(g.state.sent, 21);
	assert_string_equal(g.change, "slow");
	assert_string_equal(g.reply, "421 4.7.0 too many");
	/* A quarter of the recovery time later it counts again. */
	set_back(&f, "l", 15 * SECOND);
	a = take(&f, attempt_of(300 * MS, TEMPER_SLOW));
	assert_int_equal(a.interval_us, 1200 * MS);
	/* The largest interval. */
	for (int i = 0; i < 20; i++) {
		set_back(&f, "l", 15 * SECOND);
		a = take(&f, attempt_of(300 * MS, TEMPER_SLOW));
	}
	assert_int_equal(a.interval_us, 60 * SECOND);
	store_fixture_close(&f);
}

static void
test_comes_back(void **state)
{
	static const int64_t steps[] = { 500000, 428571, 375000, 333333,
		300000 };
	struct store_fixture f;
	struct pace_answer a;

	(void)state;
	store_fixture_open(&f, 0);
	(void)take(&f, attempt_of(300 * MS, TEMPER_SLOW));
	for (size_t i = 0; i < 5; i++) {
		a = take(&f, attempt_of(300 * MS, TEMPER_CLEAN));
		assert_int_equal(a.change, PACE_SAME);
		/* Not a whole clean interval, if there was a complaint. */
		set_back(&f, "l", 60 * SECOND);
		a = take(&f, attempt_of(300 * MS, TEMPER_CLEAN));
		assert_int_equal(a.change, PACE_SAME);
		set_back(&f, "s", 60 * SECOND);
		/* A reply that says nothing brings nothing. */
		a = take(&f, attempt_of(300 * MS, TEMPER_NEUTRAL));
		assert_int_equal(a.change, PACE_SAME);
		a = take(&f, attempt_of(300 * MS, TEMPER_CLEAN));
		assert_int_equal(a.change, i < 4 ? PACE_FASTER : PACE_NORMAL);
		assert_in_range(a.interval_us, steps[i] - 2, steps[i] + 2);
	}
	/* Never faster than what was set. */
	set_back(&f, "s", 600 * SECOND);
	a = take(&f, attempt_of(300 * MS, TEMPER_CLEAN));
	assert_int_equal(a.interval_us, 300 * MS);
	assert_int_equal(a.change, PACE_SAME);
	/* Another one was set. */
	a = take(&f, attempt_of(500 * MS, TEMPER_CLEAN));
	assert_int_equal(a.interval_us, 500 * MS);
	store_fixture_close(&f);
}

static void
test_fixed(void **state)
{
	struct pace_attempt t = attempt_of(300 * MS, TEMPER_SUSPEND);
	struct store_fixture f;
	struct pace_answer a;

	(void)state;
	store_fixture_open(&f, 0);
	t.fixed = true;
	t.suspend_us = 60 * SECOND;
	a = take(&f, t);
	assert_int_equal(a.interval_us, 300 * MS);
	assert_int_equal(a.suspended_us, 0);
	assert_int_equal(a.change, PACE_SAME);
	store_fixture_close(&f);
}

/* No interval is set: the pace begins at half of what was measured. */
static void
test_measures(void **state)
{
	struct store_fixture f;
	struct pace_answer a;

	(void)state;
	store_fixture_open(&f, 0);
	for (int i = 0; i < 100; i++) {
		a = take(&f, attempt_of(0, TEMPER_CLEAN));
		assert_int_equal(a.wait_us, 0);
	}
	/* 100 and this one in the 4 s before. */
	set_back(&f, "f", 4 * SECOND);
	a = take(&f, attempt_of(0, TEMPER_SLOW));
	assert_int_equal(a.change, PACE_SLOWER);
	/* Where the window of 10 s turned meanwhile it is a little less. */
	assert_in_range(a.interval_us, 60 * MS, 250 * MS);
	struct got g = show(&f);
	assert_int_equal(g.state.measured_us * 2, g.state.interval_us);
	/* It is given up at four times what was measured. */
	int steps = 0;
	while (a.interval_us > 0 && steps++ < 100) {
		set_back(&f, "l", 60 * SECOND);
		set_back(&f, "s", 60 * SECOND);
		a = take(&f, attempt_of(0, TEMPER_CLEAN));
	}
	assert_in_range(steps, 30, 40);
	assert_int_equal(a.change, PACE_NORMAL);
	store_fixture_close(&f);
}

struct notices {
	int64_t us;
	unsigned count;
	bool done;
};

static void
told(struct slice filter, int64_t suspended_us, void *ctx)
{
	struct notices *n = ctx;

	assert_true(slice_eq(filter, SLICE("google")));
	n->us = suspended_us;
	n->count++;
	n->done = true;
}

static void
test_suspends(void **state)
{
	struct pace_attempt t = attempt_of(300 * MS, TEMPER_SUSPEND);
	struct notices n = { .done = false };
	struct store_fixture f;
	struct pace_answer a;
	char text[64];

	(void)state;
	store_fixture_open(&f, 0);
	assert_int_equal(pace_watch(f.store, told, &n), 0);
	/* The subscription stands when Redis has heard of it. */
	do
		redis_server_cli(&f.server, "PUBSUB NUMSUB pn:pace", text,
		    sizeof(text));
	while (strstr(text, "1") == NULL &&
	       (take(&f, attempt_of(300 * MS, TEMPER_CLEAN)), true));
	t.suspend_us = 300 * SECOND;
	a = take(&f, t);
	assert_int_equal(a.change, PACE_SUSPENDED);
	assert_int_equal(a.interval_us, 600 * MS);
	assert_int_equal(a.suspended_us, 300 * SECOND);
	assert_int_equal(a.wait_us, 60 * SECOND);
	store_fixture_run(&f, &n.done);
	assert_in_range(n.us, 299 * SECOND, 300 * SECOND);
	/* The others hear the same: nothing new. */
	a = take(&f, t);
	assert_int_equal(a.change, PACE_SAME);
	struct got g = show(&f);
	assert_true(g.state.suspended_until_us > clock_wall_us());
	assert_string_equal(g.change, "suspend");
	n.done = false;
	act(&f, PACE_RESUME, 0);
	store_fixture_run(&f, &n.done);
	assert_int_equal(n.us, 0);
	g = show(&f);
	assert_int_equal(g.state.suspended_until_us, 0);
	assert_int_equal(g.state.interval_us, 600 * MS);
	assert_string_equal(g.change, "resume");
	assert_string_equal(g.reply, "alice");
	a = take(&f, attempt_of(300 * MS, TEMPER_CLEAN));
	assert_true(a.wait_us < 10 * SECOND);
	act(&f, PACE_SUSPEND, 20 * SECOND);
	a = take(&f, attempt_of(300 * MS, TEMPER_CLEAN));
	assert_in_range(a.suspended_us, 18 * SECOND, 20 * SECOND);
	act(&f, PACE_RESET, 0);
	a = take(&f, attempt_of(300 * MS, TEMPER_CLEAN));
	assert_int_equal(a.suspended_us, 0);
	assert_int_equal(a.interval_us, 300 * MS);
	store_fixture_close(&f);
}

static void
test_expires(void **state)
{
	struct store_fixture f;
	char text[64];

	(void)state;
	store_fixture_open(&f, 0);
	assert_int_equal(show(&f).state.interval_us, 0);
	redis_server_cli(&f.server, "DBSIZE", text, sizeof(text));
	assert_string_equal(text, "0");
	(void)take(&f, attempt_of(300 * MS, TEMPER_CLEAN));
	redis_server_cli(&f.server, "PTTL pn:sp:{pace:google}", text,
	    sizeof(text));
	assert_true(strtoll(text, NULL, 10) > PACE_TTL_MS - 60000);
	act(&f, PACE_SUSPEND, 100000 * SECOND);
	redis_server_cli(&f.server, "PTTL pn:sp:{pace:google}", text,
	    sizeof(text));
	assert_true(strtoll(text, NULL, 10) > PACE_TTL_MS + 90000000);
	store_fixture_close(&f);
}

/* This host's share, while Redis is away. */
static void
test_local(void **state)
{
	struct pace_attempt t = attempt_of(300 * MS, TEMPER_CLEAN);
	struct pace_local local = { 0 };
	struct pace_answer a;
	int64_t now = INT64_C(1700000000) * SECOND;

	(void)state;
	clock_set_for_test(now);
	t.leave_us = -1;
	pace_local_take(&local, &t, 3, &a);
	assert_int_equal(a.wait_us, 0);
	assert_int_equal(a.interval_us, 300 * MS);
	pace_local_take(&local, &t, 3, &a);
	assert_true(a.owed);
	assert_int_equal(a.wait_us, 1800 * MS);
	t.leave_us = 0;
	pace_local_take(&local, &t, 3, &a);
	assert_int_equal(a.wait_us, 2700 * MS);
	t.temper = TEMPER_SLOW;
	pace_local_take(&local, &t, 3, &a);
	assert_int_equal(a.interval_us, 600 * MS);
	assert_int_equal(a.change, PACE_SLOWER);
	pace_local_take(&local, &t, 3, &a);
	assert_int_equal(a.interval_us, 600 * MS);
	t.temper = TEMPER_SUSPEND;
	t.suspend_us = 120 * SECOND;
	pace_local_take(&local, &t, 3, &a);
	assert_int_equal(a.suspended_us, 120 * SECOND);
	assert_int_equal(a.wait_us, 60 * SECOND);
	/* Settings say otherwise. */
	t.fixed = true;
	t.temper = TEMPER_CLEAN;
	clock_set_for_test(now + 1000 * SECOND);
	pace_local_take(&local, &t, 1, &a);
	assert_int_equal(a.wait_us, 0);
	pace_local_take(&local, &t, 1, &a);
	assert_int_equal(a.wait_us, 300 * MS);
	clock_set_for_test(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_halves_once),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_measures),
		cmocka_unit_test(test_suspends),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_local),
	};

	if (!redis_server_available()) {
		puts("1..0 # SKIP no redis-server");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
