/* SPDX-License-Identifier: BSD-2-Clause */
/* Error codes and the clock: small, but all else stands on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/err.h"

static void
test_codes(void **state)
{
	static const int codes[] = {
/* clang-format off */
#define X(name, number, class, text) name,
		ERR_LIST(X)
#undef X
		/* clang-format on */
	};
	const size_t n = sizeof(codes) / sizeof(codes[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_true(codes[i] < 0);
		assert_true(strlen(err_text(codes[i])) > 5);
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(codes[i], codes[j]);
			assert_string_not_equal(err_text(codes[i]),
			    err_text(codes[j]));
		}
	}
	assert_string_equal(err_text(0), "success");
	assert_string_equal(err_text(7), "success");
	assert_string_equal(err_text(-9999), "unknown error");
}

/* What decides between 4.x.x and 5.x.x. */
static void
test_classes(void **state)
{
	(void)state;
	assert_true(err_is_temporary(ERR_UNAVAIL));
	assert_true(err_is_temporary(ERR_TIMEOUT));
	assert_true(err_is_temporary(ERR_NOMEM));
	assert_true(err_is_temporary(ERR_IO));
	assert_false(err_is_temporary(ERR_SYNTAX));
	assert_false(err_is_temporary(ERR_NOTFOUND));
	assert_false(err_is_temporary(0));
	assert_false(err_is_temporary(-9999));
}

static void
test_clock(void **state)
{
	int64_t before = clock_mono_us();

	(void)state;
	assert_true(clock_mono_us() >= before);
	assert_true(clock_wall_us() > 1700000000LL * 1000000);
	clock_set_for_test(5000000);
	assert_int_equal(clock_mono_us(), 5000000);
	assert_int_equal(clock_wall_us(), 5000000);
	assert_int_equal(clock_deadline_ms(200), 5200000);
	clock_set_for_test(0);
	assert_true(clock_mono_us() >= before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
