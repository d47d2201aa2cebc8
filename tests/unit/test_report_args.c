/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of the reports' commands: what they make of a search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <getopt.h>
#include <sysexits.h>

#include <cmocka.h>

#include "cli/report_args.h"
#include "proto/status.h"
#include "util/clock.h"

#define NOW INT64_C(1795435200000) /* 2026-11-23T12:00:00Z */
#define DAY INT64_C(86400000)
#define ARGS_MAX 12

static int
parse(struct report_args *a, enum report_kind kind, const char *const *words)
{
	static char room[ARGS_MAX][80];
	char *argv[ARGS_MAX + 1];
	int argc = 0;

	for (; words[argc] != NULL; argc++) {
		assert_true(argc + 1 < ARGS_MAX);
		(void)snprintf(room[argc + 1], sizeof(room[0]), "%s",
		    words[argc]);
		argv[argc + 1] = room[argc + 1];
	}
	argv[0] = room[0];
	argv[argc + 1] = NULL;
	optind = 0;
	opterr = 0;
	return report_args_parse(a, kind, argc + 1, argv);
}
#define PARSE(a, kind, ...) \
	parse(a, kind, (const char *const[]){ __VA_ARGS__, NULL })

static void
test_defaults(void **state)
{
	struct report_args a;

	(void)state;
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc"), 0);
	assert_true(slice_eq(a.query.tenant, SLICE("default")));
	assert_int_equal(a.query.to_ms, NOW);
	assert_int_equal(a.query.from_ms, NOW - DAY);
	assert_true(a.query.newest_first);
	assert_int_equal(a.query.types, report_types(REPORT_DELIVERIES));
	assert_int_equal(a.format, REPORT_TABLE);
	assert_int_equal(a.limit, 0);
}

static void
test_recipients(void **state)
{
	struct report_args a;

	(void)state;
	/* Whole: by the index, over all that is kept. */
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc", "--to",
			     "A@B.example"),
	    0);
	assert_true(slice_eq(a.query.recipient, SLICE("a@b.example")));
	assert_null(a.query.to_part.at);
	assert_int_equal(a.query.from_ms, 0);
	/* Parts. */
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc", "--to",
			     "b.example"),
	    0);
	assert_null(a.query.recipient.at);
	assert_true(slice_eq(a.query.to_part, SLICE("b.example")));
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc", "--to",
			     "*a@b.example"),
	    0);
	assert_true(slice_eq(a.query.to_part, SLICE("a@b.example")));
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc", "--to", "a@b"),
	    0);
	assert_true(slice_eq(a.query.to_part, SLICE("a@b")));
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc", "--part", "--to",
			     "a@b.example"),
	    0);
	assert_true(slice_eq(a.query.to_part, SLICE("a@b.example")));
}

static void
test_texts(void **state)
{
	struct report_args a;

	(void)state;
	assert_int_equal(PARSE(&a, REPORT_BOUNCES, "--utc", "--from",
			     "news@shop.test", "--subject", "Hello*"),
	    0);
	assert_true(slice_eq(a.match.from, SLICE("news@shop.test")));
	assert_true(slice_eq(a.query.from_part, SLICE("news@shop.test")));
	assert_true(slice_eq(a.query.subject_part, SLICE("Hello")));
	assert_null(a.match.subject.at);
	assert_int_equal(PARSE(&a, REPORT_BOUNCES, "--utc", "--exact",
			     "--subject", "Hello", "--api-data", "7"),
	    0);
	assert_true(slice_eq(a.match.subject, SLICE("Hello")));
	assert_true(slice_eq(a.match.api_data, SLICE("7")));
	assert_int_equal(PARSE(&a, REPORT_BOUNCES, "--utc", "--domain",
			     "b.example", "--class", "user-unknown", "--fault",
			     "recipient"),
	    0);
	assert_true(slice_eq(a.match.domain, SLICE("b.example")));
	assert_int_equal(a.match.class, CLASS_USER_UNKNOWN);
	assert_int_equal(a.match.fault, FAULT_RECIPIENT);
}

static void
test_times(void **state)
{
	struct report_args a;

	(void)state;
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc", "--day",
			     "yesterday", "--hour", "12", "--minute", "5"),
	    0);
	assert_int_equal(a.query.from_ms, NOW - DAY + 5 * 60000);
	assert_int_equal(a.query.to_ms, NOW - DAY + 6 * 60000 - 1);
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc", "--since", "2h",
			     "--until", "11:59"),
	    0);
	assert_int_equal(a.query.from_ms, NOW - 2 * 3600000);
	assert_int_equal(a.query.to_ms, NOW - 1);
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc", "--hour", "3"),
	    0);
	assert_int_equal(a.query.from_ms, NOW - 9 * 3600000);
}

static void
test_statuses(void **state)
{
	struct report_args a;

	(void)state;
	assert_int_equal(PARSE(&a, REPORT_DELIVERIES, "--utc", "--status",
			     "queued,failed"),
	    0);
	assert_int_equal(a.query.types,
	    1U << EVENT_QUEUED | 1U << EVENT_FAILED);
	assert_int_equal(PARSE(&a, REPORT_BOUNCES, "--utc", "--status", "2",
			     "--by", "domain"),
	    0);
	assert_int_equal(a.query.status, STATUS_USER_UNKNOWN);
	assert_int_equal(a.query.types, report_types(REPORT_BOUNCES));
	assert_string_equal(a.by, "domain");
}

static void
test_refused(void **state)
{
	static const char *const cases[][6] = {
		{ "word" },
		{ "--no-such-option" },
		{ "--status", "12" },
		{ "--status", "blocked" },
		{ "--status", "" },
		{ "--since", "tomorrow" },
		{ "--since", "1h", "--until", "2h" },
		{ "--hour", "24" },
		{ "--minute", "5" },
		{ "--limit", "0" },
		{ "--class", "nonsense" },
		{ "--fault", "mine" },
		{ "-t", "No Tenant" },
		{ "--by", "class" }, /* of bounces only */
		{ "--to" },
	};
	struct report_args a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (parse(&a, REPORT_DELIVERIES, cases[i]) != EX_USAGE)
			fail_msg("taken: %s", cases[i][0]);
}

static int
setup(void **state)
{
	(void)state;
	clock_set_for_test(NOW * 1000);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
