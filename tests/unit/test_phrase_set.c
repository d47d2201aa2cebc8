/* SPDX-License-Identifier: BSD-2-Clause */
/* Many phrases at once find what each of them finds alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/phrase_set.h"
#include "util/err.h"

/*
 * The definition itself: does any choice of places, in order and with gaps of
 * up to PHRASE_GAP, have all the fragments?  padded: with its blanks.
 */
static bool
naive_from(struct slice rest, struct slice padded, size_t lo, size_t hi)
{
	struct slice fragment;

	if (!slice_split(&rest, '*', &fragment))
		return true;
	for (size_t at = lo; at <= hi && at + fragment.len <= padded.len; at++)
		if (memcmp(padded.at + at, fragment.at, fragment.len) == 0 &&
		    naive_from(rest, padded, at + fragment.len,
			at + fragment.len + PHRASE_GAP))
			return true;
	return false;
}

static bool
naive(struct slice alternatives, struct slice text)
{
	char room[2000];
	struct slice phrase, padded = { room,
		(size_t)snprintf(room, sizeof(room), " %.*s ", SLICE_F(text)) };

	while (slice_split(&alternatives, '|', &phrase)) {
		phrase = slice_trim(phrase);
		if (phrase.at[0] == '"')
			phrase =
			    (struct slice){ phrase.at + 1, phrase.len - 2 };
		if (naive_from(phrase, padded, 0, padded.len))
			return true;
	}
	return false;
}

static const char filler[] =
    "0123456789012345678901234567890123456789012345678901234567890123456789";

static void
test_cases(void **state)
{
	static const struct {
		const char *phrase, *before;
		int gap; /* octets of filler, then after */
		const char *after;
		bool want;
	} t[] = {
		{ "x|b*d", "abcde", 0, "", true },
		{ "a*c", "a a bc", 0, "", true },
		{ "d*b", "abcde", 0, "", false },
		{ "abc", "ab", 0, "c", true },
		{ "a*z", "a", PHRASE_GAP, "z", true },
		{ "a*z", "a", PHRASE_GAP + 1, "z", false },
		{ "a*a", "a", 0, "", false },
		{ "aa*aa", "aaa", 0, "", false },
		{ "aa*aa", "aaaa", 0, "", true },
		/* the first b is too far from the c, the second is not */
		{ "a*b*c", "a b ", 40, " b c", true },
		{ "a*b*c", "a ", 40, " b c", true },
		{ "\" rbl\"", "rbl", 0, "", true },
		{ "\" rbl \"", "an rbl", 0, "", true },
		{ "\" rbl\"", "xrbl", 0, "", false },
		{ "a", "", 0, "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct phrase_set *p = phrase_set_new();
		uint64_t ids[PHRASE_ID_WORDS] = { 0 };
		char text[300];

		(void)snprintf(text, sizeof(text), "%s%.*s%s", t[i].before,
		    t[i].gap, filler, t[i].after);
		assert_non_null(p);
		assert_int_equal(phrase_set_add(p, slice_of(t[i].phrase), 4000),
		    0);
		assert_int_equal(phrase_set_seal(p), 0);
		(void)phrase_set_find(p, slice_of(text), ids);
		if (phrase_id_in(ids, 4000) != t[i].want ||
		    naive(slice_of(t[i].phrase), slice_of(text)) != t[i].want)
			fail_msg("%s in %s", t[i].phrase, text);
		phrase_set_free(p);
	}
}

static void
test_errors(void **state)
{
	char long_one[PHRASE_FRAGMENT_MAX + 2];
	struct phrase_set *p = phrase_set_new();

	(void)state;
	assert_non_null(p);
	memset(long_one, 'a', sizeof(long_one));
	assert_int_equal(phrase_set_add(p, SLICE(""), 0), ERR_SYNTAX);
	assert_int_equal(phrase_set_add(p, SLICE("a||b"), 0), ERR_SYNTAX);
	assert_int_equal(phrase_set_add(p, SLICE("a*"), 0), ERR_SYNTAX);
	assert_int_equal(phrase_set_add(p, SLICE("*a"), 0), ERR_SYNTAX);
	assert_int_equal(phrase_set_add(p, SLICE("a"), PHRASE_IDS_MAX),
	    ERR_LIMIT);
	assert_int_equal(phrase_set_add(p,
			     (struct slice){ long_one,
				 PHRASE_FRAGMENT_MAX + 1 },
			     0),
	    ERR_LIMIT);
	assert_int_equal(phrase_set_add(p,
			     (struct slice){ long_one, PHRASE_FRAGMENT_MAX },
			     0),
	    0);
	assert_int_equal(phrase_set_seal(p), 0);
	assert_int_equal(phrase_set_add(p, SLICE("b"), 0), ERR_LIMIT);
	phrase_set_free(p);
	phrase_set_free(NULL);
}

static uint32_t seed;

static unsigned
random_below(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 16) % n;
}

