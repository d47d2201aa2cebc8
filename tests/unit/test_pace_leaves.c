/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaves to send: never more are used than were given, and how old they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policyd/pace.h"
#include "util/clock.h"

#define MS INT64_C(1000)
#define START (INT64_C(1700000000) * 1000000)

static void
test_no_more_than_given(void **state)
{
	struct pace_client nobody = { 0 };
	struct pace p = { .leaves = 0 };

	(void)state;
	clock_set_for_test(START);
	assert_int_equal(pace_leave_take(&p, &nobody, 1), -1);
	pace_leave_give(&p);
	pace_leave_give(&p);
	/* Whoever comes: a process that is new, or connects anew. */
	clock_set_for_test(START + 5 * MS);
	assert_int_equal(pace_leave_take(&p, &nobody, 1), 5 * MS);
	assert_int_equal(pace_leave_take(&p, &nobody, 2), 5 * MS);
	assert_int_equal(pace_leave_take(&p, &nobody, 3), -1);
	clock_set_for_test(0);
}

/* What deliveries take is not the age of a leave; idle times are. */
static void
test_age(void **state)
{
	struct pace_client client = { .client = 7 };
	struct pace p = { .leaves = 0 };
	int64_t now = START, age;

	(void)state;
	for (int i = 0; i < 100; i++) {
		clock_set_for_test(now);
		pace_leave_give(&p);
		client.answered_us = clock_mono_us();
		now += 40 * MS;
		clock_set_for_test(now);
		age = pace_leave_take(&p, &client, 7);
	}
	assert_int_equal(age, 0);
	assert_in_range(p.typical_us, 30 * MS, 41 * MS);
	pace_leave_give(&p);
	client.answered_us = clock_mono_us();
	clock_set_for_test(now + 10000 * MS);
	age = pace_leave_take(&p, &client, 7);
	assert_in_range(age, 9900 * MS, 9950 * MS);
	/* One idle time does not make deliveries look slow. */
	assert_in_range(p.typical_us, 30 * MS, 45 * MS);
	clock_set_for_test(0);
}

static void
test_learns(void **state)
{
	struct pace p = { .leaves = 3 };
	struct pace_answer a = { .suspended_us = 5000 * MS };

	(void)state;
	clock_set_for_test(START);
	pace_learn(&p, &a);
	assert_int_equal(p.suspended_us, clock_mono_us() + 5000 * MS);
	assert_int_equal(p.leaves, 3);
	a = (struct pace_answer){ .owed = true };
	pace_learn(&p, &a);
	assert_int_equal(p.suspended_us, 0);
	assert_int_equal(p.leaves, 0);
	clock_set_for_test(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_more_than_given),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_learns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
