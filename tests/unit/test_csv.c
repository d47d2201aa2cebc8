/* SPDX-License-Identifier: BSD-2-Clause */
/* CSV: records as RFC 4180 has them, and what others write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/csv.h"
#include "util/err.h"

static struct csv_record r;

/* In a block of just its length. */
static int
read_one(const char *at, size_t len, char separator, bool final, char **ret_at)
{
	char *text = malloc(len + !len);

	assert_non_null(text);
	memcpy(text, at, len);
	*ret_at = text;
	return csv_read(text, len, separator, final, &r);
}

static const struct {
	const char *name, *text;
	char separator;
	int used; /* 0: the whole text */
	const char *want[6];
} rows[] = {
	{ "plain", "a,b,c\r\n", ',', 0, { "a", "b", "c" } },
	{ "LF", "a,b\nc", ',', 4, { "a", "b" } },
	{ "no line end", "a,b", ',', 0, { "a", "b" } },
	{ "empty ones", ",,\r\n", ',', 0, { "", "", "" } },
	{ "empty line", "\r\n", ',', 0, { "" } },
	{ "quoted", "\"a\",\"b c\"\r\n", ',', 0, { "a", "b c" } },
	{ "separator in quotes", "\"a,b\",c\n", ',', 0, { "a,b", "c" } },
	{ "line end in quotes", "\"a\r\nb\",c\n", ',', 0, { "a\r\nb", "c" } },
	{ "quotes in quotes", "\"\"\"a\"\"\",\"\"\"\",\"\"\n", ',', 0,
	    { "\"a\"", "\"", "" } },
	{ "quote within", "a\"b,c\"\"\n", ',', 0, { "a\"b", "c\"\"" } },
	{ "blanks stay", " a , b\n", ',', 0, { " a ", " b" } },
	{ "CR within", "a\rb,c\r\n", ',', 0, { "a\rb", "c" } },
	{ "CR at the end", "a\r", ',', 0, { "a" } },
	{ "quoted CR at the end", "\"a\"\r", ',', 0, { "a" } },
	{ "semicolons", "a,b;\"c;d\"\n", ';', 0, { "a,b", "c;d" } },
	{ "tabs", "a\tb\n", '\t', 0, { "a", "b" } },
	{ "UTF-8", "\xc3\xa4,\xe6\x97\xa5\n", ',', 0,
	    { "\xc3\xa4", "\xe6\x97\xa5" } },
};

static void
test_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text), n = 0;
		int want = rows[i].used > 0 ? rows[i].used : (int)len;
		char *at;
		int rc =
		    read_one(rows[i].text, len, rows[i].separator, true, &at);

		if (rc != want)
			fail_msg("%s: %d", rows[i].name, rc);
		for (; rows[i].want[n] != NULL; n++)
			if (n >= r.count ||
			    !slice_eq(r.field[n], slice_of(rows[i].want[n])))
				fail_msg("%s: field %zu", rows[i].name, n);
		assert_int_equal(r.count, n);
		free(at);
		/* Less of it is more to come, but for what ends without a
		 * line end or was whole before. */
		for (size_t cut = 0; cut < (size_t)want; cut++) {
			rc = read_one(rows[i].text, cut, rows[i].separator,
			    false, &at);
			if (rc != 0)
				fail_msg("%s cut at %zu: %d", rows[i].name, cut,
				    rc);
			free(at);
		}
	}
}

