/* SPDX-License-Identifier: BSD-2-Clause */
/* Regular expressions: meaning of the flags, groups, and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/err.h"
#include "util/regex.h"

static void
test_match(void **state)
{
	static const struct {
		const char *name, *pattern, *value;
		unsigned flags;
		int want;
	} cases[] = {
		{ "part of the value", "b+", "abbc", 0, 1 },
		{ "full: part is not enough", "b+", "abbc", REGEX_FULL, 0 },
		{ "full: shorter alternative first", "a|ab", "ab", REGEX_FULL,
		    1 },
		{ "full: empty matches empty", "", "", REGEX_FULL, 1 },
		{ "full: a line end is no end", "a", "a\n", REGEX_FULL, 0 },
		{ "case counts", "MAIL", "mail", 0, 0 },
		{ "case does not count", "MAIL", "mail", REGEX_NOCASE, 1 },
		{ "dot is an octet", "^.$", "\xc3\xa9", 0, 0 },
		{ "dot is a character", "^.$", "\xc3\xa9", REGEX_UTF, 1 },
		{ "bad UTF-8 never matches", "^.*$", "a\xff", REGEX_UTF, 0 },
		{ "good part of bad UTF-8", "abc", "\xff abc", REGEX_UTF, 1 },
		{ "8 bit without UTF", "\\xff", "\xff", 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct regex *re = NULL;
		int got;

		assert_int_equal(regex_compile(slice_of(cases[i].pattern),
				     cases[i].flags, &re, NULL, 0),
		    0);
		got = regex_match(re, slice_of(cases[i].value), NULL);
		regex_free(re);
		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].name, got);
	}
}

static void
test_groups(void **state)
{
	struct slice groups[REGEX_GROUPS_MAX];
	struct slice value = SLICE("x 550 5.1.1 no such user");
	struct regex *re = NULL;

	(void)state;
	assert_int_equal(regex_compile(SLICE("([45]\\d\\d)(?:-(x))? (\\S+)"), 0,
			     &re, NULL, 0),
	    0);
	assert_int_equal(regex_match(re, value, groups), 1);
	assert_true(slice_eq(groups[0], SLICE("550 5.1.1")));
	assert_true(slice_eq(groups[1], SLICE("550")));
	assert_null(groups[2].at);
	assert_true(slice_eq(groups[3], SLICE("5.1.1")));
	assert_null(groups[4].at);
	assert_ptr_equal(groups[1].at, value.at + 2);
	regex_free(re);

	/* More groups than fit: the first ones are there. */
	assert_int_equal(regex_compile(SLICE("(.)(.)(.)(.)(.)(.)(.)(.)(.)"), 0,
			     &re, NULL, 0),
	    0);
	assert_int_equal(regex_match(re, SLICE("123456789"), groups), 1);
	assert_true(slice_eq(groups[7], SLICE("7")));
	regex_free(re);
}

static void
test_bad_patterns(void **state)
{
	static const struct {
		const char *pattern;
		int want;
	} cases[] = {
		{ "(", ERR_SYNTAX },
		{ "a**b++c**", ERR_SYNTAX },
		{ "[z-a]", ERR_SYNTAX },
		{ "(*UTF)a", ERR_SYNTAX },
		{ "a\\Cb", ERR_SYNTAX },
		{ "((((a{1000}){1000}){1000}){1000})", ERR_LIMIT },
	};
	static char longest[8193 + 1];
	char error[200];
	struct regex *re = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		error[0] = '\0';
		int rc = regex_compile(slice_of(cases[i].pattern), 0, &re,
		    error, sizeof(error));

		if (rc != cases[i].want || error[0] == '\0' || re != NULL)
			fail_msg("%s: %d %s", cases[i].pattern, rc, error);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	assert_int_equal(regex_compile(slice_of(longest), 0, &re, error,
			     sizeof(error)),
	    ERR_LIMIT);
	assert_int_equal(regex_compile((struct slice){ "\xff", 1 }, REGEX_UTF,
			     &re, NULL, 0),
	    ERR_SYNTAX);
}

/* Patterns that take exponential time give up instead. */
static void
test_catastrophic(void **state)
{
	static const char *const patterns[] = {
		"(a+)+$",
		"(a|aa)+$",
		"(.*){1,300}[bc]",
		"^(([a-z])+.)+[A-Z]([a-z])+$",
		"(*NO_JIT)(a+)+$",
	};
	char value[65];

	(void)state;
	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '!';
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct regex *re = NULL;

		assert_int_equal(regex_compile(slice_of(patterns[i]), 0, &re,
				     NULL, 0),
		    0);
		int rc = regex_match(re, (struct slice){ value, sizeof(value) },
		    NULL);
		regex_free(re);
		if (rc != ERR_LIMIT)
			fail_msg("%s: %d", patterns[i], rc);
	}
}

/* JIT's small stack is not the end of a long, harmless value. */
static void
test_long_value(void **state)
{
	size_t len = 8000;
	char *value = malloc(len);
	struct regex *re = NULL;

	(void)state;
	assert_non_null(value);
	memset(value, 'a', len);
	assert_int_equal(regex_compile(SLICE("(?:a|b(c))*"), REGEX_FULL, &re,
			     NULL, 0),
	    0);
	assert_int_equal(regex_match(re, (struct slice){ value, len }, NULL),
	    1);
	regex_free(re);
	free(value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_bad_patterns),
		cmocka_unit_test(test_catastrophic),
		cmocka_unit_test(test_long_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
