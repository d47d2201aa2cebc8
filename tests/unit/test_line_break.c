/* SPDX-License-Identifier: BSD-2-Clause */
/* Where long lines are broken, at every split of the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/line_break.h"
#include "util/err.h"

static int
collect(void *ctx, const void *octets, size_t len)
{
	return buf_add(ctx, octets, len);
}

/* Lines of at most 5 octets. */
static const struct {
	const char *text, *broken;
} cases[] = {
	{ "", "" },
	{ "12345", "12345" },
	{ "12345\r\n", "12345\r\n" },
	{ "12345\n", "12345\n" },
	{ "123456", "12345\r\n 6" },
	{ "123456\r\n", "12345\r\n 6\r\n" },
	{ "1\r\n23456\r\n7\r\n", "1\r\n23456\r\n7\r\n" },
	{ "1\n234567\n8", "1\n23456\r\n 7\n8" },
	{ "1234567890123456", "12345\r\n 6789\r\n 0123\r\n 456" },
	{ "123456789\r\na", "12345\r\n 6789\r\na" },
	{ "1234567890\r\na", "12345\r\n 6789\r\n 0\r\na" },
	{ "12345\r", "12345\r\n \r" },
	{ "12345\r6", "12345\r\n \r6" },
	{ "12345\r\r\n", "12345\r\n \r\r\n" },
	{ "1234\r\r\n", "1234\r\r\n" },
	{ "1234\r5\r\n", "1234\r\r\n 5\r\n" },
	{ "123456789\r0", "12345\r\n 6789\r\n \r0" },
	{ "\n\n\r\n123456", "\n\n\r\n12345\r\n 6" },
};

static void
test_splits(void **state)
{
	struct buf seen;

	(void)state;
	buf_init(&seen, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text);

		for (size_t a = 0; a <= len; a++)
			for (size_t b = a; b <= len; b++) {
				struct line_break l = { .max = 5 };
				size_t cuts[] = { 0, a, b, len };

				buf_clear(&seen);
				for (int k = 0; k < 3; k++) {
					size_t n = cuts[k + 1] - cuts[k];
					char *exact = malloc(n + !n);

					assert_non_null(exact);
					memcpy(exact, cases[i].text + cuts[k],
					    n);
					assert_int_equal(line_break_add(&l,
							     (struct slice){
								 exact, n },
							     collect, &seen),
					    0);
					free(exact);
				}
				assert_int_equal(line_break_end(&l, collect,
						     &seen),
				    0);
				assert_string_equal(buf_text(&seen),
				    cases[i].broken);
			}
	}
	buf_done(&seen);
}

static void
test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice text = slice_of(cases[i].text);

		for (size_t cut = 0; cut <= text.len; cut++) {
			struct line_break l = { .max = 5 };
			bool found =
			    line_break_find(&l,
				(struct slice){ text.at, cut }) ||
			    line_break_find(&l, slice_skip(text, cut)) || l.cr;

			assert_int_equal(found,
			    strcmp(cases[i].text, cases[i].broken) != 0);
		}
	}
}

static void
test_whole(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice text = slice_of(cases[i].text);

		buf_clear(&out);
		assert_int_equal(line_break_text(5, 0, text, &out), 0);
		assert_string_equal(buf_text(&out), cases[i].broken);
		assert_int_equal(line_break_needed(5, 0, text),
		    strcmp(cases[i].text, cases[i].broken) != 0);
		assert_false(line_break_needed(0, 0, text));
	}
	buf_clear(&out);
	assert_int_equal(line_break_text(5, 3, SLICE("123\n12345"), &out), 0);
	assert_string_equal(buf_text(&out), "12\r\n 3\n12345");
	buf_done(&out);
	buf_init(&out, 3);
	assert_int_equal(line_break_text(5, 0, SLICE("12345"), &out),
	    ERR_LIMIT);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
