/* SPDX-License-Identifier: BSD-2-Clause */
/* LMTP commands and text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/lmtp_command.h"
#include "util/err.h"

#define IN(text) SLICE(text)
static const struct {
	const char *name;
	struct slice line;
	int rc;
	enum lmtp_verb verb;
	const char *path;
	uint64_t size;
} cases[] = {
	{ "a greeting", IN("LHLO mx.example"), 0, LMTP_LHLO, NULL, 0 },
	{ "a greeting without a name", IN("LHLO"), ERR_SYNTAX, 0, NULL, 0 },
	{ "the null sender", IN("MAIL FROM:<>"), 0, LMTP_MAIL, "", 0 },
	{ "case does not count", IN("mail from:<a@b> size=12 body=8bitmime"), 0,
	    LMTP_MAIL, "a@b", 12 },
	{ "a blank behind the colon", IN("MAIL FROM: <a@b>"), 0, LMTP_MAIL,
	    "a@b", 0 },
	{ "SMTPUTF8", IN("MAIL FROM:<a@b> SMTPUTF8"), 0, LMTP_MAIL, "a@b", 0 },
	{ "a parameter not offered", IN("MAIL FROM:<a@b> X=1"), ERR_NOTFOUND, 0,
	    NULL, 0 },
	{ "a size that is none", IN("MAIL FROM:<a@b> SIZE=x"), ERR_SYNTAX, 0,
	    NULL, 0 },
	{ "no angle brackets", IN("MAIL FROM:a@b"), ERR_SYNTAX, 0, NULL, 0 },
	{ "text glued to the path", IN("MAIL FROM:<a@b>x"), ERR_SYNTAX, 0, NULL,
	    0 },
	{ "a recipient", IN("RCPT TO:<b-abc@bounce.example>"), 0, LMTP_RCPT,
	    "b-abc@bounce.example", 0 },
	{ "a quoted '>'", IN("RCPT TO:<\"a>\\\" b\"@c>"), 0, LMTP_RCPT,
	    "\"a>\\\" b\"@c", 0 },
	{ "an open quote", IN("RCPT TO:<\"a>@c>"), ERR_SYNTAX, 0, NULL, 0 },
	{ "a backslash at the end", IN("RCPT TO:<\"a\\"), ERR_SYNTAX, 0, NULL,
	    0 },
	{ "a blank inside", IN("RCPT TO:<a b@c>"), ERR_SYNTAX, 0, NULL, 0 },
	{ "DATA", IN("DATA"), 0, LMTP_DATA, NULL, 0 },
	{ "DATA with an argument", IN("DATA x"), ERR_SYNTAX, 0, NULL, 0 },
	{ "NUL", IN("NOOP a\0b"), ERR_SYNTAX, 0, NULL, 0 },
	{ "a bare CR", IN("NOOP\rQUIT"), ERR_SYNTAX, 0, NULL, 0 },
	{ "EHLO is not LMTP", IN("EHLO x"), 0, LMTP_OTHER, NULL, 0 },
	{ "8-bit", IN("\xff\xfe"), 0, LMTP_OTHER, NULL, 0 },
	{ "nothing", IN(""), 0, LMTP_OTHER, NULL, 0 },
};

static void
test_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lmtp_command cmd;
		size_t len = cases[i].line.len;
		char *exact = malloc(len + !len);

		assert_non_null(exact);
		memcpy(exact, cases[i].line.at, len);
		int rc = lmtp_command_parse((struct slice){ exact, len }, &cmd);
		if (rc != cases[i].rc)
			fail_msg("%s: %d", cases[i].name, rc);
		if (rc == 0 &&
		    (cmd.verb != cases[i].verb || cmd.size != cases[i].size ||
			!slice_eq(cmd.path, slice_of(cases[i].path))))
			fail_msg("%s: verb %d, path %.*s", cases[i].name,
			    (int)cmd.verb, SLICE_F(cmd.path));
		free(exact);
	}
}

static void
test_long_line(void **state)
{
	static char line[LMTP_LINE_MAX + 1];
	struct lmtp_command cmd;

	(void)state;
	memset(line, 'x', sizeof(line));
	assert_int_equal(lmtp_command_parse((struct slice){ line,
						sizeof(line) },
			     &cmd),
	    ERR_LIMIT);
}

static const struct {
	const char *name;
	struct slice in;
	struct slice out;
	bool end;
	size_t left; /* octets of the next command */
} texts[] = {
	{ "a text", IN("a\r\nb\r\n.\r\nQUIT"), IN("a\r\nb\r\n"), true, 4 },
	{ "an empty text", IN(".\r\n"), IN(""), true, 0 },
	{ "a stuffed dot", IN("..\r\n.a\r\n.\r\n"), IN(".\r\na\r\n"), true, 0 },
	{ "a bare LF ends nothing", IN("a\n.\n.\r\n\r\n.\r\n"),
	    IN("a\n.\n.\r\n\r\n"), true, 0 },
	{ "a bare LF behind the dot", IN("a\r\n.\n.\r\n"), IN("a\r\n\n.\r\n"),
	    false, 0 },
	{ "a bare CR ends nothing", IN("a\r.\r\n.\r\n"), IN("a\r.\r\n"), true,
	    0 },
	{ "a dot and a bare CR", IN("\r\n.\rx\r\n.\r\n"), IN("\r\n\rx\r\n"),
	    true, 0 },
	{ "NUL and 8-bit", IN("\0\xff\r\n.\r\n"), IN("\0\xff\r\n"), true, 0 },
	{ "not finished", IN("a\r\n.\r"), IN("a\r\n"), false, 0 },
};

static void
test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		/* every split: the same text, the same end */
		for (size_t cut = 0; cut <= texts[i].in.len; cut++) {
			struct slice a = { texts[i].in.at, cut };
			struct slice b = slice_skip(texts[i].in, cut);
			struct lmtp_data d;
			struct buf out;
			bool end;

			buf_init(&out, 1000);
			lmtp_data_begin(&d);
			size_t used = lmtp_data_feed(&d, a, &out, &end);
			if (!end)
				used = cut + lmtp_data_feed(&d, b, &out, &end);
			if (end != texts[i].end ||
			    !slice_eq(buf_slice(&out), texts[i].out) ||
			    used != texts[i].in.len - texts[i].left)
				fail_msg("%s, cut at %zu", texts[i].name, cut);
			buf_done(&out);
		}
	}
}

static void
test_too_large(void **state)
{
	struct lmtp_data d;
	struct buf out;
	bool end;

	(void)state;
	buf_init(&out, 4);
	lmtp_data_begin(&d);
	(void)lmtp_data_feed(&d, SLICE("abcdefgh\r\n.\r\n"), &out, &end);
	assert_true(end);
	assert_true(d.too_large);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
