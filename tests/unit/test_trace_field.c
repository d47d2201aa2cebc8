/* SPDX-License-Identifier: BSD-2-Clause */
/* The field that names a message: made, read, expired, forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/trace_field.h"
#include "util/err.h"

#define SENT 1795411200 /* 2026-11-23 */

static const uint8_t key[CRYPTO_SHA256_LEN] = { 1, 2, 3, 4 };
static const uint8_t other_key[CRYPTO_SHA256_LEN] = { 1, 2, 3, 5 };

static struct slice
value_for(const char *queue_id, const char *recipient,
    char room[TRACE_VALUE_MAX])
{
	struct trace_tag tag = { .message = { .host = verp_host(
						  SLICE("mta1.example.com")),
				     .sent_s = SENT,
				     .queue_id = slice_of(queue_id) } };
	struct slice value;

	if (recipient != NULL) {
		tag.single = true;
		assert_int_equal(trace_recipient(key, slice_of(recipient),
				     tag.recipient),
		    0);
	}
	assert_int_equal(trace_format(key, &tag, room, &value), 0);
	return value;
}

/* From a heap block of its exact length. */
static int
parse(const uint8_t *with, struct slice value, int64_t now_s, int64_t max_age_s,
    struct trace_tag *ret_tag)
{
	static char room[VERP_QUEUE_ID_MAX];
	char *exact = malloc(value.len > 0 ? value.len : 1);

	assert_non_null(exact);
	if (value.len > 0)
		memcpy(exact, value.at, value.len);
	int rc = trace_parse(with, (struct slice){ exact, value.len }, now_s,
	    max_age_s, room, ret_tag);
	free(exact);
	return rc;
}

static void
test_round_trip(void **state)
{
	static const char *const ids[] = { "1", "A1B2C3D4E5", "4ZxKq03Rzvz1kB",
		"4ZxKq03Rzvz1kBcD9", "123456789012345678901" };
	static const char *const recipients[] = { NULL, "a@example.com" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(ids) / sizeof(ids[0]); i++) {
		const char *id = ids[i / 2], *recipient = recipients[i % 2];
		char room[TRACE_VALUE_MAX], upper[TRACE_VALUE_MAX];
		uint8_t hash[TRACE_RECIPIENT_LEN];
		struct trace_tag tag = { .single = false };
		struct slice value = value_for(id, recipient, room);

		/* One line, even behind its name. */
		assert_true(value.len + sizeof(TRACE_FIELD ": ") < 100);
		assert_true(trace_looks(value));
		assert_int_equal(parse(key, value, SENT + 60, 3600, &tag), 0);
		assert_true(slice_eq(tag.message.queue_id, slice_of(id)));
		assert_int_equal(tag.message.sent_s, SENT);
		assert_int_equal(tag.message.host,
		    verp_host(SLICE("MTA1.example.COM")));
		assert_int_equal(tag.single, recipient != NULL);
		if (recipient != NULL) {
			assert_int_equal(trace_recipient(key,
					     slice_of(recipient), hash),
			    0);
			assert_memory_equal(hash, tag.recipient, sizeof(hash));
		}
		for (size_t n = 0; n < value.len; n++)
			upper[n] = value.at[n] >= 'a' && value.at[n] <= 'z'
				       ? (char)(value.at[n] - 32)
				       : value.at[n];
		assert_int_equal(parse(key, (struct slice){ upper, value.len },
				     SENT, 0, &tag),
		    0);
	}
}

static void
test_refused(void **state)
{
	char room[TRACE_VALUE_MAX], local_room[VERP_LOCAL_MAX];
	struct slice value = value_for("4ZxKq03Rzvz1kB", "a@b.test", room);
	struct verp_tag verp = { .sent_s = SENT, .queue_id = SLICE("4ZxKq0") };
	struct trace_tag tag;
	struct slice local;

	(void)state;
	assert_int_equal(parse(other_key, value, SENT, 0, &tag), ERR_CRYPTO);
	assert_int_equal(parse(key, value, SENT + 3601, 3600, &tag),
	    ERR_DENIED);
	assert_int_equal(parse(key, value, SENT - 86401, 0, &tag), ERR_DENIED);
	for (size_t n = 0; n < value.len; n++)
		assert_int_not_equal(parse(key, (struct slice){ value.at, n },
					 SENT, 0, &tag),
		    0);
	for (size_t n = 0; n < value.len; n++) {
		char old = room[n];

		room[n] = old == 'q' ? 'w' : 'q';
		assert_int_not_equal(parse(key, value, SENT, 0, &tag), 0);
		room[n] = old;
	}
	assert_int_equal(parse(key, value, SENT, 0, &tag), 0);
	/* A return path is none, even under the same key. */
	assert_int_equal(verp_format(key, &verp, local_room, &local), 0);
	assert_int_equal(parse(key, local, SENT, 0, &tag), ERR_SYNTAX);
	local_room[0] = 'r';
	assert_int_equal(verp_parse(key, local, SENT, 0, room, &verp),
	    ERR_SYNTAX);
}

static void
test_not_made(void **state)
{
	struct trace_tag tag = { .message = { .sent_s = SENT,
				     .queue_id = SLICE("a b") } };
	char room[TRACE_VALUE_MAX];
	struct slice value;

	(void)state;
	assert_int_equal(trace_format(key, &tag, room, &value), ERR_SYNTAX);
	tag.message.queue_id = SLICE("1234567890123456789012");
	assert_int_equal(trace_format(key, &tag, room, &value), ERR_LIMIT);
	tag.message.queue_id = SLICE("1");
	tag.message.sent_s = -1;
	assert_int_equal(trace_format(key, &tag, room, &value), ERR_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
