/* SPDX-License-Identifier: BSD-2-Clause */
/* Growable octets: content, the maximum, and failures that are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/err.h"

static void
test_add(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_string_equal(buf_text(&b), "");
	assert_non_null(buf_slice(&b).at);
	assert_int_equal(buf_add(&b, "a\0b", 3), 0);
	assert_int_equal(buf_add_text(&b, "cd"), 0);
	assert_int_equal(buf_add_char(&b, 'e'), 0);
	assert_int_equal(buf_add_slice(&b, SLICE("f")), 0);
	assert_int_equal(buf_add_slice(&b, (struct slice){ NULL, 0 }), 0);
	assert_int_equal(buf_addf(&b, "%d-%s", 12, "x"), 0);
	assert_true(slice_eq(buf_slice(&b), SLICE("a\0bcdef12-x")));
	assert_int_equal(buf_text(&b)[b.len], '\0');
	buf_consume(&b, 3);
	assert_string_equal(buf_text(&b), "cdef12-x");
	buf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	buf_done(&b);
	assert_int_equal(b.max, 1000);
	assert_int_equal(buf_add_char(&b, 'z'), 0);
	buf_done(&b);
}

/* A failure leaves the content, and is seen at the end of a chain. */
static void
test_maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_int_equal(buf_add_text(&b, "12345"), 0);
	assert_int_equal(b.rc, 0);
	assert_int_equal(buf_add_char(&b, '6'), ERR_LIMIT);
	assert_int_equal(buf_addf(&b, "%d", 1), ERR_LIMIT);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_LIMIT);
	assert_int_equal(b.rc, ERR_LIMIT);
	assert_string_equal(buf_text(&b), "12345");
	buf_consume(&b, 4);
	assert_int_equal(buf_add_char(&b, '6'), 0);
	assert_int_equal(b.rc, ERR_LIMIT);
	assert_string_equal(buf_text(&b), "56");
	buf_clear(&b);
	assert_int_equal(b.rc, 0);
	assert_int_equal(b.len, 0);
	buf_done(&b);

	buf_init(&b, 0);
	assert_int_equal(buf_add_text(&b, ""), 0);
	assert_int_equal(buf_add_char(&b, 'a'), ERR_LIMIT);
	buf_done(&b);
}

/* Growing in steps of every size keeps what is there. */
static void
test_growth(void **state)
{
	(void)state;
	for (size_t step = 1; step < 700; step += 37) {
		char piece[700];
		struct buf b;

		memset(piece, 'p', sizeof(piece));
		buf_init(&b, 5000);
		while (buf_add(&b, piece, step) == 0)
			continue;
		assert_int_equal(b.len, 5000 / step * step);
		for (size_t i = 0; i < b.len; i++)
			assert_int_equal(b.at[i], 'p');
		assert_int_equal(buf_text(&b)[b.len], '\0');
		buf_done(&b);
	}
}

static void
test_reserve(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 300);
	assert_int_equal(buf_reserve(&b, 300), 0);
	memset(b.at, 'r', 300);
	b.len = 300;
	assert_int_equal(strlen(buf_text(&b)), 300);
	assert_int_equal(buf_reserve(&b, 1), ERR_LIMIT);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
