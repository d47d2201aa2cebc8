/* SPDX-License-Identifier: BSD-2-Clause */
/* The canonical form of addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/address.h"
#include "util/err.h"

#define IN(text) text, sizeof(text) - 1 /* may hold NUL */

static const struct {
	const char *name;
	const char *in;
	size_t len;
	int rc;
	const char *want;
} cases[] = {
	{ "plain", IN("a@b.example"), 0, "a@b.example" },
	{ "no case at all", IN("JOHN.Doe@EXAMPLE.Com"), 0,
	    "john.doe@example.com" },
	{ "angle brackets", IN(" <a@b> "), 0, "a@b" },
	{ "null reverse-path", IN("<>"), 0, "" },
	{ "nothing", IN(""), 0, "" },
	{ "source route", IN("<@x,@y.example:a@b>"), 0, "a@b" },
	{ "trailing dot of the domain", IN("a@b.example."), 0, "a@b.example" },
	{ "needless quotes", IN("\"john.doe\"@b"), 0, "john.doe@b" },
	{ "needless backslash", IN("\"j\\ohn\"@b"), 0, "john@b" },
	{ "dots anywhere, bare", IN("a..b.@docomo.example"), 0,
	    "a..b.@docomo.example" },
	{ "dots anywhere, quoted", IN("\"a..b.\"@docomo.example"), 0,
	    "a..b.@docomo.example" },
	{ "blank in quotes", IN("\"A b\"@c"), 0, "\"a b\"@c" },
	{ "blank without quotes", IN("A b@c"), 0, "\"a b\"@c" },
	{ "at in quotes", IN("\"a@b\"@c"), 0, "\"a@b\"@c" },
	{ "at without quotes", IN("a@b@c"), 0, "\"a@b\"@c" },
	{ "quote in quotes", IN("\"a\\\"b\"@c"), 0, "\"a\\\"b\"@c" },
	{ "quote without quotes", IN("a\"b@c"), 0, "\"a\\\"b\"@c" },
	{ "backslash without quotes", IN("a\\b@c"), 0, "\"a\\\\b\"@c" },
	{ "quote that does not end", IN("\"a@c"), 0, "\"\\\"a\"@c" },
	{ "empty quotes", IN("\"\"@c"), 0, "\"\"@c" },
	{ "all of atext", IN("!#$%&'*+-/=?^_`{|}~@c"), 0,
	    "!#$%&'*+-/=?^_`{|}~@c" },
	{ "underscore in the domain", IN("a@x_y.example"), 0, "a@x_y.example" },
	{ "address literal", IN("a@[192.0.2.1]"), 0, "a@[192.0.2.1]" },
	{ "IPv6 literal", IN("a@[IPv6:2001:DB8::1]"), 0,
	    "a@[ipv6:2001:db8::1]" },
	{ "UTF-8 is kept", IN("\xc3\x84\xc3\xa4@d\xc3\xa4.example"), 0,
	    "\xc3\x84\xc3\xa4@d\xc3\xa4.example" },
	{ "no domain", IN("Postmaster"), 0, "postmaster" },
	{ "no local part", IN("@b"), ERR_SYNTAX, NULL },
	{ "no domain behind the at", IN("a@"), ERR_SYNTAX, NULL },
	{ "only a dot", IN("a@."), ERR_SYNTAX, NULL },
	{ "two dots in the domain", IN("a@b..c"), ERR_SYNTAX, NULL },
	{ "dot before the domain", IN("a@.c"), ERR_SYNTAX, NULL },
	{ "blank in the domain", IN("a@b c"), ERR_SYNTAX, NULL },
	{ "bracket left open", IN("<a@b"), ERR_SYNTAX, NULL },
	{ "bracket never opened", IN("a@b>"), ERR_SYNTAX, NULL },
	{ "route without address", IN("@b:"), ERR_SYNTAX, NULL },
	{ "NUL", IN("a\0b@c"), ERR_SYNTAX, NULL },
	{ "line break", IN("a\nb@c"), ERR_SYNTAX, NULL },
	{ "DEL in quotes", IN("\"a\177\"@c"), ERR_SYNTAX, NULL },
	{ "Latin-1", IN("\xe4@c"), ERR_SYNTAX, NULL },
	{ "overlong UTF-8", IN("\xc0\x80@c"), ERR_SYNTAX, NULL },
	{ "UTF-16 surrogate", IN("\xed\xa0\x80@c"), ERR_SYNTAX, NULL },
	{ "half a sequence", IN("a@c\xc3"), ERR_SYNTAX, NULL },
};

