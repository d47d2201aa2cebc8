/* SPDX-License-Identifier: BSD-2-Clause */
/* Points in time as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/rfc3339.h"
#include "util/err.h"

static const struct {
	const char *text;
	int64_t us; /* -1: refused */
} cases[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2026-01-31T12:00:00Z", 1769860800000000 },
	{ "2026-01-31t12:00:00z", 1769860800000000 },
	{ "2026-01-31 12:00:00Z", 1769860800000000 },
	{ "2026-01-31T21:00:00+09:00", 1769860800000000 },
	{ "2026-01-31T07:30:00-04:30", 1769860800000000 },
	{ "2026-01-31T12:00:00.5Z", 1769860800500000 },
	{ "2026-01-31T12:00:00.123456789Z", 1769860800123456 },
	{ "2026-01-31", 1769817600000000 },
	{ "2024-02-29", 1709164800000000 },
	{ "2016-12-31T23:59:60Z", 1483228800000000 },
	{ "9999-12-31T23:59:59Z", 253402300799000000 },
	{ "2023-02-29", -1 },
	{ "2100-02-29", -1 },
	{ "2026-13-01", -1 },
	{ "2026-00-01", -1 },
	{ "2026-01-32", -1 },
	{ "1969-12-31", -1 },
	{ "1970-01-01T00:00:00+01:00", -1 },
	{ "2026-01-31T12:00:00", -1 },
	{ "2026-01-31T12:00Z", -1 },
	{ "2026-01-31T24:00:00Z", -1 },
	{ "2026-01-31T12:60:00Z", -1 },
	{ "2026-01-31T12:00:00.Z", -1 },
	{ "2026-01-31T12:00:00Zx", -1 },
	{ "2026-1-31", -1 },
	{ "", -1 },
	{ "yesterday", -1 },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].text);
		char *exact = malloc(len + (len == 0));
		int64_t us = -1;

		memcpy(exact, cases[i].text, len);
		(void)rfc3339_parse((struct slice){ exact, len }, &us);
		if (us != cases[i].us)
			fail_msg("%s: %lld", cases[i].text, (long long)us);
		free(exact);
	}
}

static void
test_format_is_the_inverse(void **state)
{
	char room[RFC3339_MAX];

	(void)state;
	/* A step that is no round number of anything. */
	for (int64_t us = 0; us < 253402300799000000; us += 12345678901234000) {
		int64_t again = -1;
		size_t len = rfc3339_format(us, room);

		assert_int_equal(len, 24);
		assert_int_equal(rfc3339_parse((struct slice){ room, len },
				     &again),
		    0);
		assert_int_equal(again, us / 1000 * 1000);
	}
	assert_int_equal(rfc3339_format(1769860800123456, room), 24);
	assert_string_equal(room, "2026-01-31T12:00:00.123Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format_is_the_inverse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
