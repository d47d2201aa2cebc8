/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of counters: rates, dates, JSON and CSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/civil.h"
#include "proto/json.h"
#include "store/statistics_store.h"
#include "util/buf.h"

/* The example of the product's documentation. */
static const struct series_count day = { .queued = 649,
	.succeeded = 605,
	.failed = 40,
	.suppressed = 4,
	.bounced = 3,
	.deferred = 12,
	.by_status = { [2] = 43 } };

static void
test_rates(void **state)
{
	const struct series_count nothing = { .suppressed = 5 };

	(void)state;
	assert_int_equal(statistics_valid(&day), 645);
	assert_true(statistics_error_rate(&day) > 0.06201 &&
		    statistics_error_rate(&day) < 0.06202);
	assert_true(statistics_error_rate(&nothing) < 1e-9);
}

static void
test_sum(void **state)
{
	struct series_count sum = { .queued = 0 };

	(void)state;
	statistics_add(&sum, &day);
	statistics_add(&sum, &day);
	assert_int_equal(sum.queued, 2 * day.queued);
	assert_int_equal(sum.suppressed, 8);
	assert_int_equal(sum.by_status[2], 86);
}

static void
test_dates(void **state)
{
	char room[STATISTICS_DATE_MAX];

	(void)state;
	assert_true(slice_eq(statistics_date(0, room), SLICE("1970-01-01")));
	assert_true(slice_eq(statistics_date(civil_days(2024, 2, 29), room),
	    SLICE("2024-02-29")));
}

static void
test_forms(void **state)
{
	struct json *root;
	struct buf out;
	char error[80];

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(statistics_json(SLICE("total"), &day, &out), 0);
	assert_int_equal(json_parse(buf_slice(&out), 4096, &root, error,
			     sizeof(error)),
	    0);
	assert_int_equal(json_integer(json_get(root, "blocked")), 4);
	assert_int_equal(json_integer(json_get(root, "valid")), 645);
	assert_int_equal(json_integer(json_get(root, "bounced")), 3);
	json_free(root);
	buf_clear(&out);
	assert_int_equal(statistics_csv_titles(&out), 0);
	assert_int_equal(statistics_csv(SLICE("2026-01-31"), &day, &out), 0);
	assert_string_equal(buf_text(&out),
	    "date,queued,succeeded,failed,blocked,valid,error_rate,bounced,"
	    "deferred,complained\r\n"
	    "2026-01-31,649,605,40,4,645,0.062016,3,12,0\r\n");
	buf_clear(&out);
	assert_int_equal(series_point_json(60000, &day, &out), 0);
	assert_int_equal(json_parse(buf_slice(&out), 4096, &root, error,
			     sizeof(error)),
	    0);
	assert_true(slice_eq(json_string(json_get(root, "time")),
	    SLICE("1970-01-01T00:01:00.000Z")));
	json_free(root);
	buf_clear(&out);
	assert_int_equal(series_point_csv_titles(&out), 0);
	assert_int_equal(series_point_csv(SLICE("t"), &day, &out), 0);
	assert_string_equal(buf_text(&out),
	    "time,queued,succeeded,failed,deferred,blocked,bounced,complained"
	    "\r\nt,649,605,40,12,4,3,0\r\n");
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
