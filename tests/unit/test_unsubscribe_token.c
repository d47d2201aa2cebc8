/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens of one-click unsubscribe: whole, opaque, and nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/unsubscribe_token.h"
#include "util/err.h"

static const uint8_t key[CRYPTO_SHA256_LEN] = { 1, 2, 3 };
static const uint8_t other[CRYPTO_SHA256_LEN] = { 1, 2, 4 };

static const struct unsubscribe_token sample = {
	.tenant = { "shop", 4 },
	.list = { "N\303\244chste Angebote", 17 },
	.address = { "user@example.com", 16 },
	.made_s = 1763900000,
};

/* A copy in a block of its own length. */
static char *
exact(struct slice s)
{
	char *at = malloc(s.len + !s.len);

	assert_non_null(at);
	if (s.len > 0)
		memcpy(at, s.at, s.len);
	return at;
}

static int
parse(const uint8_t *with, struct slice text, char *room,
    struct unsubscribe_token *ret_token)
{
	char *copy = exact(text);
	int rc = unsubscribe_token_parse(with, (struct slice){ copy, text.len },
	    room, ret_token);

	free(copy);
	return rc;
}

static void
test_there_and_back(void **state)
{
	char room[UNSUBSCRIBE_TOKEN_MAX], again[UNSUBSCRIBE_TOKEN_MAX];
	struct unsubscribe_token token = { .made_s = 0 };
	struct slice text, second;

	(void)state;
	assert_int_equal(unsubscribe_token_format(key, &sample, room, &text),
	    0);
	/* What may stand in a URL without being escaped; RFC 3986, 2.3. */
	for (size_t i = 0; i < text.len; i++)
		assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789-_",
		    text.at[i]));
	assert_true(text.len < 110);
	assert_int_equal(parse(key, text, again, &token), 0);
	assert_true(slice_eq(token.tenant, sample.tenant));
	assert_true(slice_eq(token.list, sample.list));
	assert_true(slice_eq(token.address, sample.address));
	assert_int_equal(token.made_s, sample.made_s);
	/* Nothing can be read, and no two are the same. */
	assert_int_equal(unsubscribe_token_format(key, &sample, again, &second),
	    0);
	assert_int_equal(text.len, second.len);
	assert_false(slice_eq(slice_skip(text, 10), slice_skip(second, 10)));
}

static void
test_changed(void **state)
{
	char room[UNSUBSCRIBE_TOKEN_MAX], again[UNSUBSCRIBE_TOKEN_MAX];
	struct unsubscribe_token token;
	struct slice text;

	(void)state;
	assert_int_equal(unsubscribe_token_format(key, &sample, room, &text),
	    0);
	assert_int_equal(parse(other, text, again, &token), ERR_CRYPTO);
	for (size_t i = 0; i < text.len; i++) {
		char was = room[i];
		int rc;

		room[i] = was == 'A' ? 'B' : 'A';
		rc = parse(key, text, again, &token);
		assert_true(rc == ERR_CRYPTO || rc == ERR_SYNTAX);
		room[i] = was;
	}
	for (size_t len = 0; len < text.len; len++) {
		int rc =
		    parse(key, (struct slice){ text.at, len }, again, &token);

		assert_true(rc == ERR_CRYPTO || rc == ERR_SYNTAX);
	}
	assert_int_equal(parse(key, text, again, &token), 0);
}

static const struct {
	const char *name, *text;
} cases[] = {
	{ "nothing", "" },
	{ "a letter", "A" },
	{ "padding", "AQ==" },
	{ "the other alphabet", "AQ+/" },
	{ "blanks", "A Q A B" },
	{ "bits left over", "AR" },
	{ "another version",
	    "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
	{ "too short for a tag", "AQAAAAAAAAAAAAAAAAAAAAAAAAAA" },
};

static void
test_no_tokens(void **state)
{
	static char many[UNSUBSCRIBE_TOKEN_MAX + 1];
	char room[UNSUBSCRIBE_TOKEN_MAX];
	struct unsubscribe_token token;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].name);
		assert_int_equal(parse(key, slice_of(cases[i].text), room,
				     &token),
		    ERR_SYNTAX);
	}
	memset(many, 'A', sizeof(many));
	many[1] = 'Q';
	assert_int_equal(parse(key, (struct slice){ many, sizeof(many) }, room,
			     &token),
	    ERR_SYNTAX);
	assert_int_equal(parse(key, (struct slice){ many, sizeof(many) - 1 },
			     room, &token),
	    ERR_CRYPTO);
}

static void
test_bounds(void **state)
{
	static char octets[UNSUBSCRIBE_TOKEN_MAX];
	char room[UNSUBSCRIBE_TOKEN_MAX], again[UNSUBSCRIBE_TOKEN_MAX];
	struct unsubscribe_token token = sample, parsed;
	struct slice text = { NULL, 0 };
	size_t longest = 0;

	(void)state;
	memset(octets, 'x', sizeof(octets));
	token.address.at = octets;
	for (size_t len = 1; len <= sizeof(octets); len++) {
		int rc;

		token.address.len = len;
		rc = unsubscribe_token_format(key, &token, room, &text);
		if (rc < 0) {
			assert_int_equal(rc, ERR_LIMIT);
			continue;
		}
		assert_int_equal(longest, len - 1);
		longest = len;
		assert_int_equal(parse(key, text, again, &parsed), 0);
		assert_int_equal(parsed.address.len, len);
	}
	/* RFC 5321, 4.5.3.1.3: a path has up to 256 octets. */
	assert_true(longest > 320);
	token = sample;
	token.list = (struct slice){ octets, 256 };
	assert_int_equal(unsubscribe_token_format(key, &token, room, &text),
	    ERR_LIMIT);
	token = sample;
	token.tenant.len = 0;
	assert_int_equal(unsubscribe_token_format(key, &token, room, &text),
	    ERR_LIMIT);
	token = sample;
	token.address.len = 0;
	assert_int_equal(unsubscribe_token_format(key, &token, room, &text),
	    ERR_LIMIT);
	token = sample;
	token.made_s = -1;
	assert_int_equal(unsubscribe_token_format(key, &token, room, &text),
	    ERR_LIMIT);
	token.made_s = UINT32_MAX;
	assert_int_equal(unsubscribe_token_format(key, &token, room, &text), 0);
	assert_int_equal(parse(key, text, again, &parsed), 0);
	assert_int_equal(parsed.made_s, UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_no_tokens),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
