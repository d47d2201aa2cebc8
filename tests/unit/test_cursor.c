/* SPDX-License-Identifier: BSD-2-Clause */
/* Cursors, event ids, the keys' table, spooled facts, Redis addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/cursor.h"
#include "store/keys.h"
#include "store/message_store.h"
#include "store/redis_address.h"
#include "util/err.h"

static const char *const good_events[] = { "e1.1.2.h",
	"e1.1763884800123.18446744073709551615.mx1.example.com" };
static const char *const bad_events[] = { "", "e1", "e1.1.2", "e1.1.2.",
	"e2.1.2.h", "e1.-1.2.h", "e1.1.2.h/x", "e1.1.2.h h",
	"e1.99999999999999999999.2.h", "b2.1.a" };
static const char *const good_blocks[] = { "b2.0.", "b2.32767.a@b",
	"b2.7.%22a%20b%22@x", "b2.7.%c3%a4@x" };
static const char *const bad_blocks[] = { "", "b2", "b2.1", "b2.32768.a",
	"b2.x.a", "b2.1.%", "b2.1.%a", "b2.1.%zz", "b2.1.%2", "e1.1.2.h" };
static const char *const good_held[] = { "h1.r.0.4fAbC", "h1.d.never.A",
	"h1.d.1795000000000.ABCDEF0123456789ABCDEF0123456789" };
static const char *const bad_held[] = { "", "h1", "h1.r", "h1.r.1", "h1.r.1.",
	"h1.x.1.A", "h1.r.-1.A", "h1.r.inf.A", "h1.r.1.A/B", "h1.r.1.A.B",
	"h1.r.9223372036854775807.A", "b2.r.1.A",
	"h1.d.1.ABCDEF0123456789ABCDEF0123456789A" };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
test_event_cursors(void **state)
{
	struct event_cursor c;
	char room[CURSOR_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(good_events); i++) {
		struct slice text = slice_of(good_events[i]);

		assert_int_equal(event_cursor_parse(text, &c), 0);
		assert_true(slice_eq(event_cursor_format(&c, room), text));
	}
	for (size_t i = 0; i < COUNT(bad_events); i++)
		if (event_cursor_parse(slice_of(bad_events[i]), &c) !=
		    ERR_SYNTAX)
			fail_msg("%s", bad_events[i]);
}

static void
test_hold_cursors(void **state)
{
	struct hold_cursor c;
	char room[CURSOR_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(good_held); i++) {
		struct slice text = slice_of(good_held[i]);

		assert_int_equal(hold_cursor_parse(text, &c), 0);
		assert_true(slice_eq(hold_cursor_format(&c, room), text));
	}
	for (size_t i = 0; i < COUNT(bad_held); i++)
		if (hold_cursor_parse(slice_of(bad_held[i]), &c) != ERR_SYNTAX)
			fail_msg("%s", bad_held[i]);
}

static void
test_block_cursors(void **state)
{
	struct block_cursor c;
	char room[CURSOR_MAX], address[BLOCK_FIELD_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(good_blocks); i++) {
		struct slice text = slice_of(good_blocks[i]);

		assert_int_equal(block_cursor_parse(text, address, &c), 0);
		assert_true(slice_eq(block_cursor_format(&c, room), text));
	}
	for (size_t i = 0; i < COUNT(bad_blocks); i++)
		if (block_cursor_parse(slice_of(bad_blocks[i]), address, &c) !=
		    ERR_SYNTAX)
			fail_msg("%s", bad_blocks[i]);
}

static void
test_event_ids(void **state)
{
	struct slice host, day;
	struct stream_id id;

	(void)state;
	assert_int_equal(event_id_parse(SLICE("h/20260228/12-3"), &host, &day,
			     &id),
	    0);
	assert_true(slice_eq(host, SLICE("h")));
	assert_true(slice_eq(day, SLICE("20260228")));
	assert_int_equal(id.ms, 12);
	assert_int_equal(id.seq, 3);
	assert_int_equal(event_id_parse(SLICE("20260228/12-3"), &host, &day,
			     &id),
	    0);
	assert_null(host.at);
	assert_int_equal(event_id_parse(SLICE("h/20260230/12-3"), &host, &day,
			     &id),
	    ERR_SYNTAX);
	assert_int_equal(event_id_parse(SLICE("h/20260228/12"), &host, &day,
			     &id),
	    ERR_SYNTAX);
}

static void
test_keys(void **state)
{
	const int64_t late_us = INT64_C(1763942399000000); /* 23:59:59 */
	struct key k = key_block_evidence(SLICE("shop"), 7), pair[2];
	char value[2000];

	(void)state;
	assert_true(slice_eq(key_slice(&k), SLICE("pn:be:{shop:007}")));
	k = key_counters(SLICE("h"), SLICE("shop"), late_us);
	assert_true(
	    slice_eq(key_slice(&k), SLICE("pn:c:{h:h}:shop:2025112323")));
	assert_int_equal(key_events_pair(SLICE("h"), late_us, pair),
	    INT64_C(1763942400000));
	assert_true(
	    slice_eq(key_slice(&pair[0]), SLICE("pn:ev:{h:h}:20251123")));
	assert_true(
	    slice_eq(key_slice(&pair[1]), SLICE("pn:ev:{h:h}:20251124")));
	/* For ever: blocks lie where this says. */
	assert_int_equal(key_shard(SLICE("")), 225);
	assert_int_equal(key_shard(SLICE("a@example.com")), 197);
	assert_int_equal(key_shard(SLICE("b@example.com")), 76);
	assert_int_equal(key_piece(SLICE("")), 17);
	assert_int_equal(key_piece(SLICE("a@example.com")), 43);
	assert_int_equal(key_piece(SLICE("b@example.com")), 9);
	k = key_block_entries(SLICE("shop"), SLICE("a@example.com"));
	assert_true(slice_eq(key_slice(&k), SLICE("pn:b:{shop:197}:43")));
	/* Long values differ, also behind what fits. */
	memset(value, 'x', sizeof(value));
	k = key_limit(SLICE("t"), SLICE("r"),
	    (struct slice){ value, sizeof(value) });
	value[sizeof(value) - 1] = 'y';
	struct key other = key_limit(SLICE("t"), SLICE("r"),
	    (struct slice){ value, sizeof(value) });
	assert_false(slice_eq(key_slice(&k), key_slice(&other)));
	assert_true(k.len < KEY_MAX);
}

