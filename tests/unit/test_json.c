/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON: what is read, what is refused and where, and that it prints back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/json.h"
#include "util/err.h"
#include "util/utf8.h"

#define IN(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}
#define TEN(x) x x x x x x x x x x

/* Parses from a heap block of the exact length. */
static int
parse(struct slice in, size_t max, struct json **ret_root, char error[200])
{
	char *copy = malloc(in.len + (in.len == 0));
	int rc;

	assert_non_null(copy);
	memcpy(copy, in.at, in.len);
	error[0] = '\0';
	rc = json_parse((struct slice){ copy, in.len }, max, ret_root, error,
	    200);
	free(copy);
	return rc;
}

static const struct {
	const char *name;
	struct slice in;
	const char *compact; /* NULL: the same as in */
} good[] = {
	{ "an empty object", IN("{}"), NULL },
	{ "an empty array with blanks", IN(" [ \t\r\n] "), "[]" },
	{ "members keep their order", IN("{\"b\":1,\"a\":2}"), NULL },
	{ "a bare string is a document", IN("\"x\""), NULL },
	{ "null is a value, not an absence", IN("[null,{\"a\":null}]"), NULL },
	{ "true and false", IN("[true,false]"), NULL },
	{ "the smallest integer", IN("-9223372036854775808"), NULL },
	{ "the largest integer", IN("9223372036854775807"), NULL },
	{ "one beyond is a number", IN("9223372036854775808"),
	    "9.223372036854776e+18" },
	{ "1.0 is an integer", IN("1.0"), "1" },
	{ "1e3 is an integer", IN("1e3"), "1000" },
	{ "-0.0 is 0", IN("-0.0"), "0" },
	{ "a fraction", IN("0.1"), NULL },
	{ "escapes", IN("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\""),
	    "\"\\\"\\\\/\\b\\f\\n\\r\\tA\"" },
	{ "a surrogate pair is one character", IN("\"\\uD83D\\uDE00\""),
	    "\"\xf0\x9f\x98\x80\"" },
	{ "NUL by escape stays", IN("\"a\\u0000b\""), NULL },
	{ "DEL is printed escaped", IN("\"\x7f\""), "\"\\u007f\"" },
	{ "32 levels",
	    IN("[[" TEN("[") TEN("[") TEN("[") "]]" TEN("]") TEN("]") TEN("]")),
	    NULL },
};

static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct json *v = NULL, *again = NULL, *copy;
		char error[200];
		struct buf out;

		print_message("# %s\n", good[i].name);
		buf_init(&out, 10000);
		assert_int_equal(parse(good[i].in, 1000, &v, error), 0);
		assert_int_equal(json_print(v, JSON_COMPACT, &out), 0);
		if (good[i].compact != NULL)
			assert_string_equal(buf_text(&out), good[i].compact);
		else
			assert_true(slice_eq(buf_slice(&out), good[i].in));
		buf_clear(&out);
		assert_int_equal(json_print(v, JSON_PRETTY, &out), 0);
		assert_int_equal(parse(buf_slice(&out), 10000, &again, error),
		    0);
		assert_true(json_equal(v, again));
		copy = json_copy(v);
		assert_true(json_equal(v, copy));
		json_free(copy);
		json_free(again);
		json_free(v);
		buf_done(&out);
	}
}

static const struct {
	const char *name;
	struct slice in;
	int rc;
	const char *error;
} bad[] = {
	{ "nothing", IN(""), ERR_SYNTAX,
	    "line 1, column 1: the text ends early" },
	{ "blanks only", IN(" \n "), ERR_SYNTAX,
	    "line 2, column 2: the text ends early" },
	{ "a second document", IN("{} {}"), ERR_SYNTAX,
	    "line 1, column 4: something stands behind the end" },
	{ "a name twice", IN("{\"a\":1,\n \"a\":2}"), ERR_SYNTAX,
	    "line 2, column 2: this name was there already" },
	{ "a comma at the end", IN("[1,]"), ERR_SYNTAX,
	    "line 1, column 4: expected a value" },
	{ "a comma forgotten", IN("[\"\xc3\xa4\" 2]"), ERR_SYNTAX,
	    "line 1, column 6: expected \",\" or \"]\"" },
	{ "no colon", IN("{\"a\" 1}"), ERR_SYNTAX,
	    "line 1, column 6: expected \":\"" },
	{ "a name without quotes", IN("{a:1}"), ERR_SYNTAX,
	    "line 1, column 2: expected a string in \"...\"" },
	{ "single quotes", IN("'a'"), ERR_SYNTAX,
	    "line 1, column 1: expected a value" },
	{ "a comment", IN("/* */1"), ERR_SYNTAX,
	    "line 1, column 1: expected a value" },
	{ "NaN", IN("NaN"), ERR_SYNTAX, "line 1, column 1: expected a value" },
	{ "upper case", IN("True"), ERR_SYNTAX,
	    "line 1, column 1: expected a value" },
	{ "a leading zero", IN("01"), ERR_SYNTAX,
	    "line 1, column 2: not a number" },
	{ "a dot without digits", IN("1."), ERR_SYNTAX,
	    "line 1, column 3: not a number" },
	{ "too large a number", IN("1e999"), ERR_LIMIT,
	    "line 1, column 6: a number is too large" },
	{ "a raw NUL in a string", IN("\"a\0b\""), ERR_SYNTAX,
	    "line 1, column 3: a control character in a string" },
	{ "a raw NUL behind the end", IN("1\0"), ERR_SYNTAX,
	    "line 1, column 2: something stands behind the end" },
	{ "NUL in a name", IN("{\"a\\u0000\":1}"), ERR_SYNTAX,
	    "line 1, column 11: a NUL in a name" },
	{ "a raw line end in a string", IN("\"\n\""), ERR_SYNTAX,
	    "line 1, column 2: a control character in a string" },
	{ "half a surrogate pair", IN("\"\\ud83d\""), ERR_SYNTAX,
	    "line 1, column 8: half a surrogate pair" },
	{ "a low surrogate first", IN("\"\\ude00\""), ERR_SYNTAX,
	    "line 1, column 8: half a surrogate pair" },
	{ "overlong UTF-8", IN("\"\xc0\xaf\""), ERR_SYNTAX,
	    "line 1, column 2: not UTF-8" },
	{ "a raw surrogate", IN("\"\xed\xa0\x80\""), ERR_SYNTAX,
	    "line 1, column 2: not UTF-8" },
	{ "UTF-8 cut short", IN("\"\xe2\x82"), ERR_SYNTAX,
	    "line 1, column 2: not UTF-8" },
	{ "a string without end", IN("\"abc"), ERR_SYNTAX,
	    "line 1, column 5: a string has no end" },
	{ "an unknown escape", IN("\"\\x\""), ERR_SYNTAX,
	    "line 1, column 3: unknown escape in a string" },
	{ "33 levels", IN("[[[" TEN("[") TEN("[") TEN("[") "1"), ERR_LIMIT,
	    "line 1, column 34: nested too deeply" },
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct json *v = NULL;
		char error[200];

		print_message("# %s\n", bad[i].name);
		assert_int_equal(parse(bad[i].in, 1000, &v, error), bad[i].rc);
		assert_string_equal(error, bad[i].error);
		assert_null(v);
	}
}

