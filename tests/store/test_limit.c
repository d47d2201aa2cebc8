/* SPDX-License-Identifier: BSD-2-Clause */
/* Rate limits in a real Redis, and the local ones beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/settings.h"
#include "store/limit_store.h"
#include "store/limit_view.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

#define HOUR_US INT64_C(3600000000)

struct answers {
	unsigned due, allowed, refused, failed;
	int64_t wait_us;
	bool done;
};

static void
answered(int rc, int64_t wait_us, void *ctx)
{
	struct answers *a = ctx;

	if (rc < 0)
		a->failed++;
	else if (wait_us == 0)
		a->allowed++;
	else
		a->refused++;
	a->wait_us = wait_us;
	if (--a->due == 0)
		a->done = true;
}

static struct limit
limit_of(const char *value, const struct rate *rates, size_t count)
{
	return (struct limit){ SLICE("shop"), SLICE("per-user"),
		slice_of(value), rates, count, 1 };
}

static struct answers
take(struct store_fixture *f, const struct limit *limit, unsigned times)
{
	struct answers a = { .due = times };

	for (unsigned i = 0; i < times; i++)
		limit_take(f->store, limit, store_deadline(f->store), answered,
		    &a);
	store_fixture_run(f, &a.done);
	return a;
}

static void
test_burst_and_wait(void **state)
{
	const struct rate rate = { .quantity = 100,
		.burst = 3,
		.period_us = HOUR_US };
	struct store_fixture f;

	(void)state;
	store_fixture_open(&f, 0);
	struct limit limit = limit_of("a", &rate, 1);
	struct answers a = take(&f, &limit, 10);
	assert_int_equal(a.allowed, 3);
	assert_int_equal(a.refused, 7);
	assert_true(a.wait_us > 0 && a.wait_us <= HOUR_US / 100);
	/* Another value counts by itself. */
	limit = limit_of("b", &rate, 1);
	assert_int_equal(take(&f, &limit, 1).allowed, 1);
	/* The cost counts, too. */
	limit = limit_of("c", &rate, 1);
	limit.cost = 2;
	a = take(&f, &limit, 2);
	assert_int_equal(a.allowed, 1);
	store_fixture_close(&f);
}

static void
test_refund(void **state)
{
	const struct rate rate = { .quantity = 100,
		.burst = 3,
		.period_us = HOUR_US };
	struct store_fixture f;
	char text[100];

	(void)state;
	store_fixture_open(&f, 0);
	struct limit limit = limit_of("a", &rate, 1);
	assert_int_equal(take(&f, &limit, 4).allowed, 3);
	limit_refund(f.store, &limit);
	limit_refund(f.store, &limit);
	assert_int_equal(take(&f, &limit, 4).allowed, 2);
	/* Back to nothing: the key goes, and more is not given. */
	for (int i = 0; i < 5; i++)
		limit_refund(f.store, &limit);
	limit.value = SLICE("other");
	assert_int_equal(take(&f, &limit, 1).allowed, 1);
	redis_server_cli(&f.server, "DBSIZE", text, sizeof(text));
	assert_string_equal(text, "1");
	limit.value = SLICE("a");
	assert_int_equal(take(&f, &limit, 5).allowed, 3);
	store_fixture_close(&f);
}

/* All rates of a rule are booked, or none. */
static void
test_several_rates(void **state)
{
	const struct rate rates[] = {
		{ .quantity = 1000, .burst = 10, .period_us = HOUR_US },
		{ .quantity = 100, .burst = 4, .period_us = 24 * HOUR_US },
	};
	struct store_fixture f;

	(void)state;
	store_fixture_open(&f, 0);
	struct limit both = limit_of("a", rates, 2);
	struct answers a = take(&f, &both, 20);
	assert_int_equal(a.allowed, 4);
	assert_true(a.wait_us > HOUR_US / 10);
	/* The refused ones left the first rate alone: 6 more fit in it. */
	struct limit first = limit_of("a", rates, 1);
	assert_int_equal(take(&f, &first, 20).allowed, 6);
	store_fixture_close(&f);
}