static void
test_canonical(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char room[ADDRESS_MAX];
		char *in = malloc(cases[i].len > 0 ? cases[i].len : 1);
		struct slice got = { NULL, 0 };

		assert_non_null(in);
		memcpy(in, cases[i].in, cases[i].len);
		int rc = address_canonical((struct slice){ in, cases[i].len },
		    room, &got);
		if (rc != cases[i].rc || (rc < 0 && got.at != NULL) ||
		    (rc == 0 && (got.at == NULL ||
				    !slice_eq(got, slice_of(cases[i].want)))))
			fail_msg("%s: %d \"%.*s\"", cases[i].name, rc,
			    SLICE_F(got));
		free(in);
	}
}

static void
test_mailbox(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "<John.Doe@Example.COM>", "John.Doe@Example.COM" },
		{ "\"john.doe\"@b", "john.doe@b" },
		{ "A..b@c", "\"A..b\"@c" },
		{ ".a@c", "\".a\"@c" },
		{ "a.@c", "\"a.\"@c" },
		{ "\"a..b\"@c", "\"a..b\"@c" },
		{ "a b@c", "\"a b\"@c" },
		{ "a\"b\\@c", "\"a\\\"b\\\\\"@c" },
		{ "\"A\\\"b\"@c.", "\"A\\\"b\"@c" },
		{ "Postmaster", "Postmaster" },
		{ "<>", "" },
	};
	char room[ADDRESS_MAX];
	struct slice got;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		got = (struct slice){ NULL, 0 };
		assert_int_equal(address_mailbox(slice_of(rows[i].in), room,
				     &got),
		    0);
		if (!slice_eq(got, slice_of(rows[i].want)))
			fail_msg("%s: \"%.*s\"", rows[i].in, SLICE_F(got));
	}
	assert_int_equal(address_mailbox(SLICE("a@b..c"), room, &got),
	    ERR_SYNTAX);
}

static void
test_limits(void **state)
{
	static char in[ADDRESS_MAX + 10];
	char room[ADDRESS_MAX];
	struct slice got = { NULL, 0 };

	(void)state;
	memset(in, 'a', sizeof(in));
	memcpy(in + ADDRESS_MAX - 2, "@b", 2);
	assert_int_equal(address_canonical((struct slice){ in, ADDRESS_MAX },
			     room, &got),
	    0);
	assert_int_equal(got.len, ADDRESS_MAX);
	assert_int_equal(address_canonical((struct slice){ in,
					       ADDRESS_MAX + 1 },
			     room, &got),
	    ERR_LIMIT);
	/* Quotes and backslashes count, too. */
	memset(in, '\\', ADDRESS_MAX - 2);
	assert_int_equal(address_canonical((struct slice){ in, ADDRESS_MAX },
			     room, &got),
	    ERR_LIMIT);
}

static void
test_parts(void **state)
{
	static const struct {
		const char *in, *local, *domain;
	} parts[] = {
		{ "a@b", "a", "b" },
		{ "\"a@x\"@b", "\"a@x\"", "b" },
		{ "\"a@x\"", "\"a@x\"", "" },
		{ "postmaster", "postmaster", "" },
		{ "", "", "" },
		{ "a@", "a", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct slice in = slice_of(parts[i].in);

		assert_true(
		    slice_eq(address_local(in), slice_of(parts[i].local)));
		assert_true(
		    slice_eq(address_domain(in), slice_of(parts[i].domain)));
	}
}

static void
test_domains(void **state)
{
	char label[80];

	(void)state;
	assert_true(address_domain_ok(SLICE("a-b_c.example")));
	assert_false(address_domain_ok(SLICE("")));
	assert_false(address_domain_ok(SLICE("a.")));
	assert_false(address_domain_ok(SLICE("d\xc3\xa4.example")));
	memset(label, 'a', sizeof(label));
	assert_true(address_domain_ok((struct slice){ label, 63 }));
	assert_false(address_domain_ok((struct slice){ label, 64 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_mailbox),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
