/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, values and lists in main.cf's syntax. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "postfix-conf/values.h"
#include "util/err.h"

/* The text in a heap block of its exact length. */
static struct slice
exact(const char *text)
{
	size_t len = strlen(text);
	char *at = malloc(len > 0 ? len : 1);

	assert_non_null(at);
	memcpy(at, text, len);
	return (struct slice){ at, len };
}

static const struct {
	const char *name, *text, *want; /* the value of "x"; NULL: absent */
	int rc;
	size_t line;
} values[] = {
	{ "plain", "x = 1\n", "1", 0, 0 },
	{ "no blanks, no newline", "x=1", "1", 0, 0 },
	{ "the last one counts", "x = 1\ny = 2\nx = 3\n", "3", 0, 0 },
	{ "empty is not absent", "x =\n", "", 0, 0 },
	{ "absent", "y = 1\n", NULL, 0, 0 },
	{ "goes on in the next line", "x = a,\n  b\n\tc\n", "a, b c", 0, 0 },
	{ "comments and empty lines do not end it",
	    "x = a\n# one\n\n   # two\n  b\n", "a b", 0, 0 },
	{ "value begins in the next line", "x =\n a\n", "a", 0, 0 },
	{ "equal signs in the value", "x = { a=b }\n", "{ a=b }", 0, 0 },
	{ "nothing at all", "", NULL, 0, 0 },
	{ "line ends of another system", "x = 1\r\n", "1", 0, 0 },
	{ "no equal sign", "y = 1\nx 1\n", NULL, ERR_SYNTAX, 2 },
	{ "no name", "= 1\n", NULL, ERR_SYNTAX, 1 },
	{ "goes on from nothing", "  a\n", NULL, ERR_SYNTAX, 1 },
};

static void
values_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct arena *arena = arena_new(1 << 20);
		struct slice text = exact(values[i].text), got;
		struct postfix_values v = { .count = 0 };
		size_t line = 0;
		int rc = postfix_values_parse(arena, text, &v, &line);

		print_message("# %s\n", values[i].name);
		assert_int_equal(rc, values[i].rc);
		assert_int_equal(line, values[i].line);
		got = postfix_values_get(&v, SLICE("x"));
		assert_true((got.at == NULL) == (values[i].want == NULL));
		if (values[i].want != NULL)
			assert_true(slice_eq(got, slice_of(values[i].want)));
		free((char *)(uintptr_t)text.at);
		arena_free(arena);
	}
}

static const struct {
	const char *name, *list, *item, *first, *last, *removed;
} lists[] = {
	{ "empty", "", "$x", "$x", "$x", "" },
	{ "one", "a", "$x", "$x, a", "a, $x", "a" },
	{ "in front", "$x, a b", "$x", NULL, NULL, "a b" },
	{ "in the middle", "a, $x, b", "$x", NULL, NULL, "a, b" },
	{ "at the end", "a b, $x", "$x", NULL, NULL, "a b" },
	{ "alone", "$x", "$x", NULL, NULL, "" },
	{ "twice", "$x, a, $x", "$x", NULL, NULL, "a" },
	{ "a longer name is another", "$xy a", "$x", "$x, $xy a", "$xy a, $x",
	    "$xy a" },
	{ "inside braces it is another", "{ $x, b }", "$x", "$x, { $x, b }",
	    "{ $x, b }, $x", "{ $x, b }" },
	{ "braces that do not end", "{ $x", "$x", "$x, { $x", "{ $x, $x",
	    "{ $x" },
};

static void
lists_change_at_one_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct arena *arena = arena_new(1 << 20);
		struct slice list = exact(lists[i].list);
		struct slice item = slice_of(lists[i].item), got;

		print_message("# %s\n", lists[i].name);
		assert_int_equal(postfix_list_has(list, item),
		    lists[i].first == NULL);
		got = postfix_list_remove(arena, list, item);
		assert_true(slice_eq(got, slice_of(lists[i].removed)));
		if (lists[i].first != NULL) {
			got = postfix_list_add(arena, list, item,
			    POSTFIX_LIST_FIRST);
			assert_true(slice_eq(got, slice_of(lists[i].first)));
			got = postfix_list_add(arena, list, item,
			    POSTFIX_LIST_LAST);
			assert_true(slice_eq(got, slice_of(lists[i].last)));
		}
		free((char *)(uintptr_t)list.at);
		arena_free(arena);
	}
}

static void
entries_are_read(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct slice text =
	    exact("smtp       inet  n       -       y       -       -   smtpd\n"
		  "127.0.0.1:10589 inet n - n - 100 smtpd -o a=b   -o { c = d }"
		  "\n\n");
	struct slice bad = exact("smtp\n");
	struct postfix_values v = { .count = 0 };
	size_t line = 0;

	(void)state;
	assert_int_equal(postfix_entries_parse(arena, text, &v, &line), 0);
	assert_int_equal(v.count, 2);
	assert_true(slice_eq(postfix_values_get(&v, SLICE("smtp/inet")),
	    SLICE("smtp inet n - y - - smtpd")));
	assert_true(
	    slice_eq(postfix_values_get(&v, SLICE("127.0.0.1:10589/inet")),
		SLICE("127.0.0.1:10589 inet n - n - 100 smtpd"
		      " -o a=b -o { c = d }")));
	assert_int_equal(postfix_entries_parse(arena, bad, &v, &line),
	    ERR_SYNTAX);
	assert_int_equal(line, 1);
	free((char *)(uintptr_t)text.at);
	free((char *)(uintptr_t)bad.at);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(entries_are_read),
		cmocka_unit_test(lists_change_at_one_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
