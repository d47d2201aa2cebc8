/* SPDX-License-Identifier: BSD-2-Clause */
/* The syntax of the configuration file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "service/config_file.h"
#include "util/buf.h"
#include "util/err.h"

static void
on_entry(void *ctx, unsigned line, struct slice name, struct slice value)
{
	(void)buf_addf(ctx, "%u:%.*s=%.*s;", line, SLICE_F(name),
	    SLICE_F(value));
}

static void
on_error(void *ctx, unsigned line, const char *text)
{
	(void)buf_addf(ctx, "%u!%.8s;", line, text);
}

static int
parse(struct slice in, struct buf *out)
{
	char *exact = malloc(in.len + (in.len == 0));
	int rc;

	assert_non_null(exact);
	memcpy(exact, in.at, in.len);
	buf_clear(out);
	rc = config_file_parse((struct slice){ exact, in.len }, on_entry,
	    on_error, out);
	free(exact);
	return rc;
}

static void
test_cases(void **state)
{
	static const struct {
		const char *name;
		struct slice in;
		int rc;
		const char *want;
	} cases[] = {
		{ "nothing", SLICE(""), 0, "" },
		{ "one", SLICE("a = b\n"), 0, "1:a=b;" },
		{ "no line end", SLICE("a=b"), 0, "1:a=b;" },
		{ "CR LF", SLICE("a = b\r\nc = d\r\n"), 0, "1:a=b;2:c=d;" },
		{ "empty value", SLICE("a =\nb=\n"), 0, "1:a=;2:b=;" },
		{ "a second sign is value", SLICE("a = b=c"), 0, "1:a=b=c;" },
		{ "comment and blank lines", SLICE("# x\n\n  # y\n\na = b\n"),
		    0, "5:a=b;" },
		{ "no comment behind a value", SLICE("a = b # c\n"), 0,
		    "1:a=b # c;" },
		{ "continued", SLICE("a = b\n  c\n\td\ne = f"), 0,
		    "1:a=b c d;4:e=f;" },
		{ "continued over a comment", SLICE("a = b\n# x\n\n c\n"), 0,
		    "1:a=b c;" },
		{ "value on the second line", SLICE("a =\n b\n"), 0, "1:a=b;" },
		{ "sign on the second line", SLICE("a\n = b\n"), 0, "1:a=b;" },
		{ "begins with a continuation", SLICE(" a = b\nc = d\n"),
		    ERR_SYNTAX, "1!continue;2:c=d;" },
		{ "no sign", SLICE("a b\nc = d\n"), ERR_SYNTAX,
		    "1!\"name = ;2:c=d;" },
		{ "bad name", SLICE("a-b = c\nd = e"), ERR_SYNTAX,
		    "1!a name h;2:d=e;" },
		{ "no name", SLICE("= c\n"), ERR_SYNTAX, "1!a name h;" },
		{ "NUL", SLICE("a = b\0c\nd = e\n"), ERR_SYNTAX,
		    "1!control ;2:d=e;" },
		{ "control in a continuation", SLICE("a = b\n \x1b\nd = e\n"),
		    ERR_SYNTAX, "2!control ;3:d=e;" },
		{ "8 bit", SLICE("a = \xff\n"), 0, "1:a=\xff;" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = parse(cases[i].in, &out);

		if (rc != cases[i].rc ||
		    strcmp(buf_text(&out), cases[i].want) != 0)
			fail_msg("%s: %d %s", cases[i].name, rc,
			    buf_text(&out));
	}
	buf_done(&out);
}

static void
test_too_long(void **state)
{
	char *big = malloc(CONFIG_FILE_MAX + 1);
	struct buf out;

	(void)state;
	assert_non_null(big);
	memset(big, 'a', CONFIG_FILE_MAX + 1);
	big[1] = '=';
	buf_init(&out, 2 * CONFIG_FILE_MAX);
	assert_int_equal(parse((struct slice){ big, CONFIG_FILE_MAX + 1 },
			     &out),
	    ERR_LIMIT);
	assert_int_equal(parse((struct slice){ big, CONFIG_FILE_MAX }, &out),
	    0);
	buf_done(&out);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
