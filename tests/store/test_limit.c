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
	};

	if (!redis_server_available()) {
		puts("1..0 # SKIP no redis-server");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