static void
test_spooled_facts(void **state)
{
	const struct slice to[] = { SLICE("a@x"), SLICE("\"t\tab\\\"@x") };
	const struct slice why[] = { SLICE("1"), SLICE("2") };
	const struct message_facts m = { .host = SLICE("h"),
		.queue_id = SLICE("Q"),
		.facts = { .tenant = SLICE("t"),
		    .subject = SLICE("s"),
		    .created_ms = 5 },
		.recipients = to,
		.recipient_count = 2,
		.suppressed = to,
		.suppressed_reason = why,
		.suppressed_count = 2,
		.suppressed_status = 99,
		.suppressed_origin = SLICE("virus") };
	struct arena *arena = arena_new(1 << 20);
	struct message_facts got;
	struct buf line, again;

	(void)state;
	buf_init(&line, 4096);
	buf_init(&again, 4096);
	assert_int_equal(message_facts_print(&m, &line), 0);
	assert_null(memchr(line.at, '\n', line.len));
	assert_int_equal(message_facts_parse(buf_slice(&line), arena, &got), 0);
	assert_int_equal(message_facts_print(&got, &again), 0);
	assert_true(slice_eq(buf_slice(&line), buf_slice(&again)));
	assert_true(slice_eq(got.recipients[1], to[1]));
	assert_int_equal(got.suppressed_status, 99);
	assert_true(slice_eq(got.suppressed_origin, SLICE("virus")));
	/* Every shorter line is refused. */
	for (size_t n = 0; n < line.len; n++) {
		char *exact = malloc(n + !n);

		memcpy(exact, line.at, n);
		int rc = message_facts_parse((struct slice){ exact, n }, arena,
		    &got);
		/* But for one that lacks a part of its last text. */
		if (n + 5 < line.len)
			assert_int_equal(rc, ERR_SYNTAX);
		free(exact);
	}
	/* One that an older program has left. */
	assert_int_equal(message_facts_parse(SLICE("1\th\tQ\tt\t5\t\t0\t1"
						   "\ta@x\twhy"),
			     arena, &got),
	    0);
	assert_int_equal(got.suppressed_status, 0);
	assert_int_equal(got.suppressed_count, 1);
	buf_done(&line);
	buf_done(&again);
	arena_free(arena);
}

static void
test_redis_addresses(void **state)
{
	static const char *const good[] = { "unix:/run/redis.sock",
		"inet:127.0.0.1:6379", "inet:[::1]:6379", "inet:localhost:6379",
		"sentinel:m@127.0.0.1:1,127.0.0.2:26379" };
	static const char *const bad[] = { "", "/run/redis.sock",
		"unix:", "inet:127.0.0.1", "inet:127.0.0.1:0",
		"inet:127.0.0.1:65536", "inet:no-such-name.invalid:1",
		"sentinel:127.0.0.1:1", "sentinel:@127.0.0.1:1",
		"sentinel:m@" };
	struct redis_address a;
	char error[300];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (redis_address_parse(good[i], &a, error, sizeof(error)) != 0)
			fail_msg("%s", good[i]);
	assert_int_equal(a.count, 2);
	assert_string_equal(a.master, "m");
	for (size_t i = 0; i < COUNT(bad); i++)
		if (redis_address_parse(bad[i], &a, error, sizeof(error)) !=
		    ERR_SYNTAX)
			fail_msg("%s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_cursors),
		cmocka_unit_test(test_hold_cursors),
		cmocka_unit_test(test_block_cursors),
		cmocka_unit_test(test_event_ids),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_spooled_facts),
		cmocka_unit_test(test_redis_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
