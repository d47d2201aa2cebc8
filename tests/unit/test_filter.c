/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters: expressions as in Java, values as a person reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/filter.h"
#include "util/arena.h"
#include "util/err.h"

/* A copy in a block of its own length, so that a step too far is seen. */
static struct slice
exact(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;
	char *at = text != NULL ? malloc(len + !len) : NULL;

	if (len > 0 && at != NULL)
		memcpy(at, text, len);
	return (struct slice){ at, len };
}

static const struct {
	const char *name, *header, *pattern, *error;
} compiles[] = {
	{ "plain", "Subject", "abc", NULL },
	{ "an extension field", "X-Priority", "[1-5]", NULL },
	{ "the empty expression", "Subject", "", NULL },
	{ "a colon in the name", "Subject:", "x",
	    "is no name of a header field" },
	{ "a blank in the name", "Sub ject", "x",
	    "is no name of a header field" },
	{ "no name", "", "x", "is no name of a header field" },
	{ "trace fields", "received", "x",
	    "is a field that occurs several times" },
	{ "open group", "Subject", "a(b", "missing closing parenthesis" },
	{ "open set", "Subject", "a[b",
	    "missing terminating ] for character class" },
	{ "nothing to repeat", "Subject", "*",
	    "quantifier does not follow a repeatable item" },
	{ "what Java calls a union", "Subject", "[a[bc]]",
	    "a set inside of a set (for the character itself, write \\[) at "
	    "offset 2" },
	{ "what Java calls an intersection", "Subject", "x[a-z&&[^b]]",
	    "an intersection of sets (for the characters themselves, write "
	    "&\\&) at offset 5" },
	{ "the same characters, escaped", "Subject", "[\\[a&\\&]+", NULL },
	{ "a bracket first in a set", "Subject", "[]a]+[^]b]", NULL },
	{ "named sets", "Subject", "[[:alpha:]_]+", NULL },
	{ "brackets that are text", "Subject", "\\Q[a[b&&]\\E[c]", NULL },
	{ "and no end of it", "Subject", "\\Q[a[b", NULL },
	{ "brackets in a comment", "Subject", "a(?#[b[c)d", NULL },
	{ "outside of sets they are plain", "Subject", "a&&b]", NULL },
	{ "possessive, lazy, named", "Subject",
	    "(?<x>a++)b*?\\k<x>(?i:c)(?=d).", NULL },
	{ "Java's Unicode escape", "Subject", "\\u3042",
	    "PCRE2 does not support" },
	{ "a single octet", "Subject", "\\C", "\\C is disabled" },
};

static void
test_compile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(compiles) / sizeof(*compiles); i++) {
		struct slice header = exact(compiles[i].header),
			     pattern = exact(compiles[i].pattern);
		char error[200] = "";
		struct filter *f = NULL;
		int rc =
		    filter_compile(header, pattern, &f, error, sizeof(error));

		print_message("# %s\n", compiles[i].name);
		if (compiles[i].error == NULL) {
			assert_string_equal(error, "");
			assert_int_equal(rc, 0);
			assert_true(slice_eq(filter_header(f), header));
		} else {
			assert_int_equal(rc, ERR_SYNTAX);
			/* What PCRE2 says differs a little by version. */
			if (strstr(error, compiles[i].error) == NULL)
				fail_msg("%s", error);
			/* With the place, if it is the expression. */
			assert_int_equal(strstr(error, " at offset ") == NULL,
			    strncmp(error, "is ", 3) == 0);
			assert_null(f);
			assert_int_equal(filter_compile(header, pattern, &f,
					     NULL, 0),
			    ERR_SYNTAX);
		}
		filter_free(f);
		free((char *)(uintptr_t)header.at);
		free((char *)(uintptr_t)pattern.at);
	}
	assert_null(filter_header_wrong(SLICE("To")));
	assert_non_null(filter_header_wrong(SLICE("T o")));
}