/* A rate that was made shorter does not keep the times of the longer one. */
static void
test_changed_rate(void **state)
{
	const struct rate slow = { .quantity = 1,
		.burst = 1,
		.period_us = 240 * HOUR_US };
	const struct rate fast = { .quantity = 1000,
		.burst = 5,
		.period_us = 1000000 };
	struct store_fixture f;

	(void)state;
	store_fixture_open(&f, 0);
	struct limit limit = limit_of("a", &slow, 1);
	assert_int_equal(take(&f, &limit, 1).allowed, 1);
	limit = limit_of("a", &fast, 1);
	struct answers a = take(&f, &limit, 1);
	assert_true(a.allowed == 1 || a.wait_us <= 1000);
	store_fixture_close(&f);
}

/* Two clients at the same time, ten takers each way: never one too many. */
static void
test_parallel_takers(void **state)
{
	const struct rate rate = { .quantity = 500,
		.burst = 500,
		.period_us = 240 * HOUR_US };
	struct store_fixture f;
	struct store *other;
	char error[200];
	struct answers a = { .due = 4000 };

	(void)state;
	store_fixture_open(&f, 0);
	struct store_options options = { .address = f.server.address,
		.timeout_ms = 10000 };
	assert_int_equal(store_open(f.base, &options, &other, error,
			     sizeof(error)),
	    0);
	struct limit limit = limit_of("a", &rate, 1);
	for (unsigned i = 0; i < 2000; i++) {
		limit_take(f.store, &limit, clock_deadline_ms(10000), answered,
		    &a);
		limit_take(other, &limit, clock_deadline_ms(10000), answered,
		    &a);
	}
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.failed, 0);
	assert_int_equal(a.allowed, 500);
	store_close(other);
	store_fixture_close(&f);
}

static void
test_redis_away(void **state)
{
	const struct rate rate = { .quantity = 10,
		.burst = 10,
		.period_us = HOUR_US };
	struct store_fixture f;

	(void)state;
	store_fixture_open(&f, 0);
	struct limit limit = limit_of("a", &rate, 1);
	assert_int_equal(take(&f, &limit, 1).allowed, 1);
	redis_server_kill(&f.server);
	assert_int_equal(take(&f, &limit, 3).failed, 3);
	store_fixture_close(&f);
}

static unsigned
take_locally(struct limit_local *l, const struct limit *limit, unsigned hosts,
    unsigned times)
{
	unsigned allowed = 0;

	for (unsigned i = 0; i < times; i++)
		allowed += limit_local_take(l, limit, hosts) == 0;
	return allowed;
}

static void
test_local(void **state)
{
	const struct rate rate = { .quantity = 100,
		.burst = 10,
		.period_us = HOUR_US };
	struct limit_local *l = limit_local_new(3);
	struct limit limit = limit_of("a", &rate, 1);
	const int64_t start = INT64_C(1000000000000);

	(void)state;
	clock_set_for_test(start);
	assert_non_null(l);
	assert_int_equal(take_locally(l, &limit, 1, 20), 10);
	assert_int_equal(limit_local_take(l, &limit, 1), HOUR_US / 100);
	limit_local_refund(l, &limit, 1);
	assert_int_equal(take_locally(l, &limit, 1, 20), 1);
	clock_set_for_test(start + HOUR_US / 100);
	assert_int_equal(take_locally(l, &limit, 1, 20), 1);

	/* A share of the burst, at least one; of the rate exactly. */
	limit.value = SLICE("b");
	assert_int_equal(take_locally(l, &limit, 5, 20), 2);
	assert_int_equal(limit_local_take(l, &limit, 5), HOUR_US / 20);
	limit.value = SLICE("c");
	assert_int_equal(take_locally(l, &limit, 50, 20), 1);

	/* No room: what was used longest ago is forgotten. */
	limit.value = SLICE("b");
	assert_int_equal(take_locally(l, &limit, 5, 20), 0);
	limit.value = SLICE("d");
	assert_int_equal(take_locally(l, &limit, 1, 20), 10);
	limit.value = SLICE("b");
	assert_int_equal(take_locally(l, &limit, 5, 20), 0);
	limit.value = SLICE("a");
	assert_int_equal(take_locally(l, &limit, 1, 20), 10);
	limit_local_free(l);
	clock_set_for_test(0);
}

/* ---- seen and changed by people ---- */

static struct {
	bool done, changed;
	int rc;
	struct limit_view view;
} answer;

