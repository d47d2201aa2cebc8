/* SPDX-License-Identifier: BSD-2-Clause */
/* Pairs that were right: known for a while, and only as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/verified.h"

static struct verified_mark
mark(const struct verified *v, const char *name, const char *password,
    const char *hash)
{
	struct verified_mark m;

	assert_int_equal(verified_mark(v, slice_of(name), slice_of(password),
			     slice_of(hash), &m),
	    0);
	return m;
}

static void
test_known(void **state)
{
	struct verified *v = verified_new(1024, 60000), *w;
	struct verified_mark m, n;

	(void)state;
	assert_non_null(v);
	clock_set_for_test(INT64_C(1700000000000000));
	m = mark(v, "a@b", "secret", "hash");
	assert_false(verified_has(v, &m));
	verified_add(v, &m);
	assert_true(verified_has(v, &m));
	n = mark(v, "a@b", "secret", "hash");
	assert_true(verified_same(&m, &n));
	n = mark(v, "a@b", "secret", "other");
	assert_false(verified_has(v, &n));
	n = mark(v, "a@", "bsecret", "hash");
	assert_false(verified_has(v, &n));
	n = mark(v, "a@b", "secre", "thash");
	assert_false(verified_has(v, &n));
	clock_set_for_test(INT64_C(1700000059000000));
	assert_true(verified_has(v, &m));
	clock_set_for_test(INT64_C(1700000061000000));
	assert_false(verified_has(v, &m));
	/* Another process has another key. */
	w = verified_new(1, 0);
	assert_non_null(w);
	n = mark(w, "a@b", "secret", "hash");
	assert_false(verified_same(&m, &n));
	/* The later one of two in one place; for ever. */
	m = mark(w, "x", "y", "z");
	verified_add(w, &n);
	verified_add(w, &m);
	assert_false(verified_has(w, &n));
	clock_set_for_test(INT64_C(2700000000000000));
	assert_true(verified_has(w, &m));
	clock_set_for_test(0);
	verified_free(v);
	verified_free(w);
	verified_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_known) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
