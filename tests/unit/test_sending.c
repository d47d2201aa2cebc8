/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending addresses: shares of domains, plans, what was used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/sending.h"

#define HOST SLICE("mx1.example")
#define DOMAINS 3000

/* Five addresses; "d" is another host's. */
static const unsigned plan[] = { 50, 100, 400 };
static const struct sending_address addresses[] = {
	{ .name = { "a", 1 } },
	{ .name = { "b", 1 }, .host = { "mx1.example", 11 } },
	{ .name = { "c", 1 },
	    .warming = true,
	    .start_year = 2028,
	    .start_month = 2,
	    .start_day = 28,
	    .per_day = plan,
	    .days = 3 },
	{ .name = { "d", 1 }, .host = { "mx2.example", 11 } },
	{ .name = { "e", 1 } },
};
static const unsigned three[] = { 0, 1, 2 }, four[] = { 0, 1, 2, 4 },
		      other[] = { 3 };
static const struct shaping_filter filter3 = { .addresses = three,
	.address_count = 3 };
static const struct shaping_filter filter4 = { .addresses = four,
	.address_count = 4 };
static const struct shaping_filter filter_other = { .addresses = other,
	.address_count = 1 };
static const struct shaping_filter filter_none = { .address_count = 0 };
static const struct shaping shaping = { .addresses = addresses,
	.address_count = 5 };

static size_t
pick(const struct shaping_filter *f, unsigned domain, const bool *full)
{
	char room[40];
	size_t address = 99;
	int n = snprintf(room, sizeof(room), "d%u.example", domain);

	assert_true(sending_pick(&shaping, f, HOST,
	    (struct slice){ room, (size_t)n }, full, &address));
	return address;
}

static void
test_shares(void **state)
{
	unsigned count[3] = { 0, 0, 0 };

	(void)state;
	for (unsigned i = 0; i < DOMAINS; i++) {
		size_t at = pick(&filter3, i, NULL);

		assert_in_range(at, 0, 2);
		assert_int_equal(at, pick(&filter3, i, NULL));
		count[at]++;
	}
	for (size_t i = 0; i < 3; i++)
		assert_in_range(count[i], DOMAINS * 9 / 30, DOMAINS * 11 / 30);
}

/* One more address takes its share of each, and nothing else moves. */
static void
test_one_more(void **state)
{
	unsigned moved = 0;

	(void)state;
	for (unsigned i = 0; i < DOMAINS; i++) {
		size_t before = pick(&filter3, i, NULL),
		       after = pick(&filter4, i, NULL);

		if (before == after)
			continue;
		assert_int_equal(after, 3);
		moved++;
	}
	assert_in_range(moved, DOMAINS * 2 / 10, DOMAINS * 3 / 10);
}

static void
test_full(void **state)
{
	bool full[5] = { false, false, true, false, false };
	size_t address = 99;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		size_t at = pick(&filter3, i, full);

		assert_int_not_equal(at, 2);
		/* The others keep theirs. */
		if (pick(&filter3, i, NULL) != 2)
			assert_int_equal(at, pick(&filter3, i, NULL));
	}
	full[0] = full[1] = true;
	assert_false(
	    sending_pick(&shaping, &filter3, HOST, SLICE("x"), full, &address));
	assert_int_equal(address, 99);
}

static void
test_system(void **state)
{
	(void)state;
	assert_true(pick(&filter_none, 1, NULL) == SHAPING_NO_ADDRESS);
	assert_true(pick(&filter_other, 1, NULL) == SHAPING_NO_ADDRESS);
}

static const struct {
	unsigned day;
	uint64_t ceiling;
} days[] = {
	{ 20270228, 0 },
	{ 20280227, 0 },
	{ 20280228, 50 },
	{ 20280229, 100 },
	{ 20280301, 400 },
	{ 20280302, UINT64_MAX },
	{ 20290101, UINT64_MAX },
};

static void
test_ceiling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++)
		assert_true(sending_ceiling(&addresses[2], days[i].day) ==
			    days[i].ceiling);
	assert_true(sending_ceiling(&addresses[0], 20280228) == UINT64_MAX);
}

#define MINUTE INT64_C(60000)
#define NOON INT64_C(1800000000000)

static void
test_use(void **state)
{
	struct sending_use u = { 0 };

	(void)state;
	sending_use_day(&u, 20280228);
	assert_false(sending_use_full(&u, 3, 0, NOON));
	assert_true(sending_use_full(&u, 0, 0, NOON));
	/* Given counts at once, and no twice when it ended. */
	for (int i = 0; i < 3; i++)
		sending_use_given(&u, NOON);
	assert_true(sending_use_full(&u, 3, 0, NOON));
	assert_false(sending_use_full(&u, 4, 0, NOON));
	sending_use_ended(&u, NOON + 1);
	sending_use_ended(&u, NOON + 2);
	assert_int_equal(u.untold, 2);
	assert_true(sending_use_full(&u, 3, 0, NOON + 2));
	assert_false(sending_use_full(&u, 4, 0, NOON + 2));
	/* What never ended was perhaps never tried. */
	assert_true(sending_use_full(&u, 3, 0, NOON + 9 * MINUTE));
	assert_false(sending_use_full(&u, 3, 0, NOON + 10 * MINUTE));
	assert_true(sending_use_full(&u, 2, 0, NOON + 10 * MINUTE));
	/* Redis knows. */
	u.told = 50;
	u.untold = 0;
	assert_true(sending_use_full(&u, 50, 0, NOON + 10 * MINUTE));
	assert_false(sending_use_full(&u, 51, 0, NOON + 10 * MINUTE));
	/* Away: two hosts share the ten that are left. */
	u.untold = 4;
	assert_false(sending_use_full(&u, 60, 2, NOON + 10 * MINUTE));
	u.untold = 5;
	assert_true(sending_use_full(&u, 60, 2, NOON + 10 * MINUTE));
	assert_false(sending_use_full(&u, 60, 1, NOON + 10 * MINUTE));
	/* A clock that goes back. */
	sending_use_given(&u, NOON);
	assert_false(sending_use_full(&u, 60, 1, NOON - 100 * MINUTE));
	sending_use_day(&u, 20280228);
	assert_int_equal(u.told, 50);
	sending_use_day(&u, 20280229);
	assert_int_equal(u.told, 0);
	assert_int_equal(u.untold, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_one_more),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