static void
shown(int rc, const struct limit_view *view, void *ctx)
{
	(void)ctx;
	answer.rc = rc;
	answer.view = *view;
	answer.done = true;
}

static const struct limit_view *
show(struct store_fixture *f, const struct limit *limit)
{
	answer.done = false;
	limit_show(f->store, limit, store_deadline(f->store), shown, NULL);
	assert_false(answer.done);
	store_fixture_run(f, &answer.done);
	assert_int_equal(answer.rc, 0);
	return &answer.view;
}

static void
changed(int rc, bool any, void *ctx)
{
	(void)ctx;
	answer.rc = rc;
	answer.changed = any;
	answer.done = true;
}

enum what { RESET, END, OVERRIDE };
static bool
change(struct store_fixture *f, const struct limit *limit, enum what what,
    const struct rate *rate, int64_t until_us)
{
	int64_t deadline = store_deadline(f->store);

	answer.done = false;
	if (what == RESET)
		limit_reset(f->store, limit, deadline, changed, NULL);
	else if (what == END)
		limit_override_end(f->store, limit, deadline, changed, NULL);
	else
		limit_override(f->store, limit, rate, until_us, deadline,
		    changed, NULL);
	store_fixture_run(f, &answer.done);
	assert_int_equal(answer.rc, 0);
	return answer.changed;
}

static void
test_show_and_reset(void **state)
{
	const struct rate rates[] = {
		{ .quantity = 100, .burst = 5, .period_us = HOUR_US },
		{ .quantity = 1000, .burst = 1000, .period_us = 24 * HOUR_US },
	};
	struct store_fixture f;
	const struct limit_view *v;

	(void)state;
	store_fixture_open(&f, 0);
	struct limit limit = limit_of("a", rates, 2);

	v = show(&f, &limit);
	assert_int_equal(v->rate_count, 2);
	assert_int_equal(v->rates[0].used, 0);
	assert_int_equal(v->wait_us, 0);
	assert_false(change(&f, &limit, RESET, NULL, 0));
	assert_int_equal(take(&f, &limit, 6).allowed, 5);
	v = show(&f, &limit);
	assert_int_equal(v->rates[0].used, 5);
	assert_int_equal(v->rates[1].used, 5);
	assert_true(v->rates[0].wait_us > 0);
	assert_true(v->rates[0].wait_us <= HOUR_US / 100);
	assert_int_equal(v->rates[1].wait_us, 0);
	assert_int_equal(v->wait_us, v->rates[0].wait_us);
	assert_false(v->overridden);
	assert_true(change(&f, &limit, RESET, NULL, 0));
	assert_int_equal(show(&f, &limit)->rates[0].used, 0);
	assert_int_equal(take(&f, &limit, 6).allowed, 5);
	store_fixture_close(&f);
}

static void
override_one(size_t rate_count)
{
	const struct rate rates[] = {
		{ .quantity = 100, .burst = 2, .period_us = HOUR_US },
		{ .quantity = 1000, .burst = 1000, .period_us = 24 * HOUR_US },
	};
	const struct rate more = { .quantity = 50,
		.burst = 7,
		.period_us = HOUR_US };
	const int64_t soon = clock_wall_us() + 60 * INT64_C(1000000);
	struct store_fixture f;
	const struct limit_view *v;

	store_fixture_open(&f, 0);
	struct limit limit = limit_of("a", rates, rate_count);

	assert_int_equal(take(&f, &limit, 4).allowed, 2);
	/* No limit for a while: nothing is booked. */
	assert_true(change(&f, &limit, OVERRIDE, NULL, soon));
	assert_int_equal(take(&f, &limit, 50).allowed, 50);
	v = show(&f, &limit);
	assert_true(v->overridden && v->unlimited);
	assert_int_equal(v->rate_count, 0);
	assert_int_equal(v->wait_us, 0);
	assert_int_equal(v->until_us, soon);
	/* Another rate: what was used counts on, as far as it can say. */
	assert_true(change(&f, &limit, OVERRIDE, &more, soon));
	v = show(&f, &limit);
	assert_true(v->overridden && !v->unlimited);
	assert_int_equal(v->rate.quantity, 50);
	assert_int_equal(v->rate.burst, 7);
	assert_int_equal(v->rate.period_us, HOUR_US);
	assert_true(change(&f, &limit, RESET, NULL, 0));
	assert_int_equal(take(&f, &limit, 9).allowed, 7);
	limit_refund(f.store, &limit);
	assert_int_equal(take(&f, &limit, 9).allowed, 1);
	v = show(&f, &limit);
	assert_int_equal(v->rates[0].used, 7);
	assert_true(v->wait_us > 0);
	/* The rule's own again. */
	assert_true(change(&f, &limit, END, NULL, 0));
	assert_false(change(&f, &limit, END, NULL, 0));
	assert_false(show(&f, &limit)->overridden);
	assert_int_equal(take(&f, &limit, 9).allowed, 0);
	assert_true(change(&f, &limit, RESET, NULL, 0));
	assert_int_equal(take(&f, &limit, 9).allowed, 2);
	store_fixture_close(&f);
}

