/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery status notifications. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/dsn.h"
#include "util/buf.h"

/* want: for each recipient "action|original|final|status|diagnostic|mta;" */
static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "as Postfix writes it",
	    "Reporting-MTA: dns; mx.example\nX-Postfix-Queue-ID: 4Tk\n\n"
	    "Final-Recipient: rfc822; a@b.example\n"
	    "Original-Recipient: rfc822;c@b.example\nAction: failed\n"
	    "Status: 5.1.1\nRemote-MTA: dns; mx.b.example\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 <a@b.example>:\n    no such user\n",
	    "1|c@b.example|a@b.example|5.1.1|550 5.1.1 <a@b.example>: no such "
	    "user|mx.b.example;" },
	{ "as Exchange writes it",
	    "Reporting-MTA: dns;x\r\n\r\nFinal-recipient: RFC822;a@b\r\n"
	    "Action: failed\r\nStatus: 5.1.10\r\n"
	    "Diagnostic-code: smtp;550 5.1.10 RESOLVER.ADR\r\n",
	    "1||a@b|5.1.10|550 5.1.10 RESOLVER.ADR|;" },
	{ "two recipients, one late",
	    "Reporting-MTA: x\n\nFinal-Recipient: a@b\nAction: delayed\n"
	    "Status: 4.4.1\n\nFinal-Recipient: rfc822;<c@d>\nAction: Failed\n",
	    "2||a@b|4.4.1||;1||c@d|||;" },
	{ "no empty line between them",
	    "Final-Recipient: a@b\nAction: failed\nFinal-Recipient: c@d\n",
	    "1||a@b|||;0||c@d|||;" },
	{ "the first of a repeated field counts",
	    "Final-Recipient: a@b\nStatus: 5.1.1\nStatus: 2.0.0\n",
	    "0||a@b|5.1.1||;" },
	{ "xtext of a plus sign, not of a tag",
	    "Original-Recipient: rfc822;a+2Bt@b\nFinal-Recipient: a+22@b\n",
	    "0|a+t@b|a+22@b|||;" },
	{ "characters of RFC 6533",
	    "Final-Recipient: utf-8; r\\x{EF}ta@b\nOriginal-Recipient: "
	    "utf-8; \\x{}\\x{D800}\\x{zz}@b\n",
	    "0|\\x{}\\x{D800}\\x{zz}@b|r\xc3\xafta@b|||;" },
	{ "the address behind the action, as Amazon SES writes it",
	    "Reporting-MTA: dsn; x\n\nAction: failed\n"
	    "Final-Recipient: rfc822; a@b\nDiagnostic-Code: smtp; 550 no\n"
	    "Status: 5.1.1\n\nAction: delayed\nFinal-Recipient: c@d\n",
	    "1||a@b|5.1.1|550 no|;2||c@d|||;" },
	{ "empty lines inside a block",
	    "Final-Recipient: a@b\n\nAction: failed\n\nStatus: 5.1.1\n",
	    "1||a@b|5.1.1||;" },
	{ "nobody is named", "Action: failed\nStatus: 5.1.1\n",
	    "1|||5.1.1||;" },
	{ "the type twice", "Final-Recipient: rfc822; rfc822;a@b\n",
	    "0||a@b|||;" },
	{ "only a message block", "Reporting-MTA: dns; x\n\n", "" },
	{ "nothing", "", "" },
};

static void
test_reports(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *arena = arena_new(1 << 20);
		size_t len = strlen(cases[i].in), n = 0;
		char *exact = malloc(len + !len), got[1024] = "";
		struct dsn dsn;

		assert_non_null(arena);
		assert_non_null(exact);
		memcpy(exact, cases[i].in, len);
		assert_int_equal(dsn_parse((struct slice){ exact, len }, arena,
				     &dsn),
		    0);
		for (size_t j = 0; j < dsn.count; j++) {
			struct dsn_recipient *r = &dsn.recipients[j];

			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    "%d|%.*s|%.*s|%.*s|%.*s|%.*s;", (int)r->action,
			    SLICE_F(r->original), SLICE_F(r->final),
			    SLICE_F(r->status), SLICE_F(r->diagnostic),
			    SLICE_F(r->remote_mta));
		}
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].name, got);
		for (size_t cut = 1; cut < len; cut++)
			assert_int_equal(dsn_parse((struct slice){ exact, cut },
					     arena, &dsn),
			    0);
		free(exact);
		arena_free(arena);
	}
}

static void
test_many(void **state)
{
	struct arena *arena = arena_new(1 << 22);
	struct dsn dsn;
	struct buf b;

	(void)state;
	assert_non_null(arena);
	buf_init(&b, 1 << 20);
	for (int i = 0; i < DSN_RECIPIENTS_MAX + 10; i++)
		(void)buf_addf(&b, "Final-Recipient: a%d@b\n\n", i);
	assert_int_equal(dsn_parse(buf_slice(&b), arena, &dsn), 0);
	assert_int_equal(dsn.count, DSN_RECIPIENTS_MAX);
	assert_true(slice_eq(dsn.recipients[999].final, SLICE("a999@b")));
	buf_done(&b);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