static size_t
random_text(char *to, size_t max, const char *letters)
{
	size_t n = random_below((unsigned)max) + 1;

	for (size_t i = 0; i < n; i++)
		to[i] = letters[random_below((unsigned)strlen(letters))];
	to[n] = '\0';
	return n;
}

#define PHRASES 40
static void
one_round(void)
{
	char phrases[PHRASES][120], text[400], word[8];
	struct phrase_set *p = phrase_set_new();
	uint64_t ids[PHRASE_ID_WORDS] = { 0 };

	assert_non_null(p);
	for (unsigned i = 0; i < PHRASES; i++) {
		unsigned words = random_below(4) + 1;

		phrases[i][0] = '\0';
		for (unsigned k = 0; k < words; k++) {
			size_t n = strlen(phrases[i]);

			(void)random_text(word, sizeof(word) - 3, "abc");
			(void)snprintf(phrases[i] + n, sizeof(phrases[i]) - n,
			    "%s%s",
			    k == 0                 ? ""
			    : random_below(4) == 0 ? "|"
						   : "*",
			    word);
		}
		assert_int_equal(phrase_set_add(p, slice_of(phrases[i]), i), 0);
	}
	assert_int_equal(phrase_set_seal(p), 0);
	(void)random_text(text, sizeof(text) - 1, "abcdefghij  ");
	(void)phrase_set_find(p, slice_of(text), ids);
	for (unsigned i = 0; i < PHRASES; i++)
		if (phrase_id_in(ids, i) !=
		    naive(slice_of(phrases[i]), slice_of(text)))
			fail_msg("\"%s\" in \"%s\"", phrases[i], text);
	phrase_set_free(p);
}

static void
test_same_as_naive(void **state)
{
	(void)state;
	for (seed = 1; seed < 400000000; seed += 1000003)
		one_round();
}

/* Words that fall back from one to the other cost no more than others. */
static void
test_steps(void **state)
{
	struct phrase_set *p = phrase_set_new();
	uint64_t ids[PHRASE_ID_WORDS] = { 0 };
	char text[20000], word[PHRASE_FRAGMENT_MAX + 1];

	(void)state;
	assert_non_null(p);
	memset(word, 'a', sizeof(word));
	for (size_t i = 10; i < 60; i += 10) {
		word[i] = 'b';
		assert_int_equal(phrase_set_add(p,
				     (struct slice){ word, i + 1 }, 1),
		    0);
		word[i] = 'a';
	}
	assert_int_equal(phrase_set_seal(p), 0);
	memset(text, 'a', sizeof(text));
	for (size_t i = 61; i < sizeof(text); i += 62)
		text[i] = 'c';
	size_t half =
	    phrase_set_find(p, (struct slice){ text, sizeof(text) / 2 }, ids);
	size_t all =
	    phrase_set_find(p, (struct slice){ text, sizeof(text) }, ids);
	assert_true(all < 3 * (sizeof(text) + 2));
	assert_true(all < 2 * half + 200);
	assert_true(phrase_set_size(p) < 100000);
	phrase_set_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_same_as_naive),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