static void
test_override(void **state)
{
	(void)state;
	override_one(1);
	override_one(2);
}

static void
test_override_passes(void **state)
{
	const struct rate rate = { .quantity = 100,
		.burst = 2,
		.period_us = HOUR_US };
	const struct limit_view *v;
	struct store_fixture f;
	char text[100];

	(void)state;
	store_fixture_open(&f, 0);
	struct limit limit = limit_of("a", &rate, 1);

	/* One that is over, with what was used behind it. */
	(void)change(&f, &limit, OVERRIDE, NULL, clock_wall_us() + 300000);
	assert_int_equal(take(&f, &limit, 5).allowed, 5);
	do
		v = show(&f, &limit);
	while (v->overridden);
	assert_int_equal(take(&f, &limit, 5).allowed, 2);
	/* It keeps the key no longer than it lasts. */
	limit.value = SLICE("b");
	(void)change(&f, &limit, OVERRIDE, NULL,
	    clock_wall_us() + 60 * INT64_C(1000000));
	redis_server_cli(&f.server, "PTTL pn:r:{shop:per-user:b}", text,
	    sizeof(text));
	assert_true(
	    strtol(text, NULL, 10) > 0 && strtol(text, NULL, 10) <= 60000);
	(void)change(&f, &limit, END, NULL, 0);
	redis_server_cli(&f.server, "EXISTS pn:r:{shop:per-user:b}", text,
	    sizeof(text));
	assert_string_equal(text, "0");
	store_fixture_close(&f);
}

static void
test_view_of_text(void **state)
{
	const struct rate rate = { .quantity = 10,
		.burst = 10,
		.period_us = 10000000 };
	const struct limit limit = limit_of("a", &rate, 1);
	static const struct {
		const char *text;
		bool overridden, unlimited;
		unsigned used;
	} cases[] = {
		{ "", false, false, 0 },
		{ "1003000000", false, false, 3 },
		{ "1003000001", false, false, 4 },
		{ "999", false, false, 0 },
		{ "99999999999", false, false, 10 },
		{ "O 2000000000 0 0 0 0 0|", true, true, 0 },
		{ "O 2000000000 1000000 5000000 1 5 1000000|1002000000", true,
		    false, 2 },
		{ "O 1000000000 0 0 0 0 0|1002000000", false, false, 2 },
		{ "O 2000000000 0 0 0 0|", false, false, 0 },
		{ "O 2000000000 0 0 0 0 0", false, false, 0 },
		{ "O x|", false, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct limit_view v;

		limit_view_of(&limit, slice_of(cases[i].text), 1000000000, &v);
		assert_int_equal(v.overridden, cases[i].overridden);
		assert_int_equal(v.unlimited, cases[i].unlimited);
		if (v.rate_count > 0)
			assert_int_equal(v.rates[0].used, cases[i].used);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_burst_and_wait),
		cmocka_unit_test(test_refund),
		cmocka_unit_test(test_several_rates),
		cmocka_unit_test(test_changed_rate),
		cmocka_unit_test(test_parallel_takers),
		cmocka_unit_test(test_redis_away),
		cmocka_unit_test(test_show_and_reset),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_override_passes),
		cmocka_unit_test(test_view_of_text),
	};

	if (!redis_server_available()) {
		puts("1..0 # SKIP no redis-server");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
