/* SPDX-License-Identifier: BSD-2-Clause */
/* Policy replies: what is written, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/policy_reply.h"
#include "util/err.h"

#define TEXT(text) \
	{ \
		text, sizeof(text) - 1 \
	} /* may hold NUL */

static const struct {
	const char *name;
	struct policy_reply reply;
	int rc;
	const char *want;
} cases[] = {
	{ "no opinion", { .action = POLICY_DUNNO }, 0, "action=DUNNO\n\n" },
	{ "refused", { POLICY_REPLY, 550, { 5, 1, 1 }, TEXT("gone") }, 0,
	    "action=550 5.1.1 gone\n\n" },
	{ "later", { POLICY_REPLY, 451, { 4, 7, 1 }, TEXT("wait 3 s") }, 0,
	    "action=451 4.7.1 wait 3 s\n\n" },
	{ "no enhanced code", { POLICY_REPLY, 451, { 0 }, TEXT("x") }, 0,
	    "action=451 x\n\n" },
	{ "no text", { POLICY_REPLY, 550, { 5, 7, 1 }, TEXT("") }, 0,
	    "action=550 5.7.1\n\n" },
	{ "later unless refused",
	    { POLICY_DEFER_IF_PERMIT, 0, { 4, 3, 0 }, TEXT("x") }, 0,
	    "action=DEFER_IF_PERMIT 4.3.0 x\n\n" },
	{ "line feed", { POLICY_REPLY, 550, { 5, 1, 1 }, TEXT("a\nb") },
	    ERR_SYNTAX, NULL },
	{ "carriage return", { POLICY_REPLY, 550, { 5, 1, 1 }, TEXT("a\r") },
	    ERR_SYNTAX, NULL },
	{ "NUL", { POLICY_REPLY, 550, { 5, 1, 1 }, TEXT("a\0b") }, ERR_SYNTAX,
	    NULL },
	{ "8-bit", { POLICY_REPLY, 550, { 5, 1, 1 }, TEXT("\xc3\xa4") },
	    ERR_SYNTAX, NULL },
	{ "permanent code for a temporary reply",
	    { POLICY_REPLY, 451, { 5, 1, 1 }, TEXT("x") }, ERR_SYNTAX, NULL },
	{ "temporary code for a permanent reply",
	    { POLICY_REPLY, 550, { 4, 1, 1 }, TEXT("x") }, ERR_SYNTAX, NULL },
	{ "permanent code for a deferral",
	    { POLICY_DEFER_IF_PERMIT, 0, { 5, 3, 0 }, TEXT("x") }, ERR_SYNTAX,
	    NULL },
	{ "success code", { POLICY_REPLY, 250, { 2, 0, 0 }, TEXT("x") },
	    ERR_SYNTAX, NULL },
	{ "no code", { POLICY_REPLY, 0, { 0 }, TEXT("x") }, ERR_SYNTAX, NULL },
	{ "code too large", { POLICY_REPLY, 550, { 5, 1000, 1 }, TEXT("x") },
	    ERR_SYNTAX, NULL },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *want = cases[i].want != NULL ? cases[i].want : "";
		struct buf out;

		buf_init(&out, 1000);
		(void)buf_add_text(&out, "before\n\n");
		int rc = policy_reply_format(&cases[i].reply, &out);
		if (rc != cases[i].rc ||
		    strncmp(buf_text(&out), "before\n\n", 8) != 0 ||
		    strcmp(buf_text(&out) + 8, want) != 0)
			fail_msg("%s: %d %s", cases[i].name, rc,
			    buf_text(&out));
		buf_done(&out);
	}
}

static void
test_limits(void **state)
{
	static char text[POLICY_TEXT_MAX + 1];
	struct policy_reply reply = { POLICY_REPLY, 550, { 5, 1, 1 },
		{ text, POLICY_TEXT_MAX } };
	struct buf out;

	(void)state;
	memset(text, 'x', sizeof(text));
	buf_init(&out, 1000);
	assert_int_equal(policy_reply_format(&reply, &out), 0);
	reply.text.len++;
	assert_int_equal(policy_reply_format(&reply, &out), ERR_LIMIT);
	buf_done(&out);

	/* A reply that does not fit leaves no half of it. */
	buf_init(&out, 30);
	reply.text.len = 25;
	assert_int_equal(policy_reply_format(&reply, &out), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
