/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of an SMTP server: RFC 5321, 4.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/smtp_answer.h"
#include "util/buf.h"
#include "util/err.h"

#define EHLO \
	"250-mail.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n" \
	"250 8bitmime\r\n"

static void
test_cases(void **state)
{
	static const struct {
		const char *in;
		ssize_t used;
		unsigned code;
		const char *text;
	} cases[] = {
		{ "250 2.0.0 Ok\r\n", 14, 250, "2.0.0 Ok" },
		{ "250 Ok\n221 Bye\n", 7, 250, "Ok" },
		{ "354\r\n", 5, 354, "" },
		{ "250-a\r\n250 b\r\n", 14, 250, "a\nb" },
		{ "250-a\r\n250\r\n", 12, 250, "a\n" },
		{ "550 \tdata\177\r\n", 12, 550, "?data?" },
		{ "250-a\r\n", 0, 0, NULL },
		{ "250 Ok", 0, 0, NULL },
		{ "", 0, 0, NULL },
		{ "250-a\r\n251 b\r\n", ERR_SYNTAX, 0, NULL },
		{ "150 a\r\n", ERR_SYNTAX, 0, NULL },
		{ "600 a\r\n", ERR_SYNTAX, 0, NULL },
		{ "25\r\n", ERR_SYNTAX, 0, NULL },
		{ "250_a\r\n", ERR_SYNTAX, 0, NULL },
		{ "2x0 a\r\n", ERR_SYNTAX, 0, NULL },
		{ "\r\n", ERR_SYNTAX, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].in);
		char *in = malloc(len + !len);
		struct smtp_answer a = { .code = 0 };

		assert_non_null(in);
		memcpy(in, cases[i].in, len);
		assert_int_equal(smtp_answer_parse((struct slice){ in, len },
				     &a),
		    cases[i].used);
		assert_int_equal(a.code, cases[i].code);
		if (cases[i].text != NULL)
			assert_string_equal(a.text, cases[i].text);
		free(in);
	}
}

static void
test_every_split(void **state)
{
	struct smtp_answer a;
	struct slice in = SLICE(EHLO);

	(void)state;
	for (size_t n = 0; n < in.len; n++)
		assert_int_equal(smtp_answer_parse((struct slice){ in.at, n },
				     &a),
		    0);
	assert_int_equal(smtp_answer_parse(in, &a), in.len);
}

static void
test_offers(void **state)
{
	struct smtp_answer a;

	(void)state;
	assert_true(smtp_answer_parse(SLICE(EHLO), &a) > 0);
	assert_true(smtp_answer_offers(&a, "PIPELINING"));
	assert_true(smtp_answer_offers(&a, "SIZE"));
	assert_true(smtp_answer_offers(&a, "8BITMIME"));
	assert_false(smtp_answer_offers(&a, "SMTPUTF8"));
	/* The greeting is no offer. */
	assert_false(smtp_answer_offers(&a, "mail.example"));
}

static void
test_limits(void **state)
{
	char long_line[SMTP_ANSWER_MAX + 10];
	struct smtp_answer a;
	struct buf many;

	(void)state;
	memset(long_line, 'x', sizeof(long_line));
	memcpy(long_line, "250 ", 4);
	assert_int_equal(smtp_answer_parse((struct slice){ long_line,
					       SMTP_ANSWER_MAX - 1 },
			     &a),
	    0);
	assert_int_equal(smtp_answer_parse((struct slice){ long_line,
					       SMTP_ANSWER_MAX },
			     &a),
	    ERR_LIMIT);
	buf_init(&many, 4000);
	for (size_t i = 0; i < SMTP_ANSWER_LINES; i++)
		buf_add_text(&many, "250-a\r\n");
	buf_add_text(&many, "250 a\r\n");
	assert_int_equal(smtp_answer_parse(buf_slice(&many), &a), ERR_LIMIT);
	buf_done(&many);
	/* A long text is cut. */
	memcpy(long_line + 1000, "\r\n", 2);
	assert_int_equal(smtp_answer_parse((struct slice){ long_line, 1002 },
			     &a),
	    1002);
	assert_int_equal(strlen(a.text), SMTP_ANSWER_TEXT_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
