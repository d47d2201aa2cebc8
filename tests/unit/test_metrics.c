/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters: the table, the printed form, and many of them in one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/metrics.h"
#include "util/err.h"

#define P "postern_milter_"

static void
rows_are_whole(void **state)
{
	(void)state;
	for (int i = 0; i < METRICS; i++) {
		const struct metric_row *row = &metric_rows[i];
		bool first =
		    i == 0 || strcmp(row->name, metric_rows[i - 1].name) != 0;

		assert_non_null(row->name);
		assert_non_null(strchr(row->name, '_'));
		/* The family's first row has its text, and only that. */
		assert_int_equal(row->help != NULL, first);
		assert_int_equal(row->label != NULL, row->value != NULL);
		for (int k = 0; k < i; k++) {
			const struct metric_row *other = &metric_rows[k];
			bool same = strcmp(other->name, row->name) == 0;

			assert_false(first && same);
			assert_false(
			    same && (row->value == NULL ||
					strcmp(row->value, other->value) == 0));
		}
	}
	for (int i = 0; i < METRIC_TIMES; i++)
		assert_non_null(metric_time_rows[i].help);
}

static void
has(struct buf *out, const char *text)
{
	assert_non_null(strstr(buf_text(out), text));
}

static void
counters_are_printed(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, METRICS_TEXT_MAX);
	metrics_add(METRIC_MILTER_REFUSED, 2);
	metrics_add(METRIC_MILTER_REFUSED, 1);
	metrics_set(METRIC_MILTER_SPOOL_OCTETS, 77);
	metrics_time(METRIC_MILTER_END_OF_MESSAGE, 250);
	metrics_time(METRIC_MILTER_END_OF_MESSAGE, 251);
	metrics_time(METRIC_MILTER_END_OF_MESSAGE, 60000000);
	metrics_time(METRIC_MILTER_END_OF_MESSAGE, -1);
	assert_int_equal(metrics_get(METRIC_MILTER_REFUSED), 3);
	assert_int_equal(metrics_print("milter", &out), 0);
	has(&out, "# TYPE " P "messages_total counter\n");
	has(&out, P "messages_total{verdict=\"accepted\"} 0\n");
	has(&out, P "messages_total{verdict=\"refused\"} 3\n");
	has(&out, "# TYPE " P "spool_octets gauge\n" P "spool_octets 77\n");
	has(&out, "# TYPE " P "end_of_message_seconds histogram\n");
	has(&out, P "end_of_message_seconds_bucket{le=\"0.000250\"} 2\n");
	has(&out, P "end_of_message_seconds_bucket{le=\"0.000500\"} 3\n");
	has(&out, P "end_of_message_seconds_bucket{le=\"30.000000\"} 3\n");
	has(&out, P "end_of_message_seconds_bucket{le=\"+Inf\"} 4\n");
	has(&out, P "end_of_message_seconds_sum 60.000501\n");
	has(&out, P "end_of_message_seconds_count 4\n");
	buf_clear(&out);
	assert_int_equal(metrics_print("milt", &out), 0);
	assert_int_equal(out.len, 0);
	buf_done(&out);
	buf_init(&out, 100);
	assert_int_equal(metrics_print("milter", &out), ERR_LIMIT);
	buf_done(&out);
}

static void
many_become_one(void **state)
{
	static const char one[] = "# HELP a_total Things.\n"
				  "# TYPE a_total counter\n"
				  "a_total{kind=\"x\"} 1\n"
				  "a_total 2\n"
				  "b 7\n" /* of no family here */
				  "a_total\n"
				  "a_total x\n"
				  "# HELP a_total Again.\n";
	static const char two[] = "# HELP b Others.\n"
				  "b 1\n"
				  "# HELP a_total Other words.\n"
				  "# TYPE a_total counter\n"
				  "a_total 5";
	struct metrics_text texts[] = { { SLICE("m\"1"), slice_of(one) },
		{ SLICE("m2"), slice_of(two) } };
	struct buf out;

	(void)state;
	buf_init(&out, METRICS_TEXT_MAX);
	assert_int_equal(metrics_merge(texts, 2, &out), 0);
	assert_string_equal(buf_text(&out),
	    "# HELP a_total Things.\n"
	    "# TYPE a_total counter\n"
	    "a_total{host=\"m\\\"1\",kind=\"x\"} 1\n"
	    "a_total{host=\"m\\\"1\"} 2\n"
	    "a_total{host=\"m2\"} 5\n"
	    "# HELP b Others.\n"
	    "b{host=\"m2\"} 1\n");
	buf_clear(&out);
	assert_int_equal(metrics_merge(texts, 0, &out), 0);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(counters_are_printed),
		cmocka_unit_test(many_become_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
