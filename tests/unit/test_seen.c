/* SPDX-License-Identifier: BSD-2-Clause */
/* Marks of what was done: kept, told apart, and forgotten in order of use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policyd/seen.h"

static void
test_marks(void **state)
{
	const struct slice ab_c[] = { SLICE("ab"), SLICE("c") };
	const struct slice a_bc[] = { SLICE("a"), SLICE("bc") };
	const struct slice abc[] = { SLICE("abc"), SLICE("") };
	const struct slice longer[] = { SLICE("123456789"), SLICE("c") };
	struct seen *s = seen_new(16);

	(void)state;
	assert_non_null(s);
	uint64_t mark = seen_mark(s, ab_c, 2);
	assert_true(mark != 0);
	assert_true(mark == seen_mark(s, ab_c, 2));
	assert_true(mark != seen_mark(s, ab_c, 1));
	assert_true(mark != seen_mark(s, a_bc, 2));
	assert_true(mark != seen_mark(s, abc, 2));
	assert_true(mark != seen_mark(s, longer, 2));
	seen_free(s);
}

static void
test_seen(void **state)
{
	struct seen *s = seen_new(1);

	(void)state;
	assert_non_null(s);
	assert_false(seen_has(s, 1));
	for (uint64_t mark = 1; mark <= 4; mark++)
		seen_add(s, mark);
	for (uint64_t mark = 1; mark <= 4; mark++)
		assert_true(seen_has(s, mark));
	/* 1 is used again, so 2 is the oldest. */
	assert_true(seen_has(s, 1));
	seen_add(s, 5);
	assert_false(seen_has(s, 2));
	assert_true(seen_has(s, 1) && seen_has(s, 3) && seen_has(s, 4) &&
		    seen_has(s, 5));
	/* Twice the same takes one place. */
	seen_add(s, 5);
	seen_add(s, 5);
	assert_true(seen_has(s, 1) && seen_has(s, 3) && seen_has(s, 4));
	seen_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