static void
test_long(void **state)
{
	struct filter *f = NULL;
	char pattern[9000], error[200];

	(void)state;
	memset(pattern, 'a', sizeof(pattern));
	assert_int_equal(filter_compile(SLICE("Subject"),
			     (struct slice){ pattern, sizeof(pattern) }, &f,
			     error, sizeof(error)),
	    ERR_LIMIT);
	assert_null(f);
}

static const struct {
	const char *name, *value;
} texts[] = {
	{ "From", " \"Name\" <user-name@example.com>" },
	{ "Subject", " =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\r\n"
		     " =?ISO-8859-1?Q?_caf=E9?=" },
	{ "X-Twice", " a" },
	{ "x-twice", " a" },
	{ "X-Empty", "" },
	{ "X-Folded", " one\r\n\ttwo\r\n three" },
	{ "X-Raw", " caf\303\251 \344" },
	{ "X-Priority", " 1 (Highest)" },
	{ "To", " header@example.org" },
	{ "X-Line", " a\342\200\250b" },
	{ "X-A", " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" },
};
#define FIELDS (sizeof(texts) / sizeof(*texts))

struct message {
	struct arena *arena;
	struct header_field fields[FIELDS];
	struct filter_values *values;
};

static int
setup(void **state)
{
	static struct message m;

	m.arena = arena_new(1 << 20);
	for (size_t i = 0; i < FIELDS; i++)
		m.fields[i] = (struct header_field){ slice_of(texts[i].name),
			exact(texts[i].value) };
	m.values = filter_values_new(m.arena, m.fields, FIELDS);
	*state = &m;
	return m.values != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct message *m = *state;

	for (size_t i = 0; i < FIELDS; i++)
		free((char *)(uintptr_t)m->fields[i].value.at);
	arena_free(m->arena);
	return 0;
}

static const struct {
	const char *name, *header, *pattern, *recipient;
	int want;
} matches[] = {
	{ "the whole value", "X-Folded", "one two three", NULL, 1 },
	{ "not a part of it", "X-Folded", "one two", NULL, 0 },
	{ "nor from the middle", "X-Folded", "two three", NULL, 0 },
	{ "alternatives are tried until all of it matches", "X-Folded",
	    "one|one two|one two three", NULL, 1 },
	{ "lazy repetition, too", "X-Folded", "one.*?", NULL, 1 },
	{ "the field's name without case", "x-FOLDED", "one.*", NULL, 1 },
	{ "the value with case", "X-Folded", "ONE.*", NULL, 0 },
	{ "unless it is told", "X-Folded", "(?i)ONE.*", NULL, 1 },
	{ "an address inside", "From", ".*user-name@example\\.com.*", NULL, 1 },
	{ "which must be asked for", "From", "user-name@example\\.com", NULL,
	    0 },
	{ "decoded, two character sets", "Subject",
	    "\346\227\245\346\234\254 caf\303\251", NULL, 1 },
	{ "a character is one character", "Subject", ".{7}", NULL, 1 },
	{ "scripts", "Subject", "\\p{Han}{2}.*", NULL, 1 },
	{ "\\w is ASCII, as in Java", "Subject", "\\w.*", NULL, 0 },
	{ "raw UTF-8 and what is none", "X-Raw", "caf\303\251 \357\277\275",
	    NULL, 1 },
	{ "twice: can not be used", "X-Twice", ".*", NULL, 0 },
	{ "empty is a value", "X-Empty", "", NULL, 1 },
	{ "of any kind", "X-Empty", ".*", NULL, 1 },
	{ "absent is none", "X-Absent", ".*", NULL, 0 },
	{ "$ is the end, as everywhere", "X-Priority", "^1.*$", NULL, 1 },
	{ "any separator is a character", "X-Line", "a.b", NULL, 1 },
	{ "To is the envelope's", "To", "b@example\\.com", "b@example.com", 1 },
	{ "not the header's", "TO", "header@example\\.org", "b@example.com",
	    0 },
	{ "without case", "to", ".+@EXAMPLE\\.com", "b@example.com", 1 },
	{ "as a whole", "To", "example\\.com", "b@example.com", 0 },
	{ "and not known", "To", ".*", NULL, 0 },
	{ "what runs away gives up", "X-A", "(a+)+b|(a|aa)+c", NULL,
	    ERR_LIMIT },
};

