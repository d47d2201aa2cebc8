/* SPDX-License-Identifier: BSD-2-Clause */
/* Policy requests: cases, every split, every attribute, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/policy_request.h"
#include "util/err.h"

/* A heap copy of exactly len octets: ASan reports a read past its end. */
static char *
exact_copy(const char *src, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, src, len);
	return copy;
}

#define HEAD "request=smtpd_access_policy\n"
#define ALL (-100)                      /* consumes the whole input */
#define IN(text) text, sizeof(text) - 1 /* may hold NUL */

static const struct {
	const char *name;
	const char *in;
	size_t len;
	ssize_t want;
	const char *sender;
} cases[] = {
	{ "empty input waits", IN(""), 0, NULL },
	{ "half a line waits", IN("request=smtpd_ac"), 0, NULL },
	{ "no empty line waits", IN(HEAD "sender=a@b\n"), 0, NULL },
	{ "smallest request", IN(HEAD "\n"), ALL, NULL },
	{ "sender is found", IN(HEAD "sender=a@b\n\n"), ALL, "a@b" },
	{ "null sender is a value", IN(HEAD "sender=\n\n"), ALL, "" },
	{ "first sender counts", IN(HEAD "sender=a\nsender=b\n\n"), ALL, "a" },
	{ "value may hold =", IN(HEAD "sender=a=b@c\n\n"), ALL, "a=b@c" },
	{ "unknown is skipped", IN(HEAD "new_thing=1\nsender=a\n\n"), ALL,
	    "a" },
	{ "order is free", IN("sender=a\n" HEAD "\n"), ALL, "a" },
	{ "line without =", IN(HEAD "sender\n\n"), ERR_SYNTAX, NULL },
	{ "NUL in a value", IN(HEAD "sender=a\0b\n\n"), ERR_SYNTAX, NULL },
	{ "line without name", IN(HEAD "=x\n\n"), ERR_SYNTAX, NULL },
	{ "another request type", IN("request=junk\n\n"), ERR_SYNTAX, NULL },
	{ "no request at all", IN("\n"), ERR_SYNTAX, NULL },
	{ "8-bit value", IN(HEAD "sender=\xe4\xff@b\n\n"), ALL, "\xe4\xff@b" },
	{ "name of the right length only", IN(HEAD "sendex=a\n\n"), ALL, NULL },
	{ "NUL in a name", IN(HEAD "sen\0er=a\n\n"), ERR_SYNTAX, NULL },
	{ "CR belongs to the value", IN(HEAD "sender=a\r\n\n"), ALL, "a\r" },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_request req = { 0 };
		size_t len = cases[i].len;
		char *in = exact_copy(cases[i].in, len);
		ssize_t want =
		    cases[i].want == ALL ? (ssize_t)len : cases[i].want;
		ssize_t got = policy_request_parse(in, len, &req);

		if (got != want)
			fail_msg("%s: got %zd, want %zd", cases[i].name, got,
			    want);
		if (got <= 0)
			assert_null(req.attr[POLICY_REQUEST].at);
		if (cases[i].sender != NULL) {
			assert_int_equal(req.attr[POLICY_SENDER].len,
			    strlen(cases[i].sender));
			assert_memory_equal(req.attr[POLICY_SENDER].at,
			    cases[i].sender, strlen(cases[i].sender));
		}
		free(in);
	}
}

/* Octet by octet, as a slow socket delivers: complete at the last, not before.
 */
static void
test_every_split(void **state)
{
	static const char in[] = HEAD "sender=a@b\nrecipient=c@d\n\n";
	struct policy_request req;

	(void)state;
	for (size_t n = 0; n < sizeof(in) - 1; n++)
		assert_int_equal(policy_request_parse(in, n, &req), 0);
	assert_int_equal(policy_request_parse(in, sizeof(in) - 1, &req),
	    sizeof(in) - 1);
}

/* Each name finds its own place, so that no two share a way there. */
static void
test_every_attribute(void **state)
{
	(void)state;
	for (size_t i = 1; i < POLICY_NATTR; i++) {
		struct slice name = policy_attr_name((enum policy_attr)i);
		struct policy_request req;
		char in[100];
		int n = snprintf(in, sizeof(in), HEAD "%.*s=value\n\n",
		    SLICE_F(name));

		assert_int_equal(policy_request_parse(in, (size_t)n, &req), n);
		for (size_t k = 1; k < POLICY_NATTR; k++) {
			if ((req.attr[k].at != NULL) != (k == i))
				fail_msg("%.*s", SLICE_F(name));
		}
		assert_true(slice_eq(req.attr[i], SLICE("value")));
	}
}

/* Names of every length that are none of ours. */
static void
test_strange_names(void **state)
{
	(void)state;
	for (size_t len = 1; len < 40; len++) {
		struct policy_request req;
		char name[40], in[100];

		memset(name, 'x', sizeof(name));
		int n = snprintf(in, sizeof(in), HEAD "%.*s=value\n\n",
		    (int)len, name);
		assert_int_equal(policy_request_parse(in, (size_t)n, &req), n);
		for (size_t k = 1; k < POLICY_NATTR; k++)
			assert_null(req.attr[k].at);
	}
}

static void
test_limit(void **state)
{
	static char in[POLICY_REQUEST_MAX + 1];
	struct policy_request req;

	(void)state;
	memset(in, 'a', sizeof(in));
	assert_int_equal(policy_request_parse(in, sizeof(in) - 2, &req), 0);
	assert_int_equal(policy_request_parse(in, sizeof(in), &req), ERR_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_every_attribute),
		cmocka_unit_test(test_strange_names),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
