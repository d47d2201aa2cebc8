/* SPDX-License-Identifier: BSD-2-Clause */
/* Bars of block characters, in UTF-8 and ASCII. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/plot.h"
#include "proto/zone.h"
#include "util/buf.h"

#define NOON INT64_C(1795435200000) /* 2026-11-23T12:00:00Z */

static void
keep(struct slice line, void *ctx)
{
	struct buf *out = ctx;

	(void)buf_add_slice(out, line);
	(void)buf_add_char(out, '\n');
}

static void
test_step(void **state)
{
	static const struct {
		unsigned minutes, columns, step;
	} cases[] = { { 60, 70, 1 }, { 60, 60, 1 }, { 60, 59, 2 },
		{ 1440, 72, 20 }, { 1440, 70, 30 }, { 1440, 1440, 1 },
		{ 40 * 1440, 70, 1440 }, { 40 * 1440, 10, 4 * 1440 },
		{ 1, 1, 1 }, { 10, 0, 10 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned step = plot_step(cases[i].minutes, cases[i].columns);

		if (cases[i].columns > 0)
			assert_int_equal(step,
			    cases[i].columns == 0 ? step : cases[i].step);
		assert_true(step > 0);
	}
}

static void
test_bars(void **state)
{
	static const uint64_t points[] = { 0, 1, 8, 16, 1000000, 4 };
	const struct screen utf8 = { .utf8 = true }, ascii = { .utf8 = false };
	struct plot p = { .screen = &utf8,
		.points = points,
		.count = 6,
		.height = 2,
		.top = 16 };
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	plot_bars(&p, keep, &out);
	assert_string_equal(buf_text(&out),
	    "    16 \xe2\x94\xa4   \xe2\x96\x88\xe2\x96\x88\n"
	    "     0 \xe2\x94\xa4 \xe2\x96\x81\xe2\x96\x88\xe2\x96\x88"
	    "\xe2\x96\x88\xe2\x96\x84\n");
	buf_clear(&out);
	p.screen = &ascii;
	plot_bars(&p, keep, &out);
	assert_string_equal(buf_text(&out), "    16 +   ##\n     0 + .###:\n");
	buf_clear(&out);
	/* By the largest; what is not nothing is seen. */
	p.top = 0;
	plot_bars(&p, keep, &out);
	assert_string_equal(buf_text(&out), "  1.0M +    #\n     0 + ...#.\n");
	buf_done(&out);
}

static void
test_nothing(void **state)
{
	static const uint64_t points[] = { 0, 0 };
	const struct screen ascii = { .utf8 = false };
	struct plot p = { .screen = &ascii,
		.points = points,
		.count = 2,
		.height = 2 };
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	plot_bars(&p, keep, &out);
	assert_string_equal(buf_text(&out), "     1 +\n     0 +\n");
	buf_done(&out);
}

static void
test_axis(void **state)
{
	static const uint64_t points[20] = { 0 };
	const struct screen ascii = { .utf8 = false };
	struct plot p = { .screen = &ascii, .points = points, .count = 20 };
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	plot_axis(&p, NOON, 1, zone_utc, keep, &out);
	assert_string_equal(buf_text(&out), "        12:00   12:08\n");
	buf_clear(&out);
	p.count = 13;
	plot_axis(&p, NOON, 1440, zone_utc, keep, &out);
	assert_string_equal(buf_text(&out), "        11-23   12-01\n");
	buf_done(&out);
}

static void
test_numbers(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} cases[] = { { 0, "0" }, { 99999, "99999" }, { 100000, "100k" },
		{ 1234567, "1.2M" }, { 999999999, "999M" },
		{ 12345678901, "12.3G" }, { UINT64_MAX, "18.4E" } };
	char room[PLOT_NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice got = plot_number(cases[i].n, room);

		if (!slice_eq(got, slice_of(cases[i].text)))
			fail_msg("%.*s, not %s", SLICE_F(got), cases[i].text);
	}
}

static void
test_shares(void **state)
{
	const struct screen utf8 = { .utf8 = true }, ascii = { .utf8 = false };
	char room[PLOT_SHARE_MAX];

	(void)state;
	assert_true(slice_eq(plot_share(&ascii, 1, 2, 8, room), SLICE("####")));
	assert_true(slice_eq(plot_share(&utf8, 1, 4, 6, room),
	    SLICE("\xe2\x96\x88\xe2\x96\x8c")));
	assert_int_equal(plot_share(&utf8, 0, 4, 6, room).len, 0);
	assert_int_equal(plot_share(&utf8, 0, 0, 6, room).len, 0);
	assert_true(plot_share(&utf8, 9, 4, 1000, room).len <= PLOT_SHARE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_axis),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
