/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots of messages: one each interval, gone when nobody takes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policyd/interval.h"
#include "util/clock.h"

#define NOW INT64_C(1000000000)

static int64_t
take(struct intervals *v, struct slice key, int64_t interval_us)
{
	int64_t slot = intervals_next(v, key);

	intervals_take(v, key, slot, interval_us);
	return slot - clock_mono_us();
}

static void
test_slots(void **state)
{
	struct intervals *v = intervals_new(2);

	(void)state;
	assert_non_null(v);
	clock_set_for_test(NOW);
	assert_int_equal(take(v, SLICE("a"), 1000), 0);
	assert_int_equal(take(v, SLICE("a"), 1000), 1000);
	assert_int_equal(take(v, SLICE("a"), 1000), 2000);
	assert_int_equal(take(v, SLICE("b"), 500), 0);
	/* No room: not held back, and nobody else is any the less. */
	assert_int_equal(take(v, SLICE("c"), 500), 0);
	assert_int_equal(take(v, SLICE("c"), 500), 0);
	assert_int_equal(take(v, SLICE("b"), 500), 500);
	/* An idle time is not made up for. */
	clock_set_for_test(NOW + 2500);
	assert_int_equal(take(v, SLICE("a"), 1000), 500);
	clock_set_for_test(NOW + 10000);
	assert_int_equal(take(v, SLICE("a"), 1000), 0);
	assert_int_equal(take(v, SLICE("a"), 1000), 1000);
	/* "b" has made room. */
	assert_int_equal(take(v, SLICE("c"), 500), 0);
	assert_int_equal(take(v, SLICE("c"), 500), 500);
	clock_set_for_test(0);
	intervals_free(v);
	intervals_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_slots) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