static void
test_limits(void **state)
{
	struct json *v = NULL;
	char error[200];
	struct buf out;

	(void)state;
	assert_int_equal(parse(SLICE("[1,2]"), 4, &v, error), ERR_LIMIT);
	assert_string_equal(error, "larger than 4 octets");
	buf_init(&out, 100000);
	(void)buf_add_char(&out, '{');
	for (int i = 0; i <= JSON_MEMBERS_MAX; i++)
		(void)buf_addf(&out, "%s\"%d\":0", i > 0 ? "," : "", i);
	(void)buf_add_char(&out, '}');
	assert_int_equal(parse(buf_slice(&out), 100000, &v, error), ERR_LIMIT);
	buf_done(&out);
	buf_init(&out, 3);
	v = json_new_string(SLICE("abc"));
	assert_int_equal(json_print(v, JSON_COMPACT, &out), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	json_free(v);
	buf_done(&out);
}

static void
test_make(void **state)
{
	struct json *v = json_new_object(), *list = json_new_array();
	struct slice name;
	struct buf out;

	(void)state;
	assert_int_equal(json_set_string(v, "s", SLICE("\xff|")), 0);
	assert_int_equal(json_set_string(v, "absent",
			     (struct slice){ NULL, 0 }),
	    0);
	assert_int_equal(json_set_integer(v, "i", -5), 0);
	assert_int_equal(json_set_bool(v, "b", true), 0);
	assert_int_equal(json_set(v, "n", json_new_null()), 0);
	assert_int_equal(json_set(v, "none", NULL), ERR_NOMEM);
	assert_int_equal(json_append(list, json_new_integer(1)), 0);
	assert_int_equal(json_append(list, json_new_integer(2)), 0);
	assert_int_equal(json_remove_at(list, 0), 0);
	assert_int_equal(json_remove_at(list, 1), ERR_NOTFOUND);
	assert_int_equal(json_replace_at(list, 0, json_new_bool(false)), 0);
	assert_int_equal(json_set(v, "l", list), 0);
	assert_int_equal(json_set_integer(v, "i", 7), 0);
	assert_int_equal(json_remove(v, "b"), 0);
	assert_int_equal(json_remove(v, "b"), ERR_NOTFOUND);
	assert_int_equal(json_integer(json_member(v, 1, &name)), 7);
	assert_true(slice_eq(name, SLICE("i")));
	assert_null(json_member(v, 4, &name));
	assert_null(json_get(list, "l"));
	assert_null(json_string(list).at);
	assert_true(json_type(json_get(v, "n")) == JSON_NULL);
	buf_init(&out, 100);
	assert_int_equal(json_print(v, JSON_COMPACT, &out), 0);
	assert_string_equal(buf_text(&out),
	    "{\"s\":\"\xef\xbf\xbd|\",\"i\":7,\"n\":null,\"l\":[false]}");
	buf_done(&out);
	json_free(v);
	json_free(NULL);
}

static void
test_utf8(void **state)
{
	char room[4];
	uint32_t c = 0;

	(void)state;
	for (uint32_t i = 0; i < 0x120000; i++) {
		bool ok = i < 0x110000 && (i < 0xd800 || i > 0xdfff);

		if (i >= 0x110000)
			continue;
		struct slice s = { room, utf8_put(i, room) };

		assert_int_equal(utf8_next(s, &c), ok ? s.len : 0);
		assert_true(!ok || c == i);
	}
	assert_int_equal(utf8_count(SLICE("a\xc3\xa4\xff|")), 4);
	assert_false(utf8_ok(SLICE("\xf4\x90\x80\x80")));
	assert_false(utf8_ok(SLICE("\xe0\x80\x80")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
