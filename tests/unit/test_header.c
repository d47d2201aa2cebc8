/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fields: a table of headers, fed at every split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/header.h"
#include "util/err.h"

/* Fields as "name|value;" with line ends shown as $ (CR) and / (LF). */
static int
show(void *ctx, const struct header_field *field)
{
	struct buf *seen = ctx;

	(void)buf_add_slice(seen, field->name);
	(void)buf_add_char(seen, '|');
	for (size_t i = 0; i < field->value.len; i++) {
		char c = field->value.at[i];

		(void)buf_add_char(seen, c == '\r' ? '$' : c == '\n' ? '/' : c);
	}
	(void)buf_add_char(seen, ';');
	return slice_eq(field->name, SLICE("Stop")) ? ERR_DENIED : 0;
}

static const struct {
	const char *name, *text, *fields;
	bool ended;
	const char *body;
	int rc;
} cases[] = {
	{ "nothing", "", "", false, "", 0 },
	{ "CRLF, folded, then a body",
	    "A: 1\r\nB: 2\r\n\t3\r\n 4\r\n\r\nbody: x\r\n",
	    "A| 1;B| 2$/\t3$/ 4;", true, "body: x\r\n", 0 },
	{ "bare LF", "A:1\nB :2\n\n\n", "A|1;B|2;", true, "\n", 0 },
	{ "no line end at the end", "A: 1\nB: 2", "A| 1;B| 2;", false, "", 0 },
	{ "an empty value", "A:\n\n", "A|;", true, "", 0 },
	{ "blank line that is folding", "A: 1\n \n\n", "A| 1/ ;", true, "", 0 },
	{ "a line that is no field", "A: 1\nhello\nB: 2\n", "A| 1;", true,
	    "hello\nB: 2\n", 0 },
	{ "body at once", "\nA: 1\n", "", true, "A: 1\n", 0 },
	{ "a fold with nothing before it", " x\nA: 1\n", "", true, " x\nA: 1\n",
	    0 },
	{ "a name that is none", "A\001: 1\n", "", true, "A\001: 1\n", 0 },
	{ "no name", ": 1\n", "", true, ": 1\n", 0 },
	{ "8-bit value", "A: \303\244\n\n", "A| \303\244;", true, "", 0 },
	{ "the caller stops", "A: 1\nStop: 2\nB: 3\n", "A| 1;Stop| 2;", false,
	    "", ERR_DENIED },
	{ "too many", "A: 1\nA: 1\nA: 1\nA: 1\nA: 1\n\n",
	    "A| 1;A| 1;A| 1;A| 1;", false, "", ERR_LIMIT },
	{ "too long", "A: 345678901234567890123456789012345678901234567890\n",
	    "", false, "", ERR_LIMIT },
};

/* The heap block of exact length that a piece is copied to. */
static ssize_t
feed(struct header_parser *p, const char *at, size_t len)
{
	char *exact = malloc(len > 0 ? len : 1);

	assert_non_null(exact);
	memcpy(exact, at, len);
	ssize_t n = header_parser_feed(p, (struct slice){ exact, len });
	free(exact);
	return n;
}

static void
run(const char *text, size_t split, size_t row)
{
	struct header_parser p;
	struct buf seen, body;
	size_t len = strlen(text), pos = 0;
	int rc = 0;

	buf_init(&seen, 1000);
	buf_init(&body, 1000);
	header_parser_init(&p, 50, 4, show, &seen);
	while (pos < len && rc == 0 && !header_parser_ended(&p)) {
		size_t end = pos < split ? split : len;
		ssize_t n = feed(&p, text + pos, end - pos);

		if (n < 0)
			rc = (int)n;
		else
			pos += (size_t)n;
	}
	if (rc == 0)
		rc = header_parser_ended(&p) ? 0 : header_parser_end(&p);
	else
		assert_int_equal(header_parser_end(&p), rc);
	assert_int_equal(rc, cases[row].rc);
	assert_string_equal(buf_text(&seen), cases[row].fields);
	if (rc == 0) {
		(void)buf_add_slice(&body, header_parser_body(&p));
		(void)buf_add(&body, text + pos, len - pos);
		assert_string_equal(buf_text(&body), cases[row].body);
	}
	buf_done(&seen);
	buf_done(&body);
	header_parser_done(&p);
}

static void
test_parser(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("# %s\n", cases[i].name);
		for (size_t n = 0; n <= strlen(cases[i].text); n++)
			run(cases[i].text, n, i);
	}
}

static void
test_unfold(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 30);
	assert_int_equal(header_unfold(SLICE(" a\r\n b\n\tc\001d \r\n"), &b),
	    0);
	assert_string_equal(buf_text(&b), "a b c d");
	buf_clear(&b);
	assert_int_equal(header_unfold(SLICE(" \r\n "), &b), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(header_unfold(SLICE("1234567890123456789012345678901"),
			     &b),
	    ERR_LIMIT);
	buf_done(&b);
	assert_true(header_name_ok(SLICE("X-Api-Data")));
	assert_false(header_name_ok(SLICE("X Y")));
	assert_false(header_name_ok(SLICE("X:")));
	assert_false(header_name_ok(SLICE("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parser),
		cmocka_unit_test(test_unfold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
