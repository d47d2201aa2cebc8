/* SPDX-License-Identifier: BSD-2-Clause */
/* Points in time of reports: as people write them, in zones with and without
 * daylight saving time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/report_time.h"
#include "proto/zone.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/zone_file.h"

#define NOW INT64_C(1795435200000) /* 2026-11-23T12:00:00Z */
#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define MIDNIGHT (NOW - 12 * HOUR)

static struct arena *arena;

static const struct zone *
zone_of(const char *name)
{
	const struct zone *z;
	struct buf file;

	buf_init(&file, ZONE_FILE_MAX);
	assert_int_equal(zone_file_read(slice_of(name), &file), 0);
	assert_int_equal(zone_parse(buf_slice(&file), arena, &z), 0);
	buf_done(&file);
	return z;
}

static void
test_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t from, to;
	} cases[] = {
		{ "2026-11-23", MIDNIGHT, MIDNIGHT + DAY - 1 },
		{ "2026-11-23 12", NOW, NOW + HOUR - 1 },
		{ "2026-11-23 12:00", NOW, NOW + 59999 },
		{ "2026-11-23T12:00:00", NOW, NOW + 999 },
		{ "2026-11-23 12:00:00.25", NOW + 250, NOW + 250 },
		{ "2026-11-23T12:00:00Z", NOW, NOW + 999 },
		{ "2026-11-23T21:00+09:00", NOW, NOW + 59999 },
		{ "2026-11-23T08:30:00-03:30", NOW, NOW + 999 },
		{ "12:00", NOW, NOW + 59999 },
		{ "12:00:01", NOW + 1000, NOW + 1999 },
		{ "now", NOW, NOW },
		{ "today", MIDNIGHT, MIDNIGHT + DAY - 1 },
		{ "yesterday", MIDNIGHT - DAY, MIDNIGHT - 1 },
		{ "90s", NOW - 90000, NOW - 90000 },
		{ "15m ago", NOW - 900000, NOW - 900000 },
		{ "2h", NOW - 2 * HOUR, NOW - 2 * HOUR },
		{ "3d", NOW - 3 * DAY, NOW - 3 * DAY },
		{ "1w", NOW - 7 * DAY, NOW - 7 * DAY },
	};
	struct report_span span;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(report_time_parse(slice_of(cases[i].text),
				     zone_utc, NOW, &span),
		    0);
		assert_int_equal(span.from_ms, cases[i].from);
		assert_int_equal(span.to_ms, cases[i].to);
	}
}

static void
test_refused(void **state)
{
	static const char *const cases[] = { "", "12", "x", "2026", "2026-11",
		"2026-11-31", "2026-02-29", "2026-11-23 ", "2026-11-23 24",
		"2026-11-23 12:60", "2026-11-23 12:00:60",
		"2026-11-23 12:00:", "2026-11-23 12:00:00.",
		"2026-11-23 12:00x", "2026-11-23 12:00+9",
		"2026-11-23 12:00+09:00 ", "2y", "d", "-2h", "1.5h",
		"999999999d", "ago", " ago", "5m  ago",
		"1970-01-01T00:00+01:00", "yesterday 12:00" };
	struct report_span span = { 7, 8 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* In a block of its exact length. */
		size_t len = strlen(cases[i]);
		char *copy = malloc(len > 0 ? len : 1);

		assert_non_null(copy);
		memcpy(copy, cases[i], len);
		if (report_time_parse((struct slice){ copy, len }, zone_utc,
			NOW, &span) != ERR_SYNTAX)
			fail_msg("taken: \"%s\"", cases[i]);
		free(copy);
	}
}

static void
test_zones(void **state)
{
	const struct zone *tokyo = zone_of("Asia/Tokyo");
	const struct zone *berlin = zone_of("Europe/Berlin");
	struct report_span span;
	char text[REPORT_TIME_MAX];

	(void)state;
	assert_int_equal(report_time_parse(SLICE("2026-11-23"), tokyo, NOW,
			     &span),
	    0);
	assert_int_equal(span.from_ms, MIDNIGHT - 9 * HOUR);
	assert_int_equal(span.to_ms, MIDNIGHT + 15 * HOUR - 1);
	(void)report_time_format(NOW, tokyo, text);
	assert_string_equal(text, "2026-11-23 21:00:00");
	(void)report_time_format_full(NOW + 7, tokyo, text);
	assert_string_equal(text, "2026-11-23T21:00:00.007+09:00");
	(void)report_time_format_full(NOW, zone_utc, text);
	assert_string_equal(text, "2026-11-23T12:00:00.000Z");
	(void)report_time_format_full(NOW, zone_of("America/St_Johns"), text);
	assert_string_equal(text, "2026-11-23T08:30:00.000-03:30");

	/* Days of 23 and 25 hours. */
	assert_int_equal(report_time_parse(SLICE("2026-03-29"), berlin, NOW,
			     &span),
	    0);
	assert_int_equal(span.to_ms - span.from_ms, 23 * HOUR - 1);
	assert_int_equal(report_time_parse(SLICE("2026-10-25"), berlin, NOW,
			     &span),
	    0);
	assert_int_equal(span.to_ms - span.from_ms, 25 * HOUR - 1);
	/* The hour that comes twice; the one that never does. */
	assert_int_equal(report_time_of_day(SLICE("2026-10-25"), 2, -1, berlin,
			     &span),
	    0);
	assert_int_equal(span.to_ms - span.from_ms, 2 * HOUR - 1);
	assert_int_equal(report_time_of_day(SLICE("2026-03-29"), 2, -1, berlin,
			     &span),
	    0);
	assert_true(span.to_ms <= span.from_ms + HOUR);
}

static void
test_parts(void **state)
{
	struct report_span span;

	(void)state;
	assert_int_equal(report_time_of_day(SLICE("2026-11-23"), -1, -1,
			     zone_utc, &span),
	    0);
	assert_int_equal(span.to_ms - span.from_ms, DAY - 1);
	assert_int_equal(report_time_of_day(SLICE("2026-11-23"), 12, 5,
			     zone_utc, &span),
	    0);
	assert_int_equal(span.from_ms, NOW + 5 * 60000);
	assert_int_equal(span.to_ms, NOW + 6 * 60000 - 1);
	assert_int_equal(report_time_of_day(SLICE("2026-11-23"), -1, 5,
			     zone_utc, &span),
	    ERR_SYNTAX);
	assert_int_equal(report_time_of_day(SLICE("2026-11-23x"), 1, 5,
			     zone_utc, &span),
	    ERR_SYNTAX);
	assert_int_equal(report_time_of_day(SLICE("2026-11-23"), 24, -1,
			     zone_utc, &span),
	    ERR_SYNTAX);
}

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(1024 * 1024);
	return arena == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