static void
test_match(void **state)
{
	struct message *m = *state;

	/* Twice: what was decoded is kept. */
	for (size_t i = 0; i < 2 * sizeof(matches) / sizeof(*matches); i++) {
		size_t n = i % (sizeof(matches) / sizeof(*matches));
		struct filter *f = NULL;

		print_message("# %s\n", matches[n].name);
		assert_int_equal(filter_compile(slice_of(matches[n].header),
				     slice_of(matches[n].pattern), &f, NULL, 0),
		    0);
		assert_int_equal(filter_match(f, m->values,
				     slice_of(matches[n].recipient)),
		    matches[n].want);
		assert_int_equal(filter_is_recipient(f),
		    slice_eq_nocase(slice_of(matches[n].header), SLICE("to")));
		filter_free(f);
	}
}

static void
test_value(void **state)
{
	struct message *m = *state;
	struct slice value, again;
	struct filter *f = NULL;

	assert_int_equal(filter_compile(SLICE("subject"), SLICE("x"), &f, NULL,
			     0),
	    0);
	assert_int_equal(filter_value(f, m->values, SLICE("a@b"), &value), 0);
	assert_true(
	    slice_eq(value, SLICE("\346\227\245\346\234\254 caf\303\251")));
	assert_int_equal(filter_value(f, m->values, SLICE("a@b"), &again), 0);
	assert_ptr_equal(value.at, again.at);
	filter_free(f);
	assert_int_equal(filter_compile(SLICE("To"), SLICE("x"), &f, NULL, 0),
	    0);
	assert_int_equal(filter_value(f, m->values, SLICE("a@b"), &value), 0);
	assert_true(slice_eq(value, SLICE("a@b")));
	filter_free(f);
	assert_int_equal(filter_compile(SLICE("X-Twice"), SLICE("x"), &f, NULL,
			     0),
	    0);
	assert_int_equal(filter_value(f, m->values, SLICE("a@b"), &value), 0);
	assert_null(value.at);
	filter_free(f);
}

/* A value that is too long is looked at as far as it goes. */
static void
test_long_value(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	static char octets[2 * FILTER_VALUE_MAX];
	struct header_field field = { SLICE("X-Long"),
		{ octets, sizeof(octets) } };
	struct filter_values *values = filter_values_new(arena, &field, 1);
	struct filter *f = NULL;
	struct slice value;

	(void)state;
	memset(octets, 'a', sizeof(octets));
	assert_int_equal(filter_compile(SLICE("X-Long"), SLICE("a+"), &f, NULL,
			     0),
	    0);
	assert_int_equal(filter_value(f, values, SLICE(""), &value), 0);
	assert_int_equal(value.len, FILTER_VALUE_MAX);
	assert_int_equal(filter_match(f, values, SLICE("")), 1);
	filter_free(f);
	arena_free(arena);
}

static void
test_no_memory(void **state)
{
	struct arena *arena = arena_new(64);
	struct message *m = *state;
	struct filter_values *values =
	    filter_values_new(arena, m->fields, FIELDS);
	struct filter *f = NULL;

	if (values != NULL) {
		assert_int_equal(filter_compile(SLICE("Subject"), SLICE("x"),
				     &f, NULL, 0),
		    0);
		assert_int_equal(filter_match(f, values, SLICE("")), ERR_NOMEM);
		filter_free(f);
	}
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compile),
		cmocka_unit_test(test_long),
		cmocka_unit_test_setup_teardown(test_match, setup, teardown),
		cmocka_unit_test_setup_teardown(test_value, setup, teardown),
		cmocka_unit_test(test_long_value),
		cmocka_unit_test_setup_teardown(test_no_memory, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
