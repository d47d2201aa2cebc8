/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of socketmap clients, whole and in every split, and replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/socketmap.h"
#include "util/err.h"

#define IN(text) SLICE(text)
static const struct {
	const char *what;
	struct slice in;
	ssize_t rc;
	const char *name, *key;
} cases[] = {
	{ "a look-up", IN("26:transport anna@example.net,"), 30, "transport",
	    "anna@example.net" },
	{ "Postfix's first one", IN("11:transport *,"), 15, "transport", "*" },
	{ "blanks in the key", IN("22:pace-g 2.0.0 250 Ok  x,"), 26, "pace-g",
	    "2.0.0 250 Ok  x" },
	{ "two at once", IN("3:a b,3:c d,"), 6, "a", "b" },
	{ "an empty key", IN("2:a ,"), 5, "a", "" },
	{ "a comma in the key", IN("5:a ,,,,"), 8, "a", ",,," },
	{ "octets from outside", IN("5:a \xff\n\r,"), 8, "a", "\xff\n\r" },
	{ "nothing", IN(""), 0, NULL, NULL },
	{ "half a length", IN("26"), 0, NULL, NULL },
	{ "no text yet", IN("26:"), 0, NULL, NULL },
	{ "half a text", IN("26:transport an"), 0, NULL, NULL },
	{ "no comma yet", IN("3:a b"), 0, NULL, NULL },
	{ "no comma", IN("3:a b;"), ERR_SYNTAX, NULL, NULL },
	{ "no length", IN(":a b,"), ERR_SYNTAX, NULL, NULL },
	{ "no digits", IN("x:a b,"), ERR_SYNTAX, NULL, NULL },
	{ "a sign", IN("+3:a b,"), ERR_SYNTAX, NULL, NULL },
	{ "a blank", IN(" 3:a b,"), ERR_SYNTAX, NULL, NULL },
	{ "a leading zero", IN("03:a b,"), ERR_SYNTAX, NULL, NULL },
	{ "empty", IN("0:,"), ERR_SYNTAX, NULL, NULL },
	{ "no blank", IN("3:abc,"), ERR_SYNTAX, NULL, NULL },
	{ "no name", IN("3: bc,"), ERR_SYNTAX, NULL, NULL },
	{ "NUL in the key", IN("4:a b\0,"), ERR_SYNTAX, NULL, NULL },
	{ "too long", IN("10001:a"), ERR_LIMIT, NULL, NULL },
	{ "far too long", IN("99999999999999999999999"), ERR_LIMIT, NULL,
	    NULL },
	{ "the policy protocol", IN("request=smtpd_access_policy\n"),
	    ERR_SYNTAX, NULL, NULL },
};

/* From a block of exactly that length. */
static ssize_t
parse(struct slice in, struct socketmap_request *ret_request, char **ret_block)
{
	char *exact = malloc(in.len + !in.len);

	assert_non_null(exact);
	if (in.len > 0)
		memcpy(exact, in.at, in.len);
	*ret_block = exact;
	return socketmap_request_parse(exact, in.len, ret_request);
}

static void
requests_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct socketmap_request r = { { NULL, 0 }, { NULL, 0 } };
		char *block;
		ssize_t rc = parse(cases[i].in, &r, &block);

		if (rc != cases[i].rc)
			fail_msg("%s: %zd", cases[i].what, rc);
		if (!slice_eq(r.name, slice_of(cases[i].name)) ||
		    !slice_eq(r.key, slice_of(cases[i].key)))
			fail_msg("%s: \"%.*s\" \"%.*s\"", cases[i].what,
			    SLICE_F(r.name), SLICE_F(r.key));
		free(block);
	}
}

/* A part of it is "more", or the error of the whole. */
static void
splits_make_no_difference(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct slice in = cases[i].in;

		for (in.len = 0; in.len < cases[i].in.len; in.len++) {
			struct socketmap_request r;
			char *block;
			ssize_t rc = parse(in, &r, &block);

			free(block);
			if (rc != 0 && rc != cases[i].rc)
				fail_msg("%s: %zd of %zu octets", cases[i].what,
				    rc, in.len);
			if (cases[i].rc > 0 && rc == 0 &&
			    in.len >= (size_t)cases[i].rc)
				fail_msg("%s: wants more than %zu",
				    cases[i].what, in.len);
		}
	}
}

static void
the_longest_is_taken(void **state)
{
	static char in[MAP_REQUEST_OCTETS_MAX];
	struct socketmap_request r;

	(void)state;
	memset(in, 'x', sizeof(in));
	memcpy(in, "10000:a ", 8);
	in[sizeof(in) - 1] = ',';
	assert_int_equal(socketmap_request_parse(in, sizeof(in), &r),
	    sizeof(in));
	assert_int_equal(r.key.len, MAP_REQUEST_MAX - 2);
}

static void
replies_are_netstrings(void **state)
{
	static const struct {
		enum map_code code;
		struct slice value;
		const char *out;
	} rows[] = {
		{ MAP_OK, IN("pn-google:"), "13:OK pn-google:," },
		{ MAP_NOTFOUND, { NULL, 0 }, "9:NOTFOUND ," },
		{ MAP_TEMP, IN("try again"), "14:TEMP try again," },
		{ MAP_PERM, IN("no such table"), "18:PERM no such table," },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		buf_clear(&out);
		assert_int_equal(socketmap_reply_format(rows[i].code,
				     rows[i].value, &out),
		    0);
		assert_string_equal(buf_text(&out), rows[i].out);
	}
	buf_done(&out);
}

static void
what_can_not_be_said_adds_nothing(void **state)
{
	static char large[MAP_REPLY_MAX];
	struct buf out;

	(void)state;
	memset(large, 'x', sizeof(large));
	buf_init(&out, MAP_REPLY_MAX + 20);
	assert_int_equal(socketmap_reply_format(MAP_OK, IN("a\nb"), &out),
	    ERR_SYNTAX);
	assert_int_equal(socketmap_reply_format(MAP_OK,
			     (struct slice){ large, sizeof(large) }, &out),
	    ERR_LIMIT);
	assert_int_equal(out.len, 0);
	assert_int_equal(socketmap_reply_format(MAP_OK,
			     (struct slice){ large, sizeof(large) - 3 }, &out),
	    0);
	buf_done(&out);
	buf_init(&out, 5);
	assert_int_equal(socketmap_reply_format(MAP_OK, IN("abc"), &out),
	    ERR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_parsed),
		cmocka_unit_test(splits_make_no_difference),
		cmocka_unit_test(the_longest_is_taken),
		cmocka_unit_test(replies_are_netstrings),
		cmocka_unit_test(what_can_not_be_said_adds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
