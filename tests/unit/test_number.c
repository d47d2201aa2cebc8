/* SPDX-License-Identifier: BSD-2-Clause */
/* Strict decimal numbers, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/err.h"
#include "util/number.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *in;
		uint64_t min, max;
		int want;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 9, 0, 0 },
		{ "007", 0, 9, 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, ERR_LIMIT, 0 },
		{ "99999999999999999999999", 0, UINT64_MAX, ERR_LIMIT, 0 },
		{ "10", 0, 9, ERR_LIMIT, 0 },
		{ "1", 2, 9, ERR_LIMIT, 0 },
		{ "", 0, 9, ERR_SYNTAX, 0 },
		{ "+1", 0, 9, ERR_SYNTAX, 0 },
		{ "-1", 0, 9, ERR_SYNTAX, 0 },
		{ " 1", 0, 9, ERR_SYNTAX, 0 },
		{ "1 ", 0, 9, ERR_SYNTAX, 0 },
		{ "0x1", 0, 9, ERR_SYNTAX, 0 },
		{ "1e1", 0, 99, ERR_SYNTAX, 0 },
		/* Syntax before size, so that the message fits. */
		{ "99999999999999999999999x", 0, 9, ERR_SYNTAX, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t got = 42;
		int rc = number_parse(slice_of(cases[i].in), cases[i].min,
		    cases[i].max, &got);

		if (rc != cases[i].want ||
		    got != (rc == 0 ? cases[i].value : 42))
			fail_msg("\"%s\": %d", cases[i].in, rc);
	}
}

static void
test_format(void **state)
{
	static const struct {
		uint64_t value;
		const char *want;
	} cases[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char room[NUMBER_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(number_format(cases[i].value, room),
		    strlen(cases[i].want));
		assert_string_equal(room, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
