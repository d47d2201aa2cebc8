/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of the reports: columns in JSON and CSV, and what a search asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/csv.h"
#include "proto/json.h"
#include "proto/report.h"
#include "proto/status.h"
#include "proto/zone.h"
#include "util/err.h"

#define NOW INT64_C(1795435200000) /* 2026-11-23T12:00:00Z */

static const struct event failed = {
	.id = { "mta1/20261123/1-1", 17 },
	.created_ms = NOW,
	.type = EVENT_FAILED,
	.recipient = { "to1@example.com", 15 },
	.queue_id = { "4TkX", 4 },
	.status = STATUS_USER_UNKNOWN,
	.class = CLASS_MOVED,
	.reason = { "550 5.1.1 \"gone\", sorry", 23 },
	.return_path = { "p@back.test", 11 },
	.from = { "\"N\" <from@example.com>", 22 },
	.subject = { "=1+1", 4 },
	.message_id = { "<m@x>", 5 },
};

static void
test_json(void **state)
{
	struct buf out;
	struct json *root;
	char error[100];

	(void)state;
	for (unsigned k = 0; k < REPORT_NKINDS; k++) {
		const enum report_column *c = report_columns(k);
		size_t count = 0;

		buf_init(&out, 65536);
		assert_int_equal(report_json(k, &failed, &out), 0);
		assert_int_equal(json_parse(buf_slice(&out), 65536, &root,
				     error, sizeof(error)),
		    0);
		for (; *c != COLUMN_END; c++, count++)
			assert_non_null(json_get(root, report_column_name(*c)));
		assert_int_equal(json_count(root), count);
		assert_true(slice_eq(json_string(json_get(root, "created")),
		    SLICE("2026-11-23T12:00:00.000Z")));
		assert_true(slice_eq(json_string(json_get(root, "api_data")),
		    SLICE("")));
		json_free(root);
		buf_done(&out);
	}
}

static void
test_statuses(void **state)
{
	struct event e = failed;
	char room[REPORT_CELL_MAX];

	(void)state;
	assert_true(slice_eq(report_cell(&e, COLUMN_EVENT, zone_utc, room),
	    SLICE("failed")));
	assert_true(slice_eq(report_cell(&e, COLUMN_STATUS, zone_utc, room),
	    SLICE("2")));
	assert_true(slice_eq(report_cell(&e, COLUMN_CLASS, zone_utc, room),
	    SLICE("moved")));
	assert_true(slice_eq(report_cell(&e, COLUMN_FAULT, zone_utc, room),
	    SLICE("recipient")));
	/* Written before there were classes. */
	e.class = CLASS_NONE;
	assert_int_equal(report_class(&e), CLASS_USER_UNKNOWN);
	e.status = STATUS_NONE;
	assert_int_equal(report_cell(&e, COLUMN_CLASS, zone_utc, room).len, 0);
	assert_int_equal(report_cell(&e, COLUMN_STATUS, zone_utc, room).len, 0);
}

static void
test_csv(void **state)
{
	struct csv_record titles, row;
	struct buf out;
	int first;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(report_csv_titles(REPORT_BOUNCES, &out), 0);
	assert_int_equal(report_csv(REPORT_BOUNCES, &failed, zone_utc, &out),
	    0);
	first = csv_read(out.at, out.len, ',', true, &titles);
	assert_true(first > 0);
	assert_true(csv_read(out.at + first, out.len - (size_t)first, ',', true,
			&row) > 0);
	assert_int_equal(titles.count, row.count);
	for (size_t i = 0; i < row.count; i++) {
		if (slice_eq(titles.field[i], SLICE("reason")))
			assert_true(slice_eq(row.field[i], failed.reason));
		/* No formula for a spreadsheet. */
		if (slice_eq(titles.field[i], SLICE("subject")))
			assert_true(slice_eq(row.field[i], SLICE("'=1+1")));
		if (slice_eq(titles.field[i], SLICE("created")))
			assert_true(slice_eq(row.field[i],
			    SLICE("2026-11-23T12:00:00.000Z")));
	}
	buf_done(&out);
}

static void
test_matches(void **state)
{
	const struct report_match yes[] = {
		{ .fault = FAULT_NONE },
		{ .from = SLICE("FROM@example.com") },
		{ .from = SLICE("\"N\" <from@example.com>") },
		{ .from = SLICE("p@back.test") },
		{ .subject = SLICE("=1+1") },
		{ .domain = SLICE("example.com") },
		{ .class = CLASS_MOVED },
		{ .fault = FAULT_RECIPIENT },
	};
	const struct report_match no[] = {
		{ .from = SLICE("rom@example.com") },
		{ .subject = SLICE("=1+") },
		{ .api_data = SLICE("x") },
		{ .domain = SLICE("ample.com") },
		{ .class = CLASS_USER_UNKNOWN },
		{ .fault = FAULT_SENDER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(report_matches(&yes[i], &failed));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(report_matches(&no[i], &failed));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
