/* SPDX-License-Identifier: BSD-2-Clause */
/* Aligned columns: wide characters, narrow screens, long lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/table.h"
#include "util/buf.h"

#define NIHONGO "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"
#define E_ACUTE "e\xcc\x81" /* two characters, one column */
#define DOTS "\xe2\x80\xa6"

static const struct table_column columns[] = {
	{ "TIME", TABLE_LEFT, 0 },
	{ "N", TABLE_RIGHT, 0 },
	{ "SUBJECT", TABLE_LEFT, 4 },
};

static void
keep(struct slice line, void *ctx)
{
	struct buf *out = ctx;

	(void)buf_add_slice(out, line);
	(void)buf_add_char(out, '\n');
}

static int
add(struct table *t, const char *time, const char *n, const char *subject)
{
	const struct table_cell cells[] = {
		{ slice_of(time), COLOUR_NONE },
		{ slice_of(n), COLOUR_BAD },
		{ slice_of(subject), COLOUR_NONE },
	};

	return table_add(t, cells);
}

static void
expect(const struct screen *screen, const char *subject, const char *want)
{
	struct buf out;
	struct table *t;

	buf_init(&out, 65536);
	t = table_new(columns, 3, screen, keep, &out);
	assert_non_null(t);
	assert_int_equal(add(t, "12:00", "7", subject), 0);
	assert_int_equal(add(t, "12:01", "1234", "x"), 0);
	table_free(t);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void
test_widths(void **state)
{
	static const struct {
		const char *text;
		unsigned width;
	} cases[] = { { "", 0 }, { "abc", 3 }, { NIHONGO, 6 }, { E_ACUTE, 1 },
		{ "\xf0\x9f\x93\xa7", 2 }, /* an envelope */
		{ "\xef\xbd\xb1", 1 },     /* halfwidth katakana */
		{ "\xff", 1 }, { "a" NIHONGO "b", 8 } };
	unsigned filled;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(screen_text_width(slice_of(cases[i].text)),
		    cases[i].width);
	/* Never half a character. */
	assert_int_equal(screen_text_fit(SLICE(NIHONGO), 5, &filled), 6);
	assert_int_equal(filled, 4);
	assert_int_equal(screen_text_fit(SLICE(NIHONGO), 0, &filled), 0);
}

static void
test_no_limit(void **state)
{
	const struct screen file = { .utf8 = true };

	(void)state;
	expect(&file, "a long subject that is not cut",
	    "TIME      N  SUBJECT\n"
	    "12:00     7  a long subject that is not cut\n"
	    "12:01  1234  x\n");
}

static void
test_cut(void **state)
{
	const struct screen narrow = { .utf8 = true, .width = 20 };
	const struct screen ascii = { .width = 20 };
	const struct screen tiny = { .utf8 = true, .width = 10 };

	(void)state;
	expect(&narrow, "0123456789",
	    "TIME      N  SUBJECT\n"
	    "12:00     7  012345" DOTS "\n"
	    "12:01  1234  x\n");
	expect(&narrow, NIHONGO NIHONGO,
	    "TIME      N  SUBJECT\n"
	    "12:00     7  " NIHONGO DOTS "\n"
	    "12:01  1234  x\n");
	expect(&ascii, "0123456789",
	    "TIME      N  SUBJECT\n"
	    "12:00     7  012345~\n"
	    "12:01  1234  x\n");
	expect(&ascii, NIHONGO,
	    "TIME      N  SUBJECT\n"
	    "12:00     7  ???\n"
	    "12:01  1234  x\n");
	/* Too narrow for all: what may not shrink does not. */
	expect(&tiny, "0123456789",
	    "TIME      N  SUB" DOTS "\n"
	    "12:00     7  012" DOTS "\n"
	    "12:01  1234  x\n");
}

static void
test_safe(void **state)
{
	const struct screen file = { .utf8 = true };

	(void)state;
	expect(&file, "a\033[31m\r\nb\xff",
	    "TIME      N  SUBJECT\n"
	    "12:00     7  a?[31m??b\xef\xbf\xbd\n"
	    "12:01  1234  x\n");
}

static void
test_colour(void **state)
{
	const struct screen colour = { .utf8 = true,
		.colour = true,
		.width = 40 };

	(void)state;
	expect(&colour, "y",
	    "\033[2mTIME\033[0m      \033[2mN\033[0m  "
	    "\033[2mSUBJECT\033[0m\n"
	    "12:00     \033[31m7\033[0m  y\n"
	    "12:01  \033[31m1234\033[0m  x\n");
}

static void
test_long_list(void **state)
{
	const struct screen screen = { .utf8 = true, .width = 24 };
	struct buf out;
	struct table *t;
	size_t lines = 0;

	(void)state;
	buf_init(&out, 1024 * 1024);
	t = table_new(columns, 3, &screen, keep, &out);
	assert_non_null(t);
	for (unsigned i = 0; i < 3 * TABLE_SAMPLE; i++) {
		assert_int_equal(add(t, "12:00", "1", "short"), 0);
		/* Nothing before the widths are known; then each row. */
		if (i + 1 < TABLE_SAMPLE)
			assert_int_equal(out.len, 0);
		else
			assert_true(out.len > 0);
	}
	assert_int_equal(add(t, "12:00", "1", "longer than any seen before"),
	    0);
	table_free(t);
	for (size_t i = 0; i < out.len; i++)
		lines += out.at[i] == '\n';
	assert_int_equal(lines, 3 * TABLE_SAMPLE + 2);
	assert_non_null(strstr(buf_text(&out), "longer" DOTS "\n"));
	buf_done(&out);
}

static void
test_empty(void **state)
{
	const struct screen screen = { .utf8 = true };
	struct buf out;
	struct table *t;

	(void)state;
	buf_init(&out, 1024);
	t = table_new(columns, 3, &screen, keep, &out);
	table_flush(t);
	table_free(t);
	table_free(NULL);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
