/* SPDX-License-Identifier: BSD-2-Clause */
/* Borrowed octets: comparing, trimming, splitting, finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/slice.h"

#define ABSENT ((struct slice){ NULL, 0 })

static void
test_compare(void **state)
{
	(void)state;
	assert_true(slice_eq(SLICE("ab"), slice_of("ab")));
	assert_false(slice_eq(SLICE("ab"), SLICE("aB")));
	assert_false(slice_eq(SLICE("ab"), SLICE("abc")));
	assert_true(slice_eq(SLICE("a\0b"), SLICE("a\0b")));
	assert_false(slice_eq(SLICE("a\0b"), SLICE("a\0c")));
	assert_true(slice_eq(ABSENT, SLICE("")));
	assert_null(slice_of(NULL).at);

	assert_true(slice_eq_nocase(SLICE("aBc"), SLICE("AbC")));
	assert_false(slice_eq_nocase(SLICE("aBc"), SLICE("AbCd")));
	assert_true(slice_eq_nocase(ABSENT, ABSENT));

	assert_true(slice_starts(SLICE("abc"), SLICE("ab")));
	assert_true(slice_starts(SLICE("abc"), SLICE("")));
	assert_true(slice_starts(ABSENT, ABSENT));
	assert_false(slice_starts(SLICE("ab"), SLICE("abc")));
	assert_false(slice_starts(SLICE("ABC"), SLICE("ab")));
	assert_true(slice_starts_nocase(SLICE("ABC"), SLICE("ab")));
	assert_false(slice_starts_nocase(SLICE("a"), SLICE("ab")));
}

static void
test_skip_and_trim(void **state)
{
	static const struct {
		struct slice in, want;
	} cases[] = {
		{ SLICE("  a b \t\r\n"), SLICE("a b") },
		{ SLICE("a"), SLICE("a") },
		{ SLICE(" \r\n"), SLICE("") },
		{ SLICE(""), SLICE("") },
		{ SLICE("\0 a"), SLICE("\0 a") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(slice_eq(slice_trim(cases[i].in), cases[i].want));
	assert_null(slice_trim(ABSENT).at);
	assert_true(slice_eq(slice_skip(SLICE("abc"), 2), SLICE("c")));
	assert_int_equal(slice_skip(SLICE("abc"), 9).len, 0);
	assert_non_null(slice_skip(SLICE("abc"), 9).at);
	assert_null(slice_skip(ABSENT, 1).at);
}

static void
test_split(void **state)
{
	static const char *const want[] = { "a", "", "bc", "" };
	struct slice rest = SLICE("a,,bc,"), piece = ABSENT;
	size_t n = 0;

	(void)state;
	while (slice_split(&rest, ',', &piece)) {
		assert_true(n < 4);
		assert_true(slice_eq(piece, slice_of(want[n])));
		n++;
	}
	assert_int_equal(n, 4);
	assert_null(rest.at);
	/* The piece keeps its last value. */
	assert_false(slice_split(&rest, ',', &piece));
	assert_non_null(piece.at);

	/* Empty is one empty piece; absent is none. */
	rest = SLICE("");
	assert_true(slice_split(&rest, ',', &piece));
	assert_int_equal(piece.len, 0);
	assert_false(slice_split(&rest, ',', &piece));
}

static void
test_find(void **state)
{
	struct slice s = SLICE("one\0two");

	(void)state;
	assert_ptr_equal(slice_find(s, SLICE("two")), s.at + 4);
	assert_ptr_equal(slice_find(s, SLICE("o")), s.at);
	assert_null(slice_find(s, SLICE("two!")));
	assert_null(slice_find(ABSENT, SLICE("a")));
	assert_null(slice_find(s, ABSENT));
	assert_ptr_equal(slice_find(s, SLICE("")), s.at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_skip_and_trim),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