static void
test_errors(void **state)
{
	char *text = malloc(CSV_RECORD_MAX + 10), *at;
	static const char wrong[] = "\"a\"b,c\nd";

	(void)state;
	assert_int_equal(read_one(wrong, sizeof(wrong) - 1, ',', true, &at),
	    ERR_SYNTAX);
	assert_int_equal(csv_skip_line(SLICE("\"a\"b,c\nd"), true), 7);
	free(at);
	assert_int_equal(read_one("\"a", 2, ',', true, &at), ERR_SYNTAX);
	free(at);
	assert_int_equal(read_one("\"a\"\rb", 5, ',', true, &at), ERR_SYNTAX);
	free(at);
	assert_int_equal(csv_skip_line(SLICE("\"a"), true), 2);
	assert_int_equal(csv_skip_line(SLICE("\"a"), false), 0);
	assert_int_equal(csv_skip_line(SLICE(""), true), 0);
	memset(text, ',', CSV_FIELDS_MAX);
	assert_int_equal(read_one(text, CSV_FIELDS_MAX, ',', true, &at),
	    ERR_LIMIT);
	free(at);
	memset(text, 'x', CSV_RECORD_MAX + 10);
	assert_int_equal(read_one(text, CSV_RECORD_MAX + 10, ',', true, &at),
	    ERR_LIMIT);
	free(at);
	assert_int_equal(read_one(text, CSV_RECORD_MAX, ',', true, &at),
	    CSV_RECORD_MAX);
	free(at);
	assert_int_equal(read_one("", 0, ',', true, &at), 0);
	free(at);
	free(text);
}

static void
test_separator(void **state)
{
	(void)state;
	assert_int_equal(csv_separator(SLICE("a,b;c,d\n;;;;")), ',');
	assert_int_equal(csv_separator(SLICE("a;b")), ';');
	assert_int_equal(csv_separator(SLICE("\"a;b;c\",d")), ',');
	assert_int_equal(csv_separator(SLICE("a\tb\r\n")), '\t');
	assert_int_equal(csv_separator(SLICE("email")), ',');
}

static const struct {
	const char *value, *written;
} written[] = {
	{ "a", "a" },
	{ "", "" },
	{ "a b", "a b" },
	{ " a", "\" a\"" },
	{ "a,b", "\"a,b\"" },
	{ "a\"b", "\"a\"\"b\"" },
	{ "a\nb", "\"a\nb\"" },
	{ "=1+2", "\"'=1+2\"" },
	{ "+a@b.example", "\"'+a@b.example\"" },
	{ "-1", "\"'-1\"" },
	{ "@x", "\"'@x\"" },
	{ "\tx", "\"'\tx\"" },
	{ "'=x", "\"''=x\"" },
	{ "'x", "'x" },
	{ "'", "'" },
	{ "a=b", "a=b" },
	{ "=\"x\"", "\"'=\"\"x\"\"\"" },
};

static void
test_writing(void **state)
{
	struct buf out;
	struct csv_writer w = csv_writer(&out);
	char *at;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		char want[100];

		buf_clear(&out);
		csv_text(&w, slice_of(written[i].value));
		csv_text(&w, slice_of(written[i].value));
		assert_int_equal(csv_end(&w), 0);
		(void)snprintf(want, sizeof(want), "%s,%s\r\n",
		    written[i].written, written[i].written);
		assert_string_equal(buf_text(&out), want);
		assert_int_equal(read_one(out.at, out.len, ',', true, &at),
		    out.len);
		assert_true(slice_eq(csv_unguarded(r.field[1]),
		    slice_of(written[i].value)));
		free(at);
	}
	buf_clear(&out);
	csv_plain(&w, SLICE("-a"));
	csv_number(&w, -5);
	csv_number(&w, INT64_MIN);
	csv_number(&w, 17);
	csv_text(&w, (struct slice){ NULL, 0 });
	assert_int_equal(csv_end(&w), 0);
	assert_string_equal(buf_text(&out),
	    "-a,-5,-9223372036854775808,17,\r\n");
	buf_done(&out);
	assert_true(slice_eq(csv_unguarded(SLICE("'a")), SLICE("'a")));
	assert_true(slice_eq(csv_unguarded(SLICE("'")), SLICE("'")));
	assert_true(slice_eq(csv_unguarded(SLICE("=a")), SLICE("=a")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_separator),
		cmocka_unit_test(test_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
