/* SPDX-License-Identifier: BSD-2-Clause */
/* xtext: RFC 3461, 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/xtext.h"
#include "util/err.h"

static void
test_encode(void **state)
{
	static const struct {
		struct slice in;
		const char *out;
	} cases[] = {
		{ SLICE(""), "" },
		{ SLICE("a.b@example.com"), "a.b@example.com" },
		{ SLICE("a+b=c"), "a+2Bb+3Dc" },
		{ SLICE("a b\tc\r\n"), "a+20b+09c+0D+0A" },
		{ SLICE("\0\x7f\xc3\xa9~!"), "+00+7F+C3+A9~!" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_int_equal(xtext_encode(cases[i].in, &out), 0);
		assert_string_equal(buf_text(&out), cases[i].out);
	}
	buf_done(&out);
	buf_init(&out, 4);
	assert_int_equal(xtext_encode(SLICE("a b"), &out), ERR_LIMIT);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
