/* SPDX-License-Identifier: BSD-2-Clause */
/* Signed return paths: made, read, expired, forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/verp.h"
#include "util/err.h"

#define SENT 1795411200 /* 2026-11-23 */

static const uint8_t key[CRYPTO_SHA256_LEN] = { 1, 2, 3, 4 };
static const uint8_t other_key[CRYPTO_SHA256_LEN] = { 1, 2, 3, 5 };

static struct slice
tag_for(struct slice queue_id, char room[VERP_LOCAL_MAX])
{
	struct verp_tag tag = { .host = verp_host(SLICE("mta1.example.com")),
		.sent_s = SENT,
		.queue_id = queue_id };
	struct slice local;

	assert_int_equal(verp_format(key, &tag, room, &local), 0);
	return local;
}

/* From a heap block of its exact length. */
static int
parse(const uint8_t *with, struct slice local, int64_t now_s, int64_t max_age_s,
    struct verp_tag *ret_tag)
{
	static char room[VERP_QUEUE_ID_MAX];
	char *exact = malloc(local.len > 0 ? local.len : 1);

	assert_non_null(exact);
	if (local.len > 0)
		memcpy(exact, local.at, local.len);
	int rc = verp_parse(with, (struct slice){ exact, local.len }, now_s,
	    max_age_s, room, ret_tag);
	free(exact);
	return rc;
}

static void
test_round_trip(void **state)
{
	static const char *const ids[] = { "1", "A1B2C3D4E5", "4ZxKq03Rzvz1kB",
		"4ZxKq03Rzvz1kBcD9", "123456789012345678901" };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char room[VERP_LOCAL_MAX], upper[VERP_LOCAL_MAX];
		struct verp_tag tag = { .host = 0 };
		struct slice local = tag_for(slice_of(ids[i]), room);

		assert_true(local.len <= VERP_LOCAL_MAX);
		assert_true(verp_looks(local));
		assert_int_equal(parse(key, local, SENT + 60, 3600, &tag), 0);
		assert_true(slice_eq(tag.queue_id, slice_of(ids[i])));
		assert_int_equal(tag.sent_s, SENT);
		assert_int_equal(tag.host,
		    verp_host(SLICE("MTA1.example.COM")));
		/* Some hosts change the case of a local part. */
		for (size_t n = 0; n < local.len; n++)
			upper[n] = local.at[n] >= 'a' && local.at[n] <= 'z'
				       ? (char)(local.at[n] - 32)
				       : local.at[n];
		assert_int_equal(parse(key, (struct slice){ upper, local.len },
				     SENT, 0, &tag),
		    0);
		assert_true(slice_eq(tag.queue_id, slice_of(ids[i])));
	}
	assert_int_not_equal(verp_host(SLICE("mta1.example.com")),
	    verp_host(SLICE("mta2.example.com")));
}

static void
test_format_refuses(void **state)
{
	char room[VERP_LOCAL_MAX];
	struct slice local = SLICE("kept");
	struct verp_tag tag = { .sent_s = SENT,
		.queue_id = SLICE("1234567890123456789012") };

	(void)state;
	assert_int_equal(verp_format(key, &tag, room, &local), ERR_LIMIT);
	tag.queue_id = SLICE("");
	assert_int_equal(verp_format(key, &tag, room, &local), ERR_SYNTAX);
	tag.queue_id = SLICE("ab\r\nc");
	assert_int_equal(verp_format(key, &tag, room, &local), ERR_SYNTAX);
	tag.queue_id = SLICE("abc");
	tag.sent_s = -1;
	assert_int_equal(verp_format(key, &tag, room, &local), ERR_LIMIT);
	tag.sent_s = 0x100000000;
	assert_int_equal(verp_format(key, &tag, room, &local), ERR_LIMIT);
	assert_true(slice_eq(local, SLICE("kept")));
}

static void
test_expiry(void **state)
{
	char room[VERP_LOCAL_MAX];
	struct verp_tag tag;
	struct slice local = tag_for(SLICE("A1B2C3"), room);

	(void)state;
	assert_int_equal(parse(key, local, SENT + 3600, 3600, &tag), 0);
	assert_int_equal(parse(key, local, SENT + 3601, 3600, &tag),
	    ERR_DENIED);
	assert_int_equal(parse(key, local, SENT + 300000000, 0, &tag), 0);
	assert_int_equal(parse(key, local, SENT - 86400, 3600, &tag), 0);
	assert_int_equal(parse(key, local, SENT - 86401, 3600, &tag),
	    ERR_DENIED);
	assert_int_equal(parse(key, local, SENT - 86401, 0, &tag), ERR_DENIED);
}

static void
test_forged(void **state)
{
	char room[VERP_LOCAL_MAX], changed[VERP_LOCAL_MAX + 1];
	struct verp_tag tag;
	struct slice local = tag_for(SLICE("4ZxKq03Rzvz1kB"), room);

	(void)state;
	assert_int_equal(parse(other_key, local, SENT, 0, &tag), ERR_CRYPTO);
	for (size_t n = 0; n < local.len; n++)
		assert_true(
		    parse(key, (struct slice){ room, n }, SENT, 0, &tag) < 0);
	for (size_t i = 0; i < local.len; i++) {
		for (int c = 0; c < 256; c++) {
			memcpy(changed, local.at, local.len);
			changed[i] = (char)c;
			/* The same letter in the other case is the same. */
			if (slice_eq_nocase((struct slice){ changed,
						local.len },
				local))
				continue;
			assert_true(
			    parse(key, (struct slice){ changed, local.len },
				SENT, 0, &tag) < 0);
		}
	}
	/* One digit more. */
	memcpy(changed, local.at, local.len);
	for (const char *c = "aq7"; *c != '\0'; c++) {
		changed[local.len] = *c;
		assert_true(parse(key, (struct slice){ changed, local.len + 1 },
				SENT, 0, &tag) < 0);
	}
}

static void
test_not_a_tag(void **state)
{
	static const char *const others[] = { "", "b", "b-", "info", "b-info",
		"b-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"b-aeaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",
		"x-aeaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"b-aeaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	struct verp_tag tag = { .sent_s = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(parse(key, slice_of(others[i]), SENT, 0, &tag) < 0);
	assert_int_equal(tag.sent_s, 7);
	assert_false(verp_looks(SLICE("info")));
	assert_false(verp_looks((struct slice){ NULL, 0 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_format_refuses),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_not_a_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
