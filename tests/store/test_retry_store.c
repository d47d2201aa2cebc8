/* SPDX-License-Identifier: BSD-2-Clause */
/* Deferred messages by their time, and a curve over simulated days, on a real
 * Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/retry_state.h"
#include "store/delivery_store.h"
#include "store/retry_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define HOST SLICE("mx1")
#define QUEUED INT64_C(1790000000000)
#define MESSAGES 1000

static struct store_fixture f;

struct seen {
	bool done;
	int rc;
	size_t count;
	int64_t next_ms;
	char text[4000];
	struct retry_state states[MESSAGES];
	char ids[MESSAGES][24];
	int64_t at_ms[MESSAGES];
	char records[MESSAGES][RETRY_STATE_MAX];
};
static struct seen v;

static void
kept(int rc, void *ctx)
{
	(void)ctx;
	v.rc = rc;
	v.done = true;
}

static int
keep(const char *expected, const char *next, const struct retry_row *rows,
    size_t count)
{
	v.done = false;
	retry_keep(f.store, HOST, SLICE("retry"), slice_of(expected),
	    slice_of(next), rows, count, store_deadline(f.store), kept, NULL);
	assert_false(v.done);
	store_fixture_run(&f, &v.done);
	return v.rc;
}

static void
due(int rc, const struct retry_row *rows, size_t count, int64_t next_ms,
    void *ctx)
{
	(void)ctx;
	v.rc = rc;
	v.count = count;
	v.next_ms = next_ms;
	v.text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(v.text);

		(void)snprintf(v.ids[i], sizeof(v.ids[i]), "%.*s",
		    SLICE_F(rows[i].queue_id));
		(void)snprintf(v.records[i], sizeof(v.records[i]), "%.*s",
		    SLICE_F(rows[i].record));
		v.at_ms[i] = rows[i].at_ms;
		if (n + 40 < sizeof(v.text))
			(void)snprintf(v.text + n, sizeof(v.text) - n,
			    "%s %lld %.10s|", v.ids[i],
			    (long long)rows[i].at_ms, v.records[i]);
	}
	v.done = true;
}

static const char *
take(int64_t now_ms, size_t max)
{
	v.done = false;
	retry_take(f.store, HOST, now_ms, max, store_deadline(f.store), due,
	    NULL);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	return v.text;
}

static void
loaded(int rc, const struct slice *records, size_t count, void *ctx)
{
	(void)ctx;
	v.rc = rc;
	v.text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(v.text);

		(void)snprintf(v.text + n, sizeof(v.text) - n, "%.*s|",
		    SLICE_F(records[i].at != NULL ? records[i] : SLICE("-")));
	}
	v.done = true;
}

static void
cli(const char *words)
{
	char text[200];

	redis_server_cli(&f.server, words, text, sizeof(text));
}

/* As the log follower leaves it. */
static void
message_is_there(const char *queue_id)
{
	char words[100];

	(void)snprintf(words, sizeof(words), "HSET pn:m:{h:mx1}:%s t shop",
	    queue_id);
	cli(words);
}

static void
test_keep_and_take(void **state)
{
	const struct retry_row rows[] = { { SLICE("B"), SLICE("two"), 200 },
		{ SLICE("A"), SLICE("one"), 100 },
		{ SLICE("C"), SLICE("three"), 300 } };
	const struct retry_row again[] = { { SLICE("A"), SLICE("later"), 0 },
		{ SLICE("B"), SLICE(""), 0 } };
	const struct slice ids[] = { SLICE("A"), SLICE("B"), SLICE("none") };

	(void)state;
	store_fixture_open(&f, 0);
	message_is_there("A");
	message_is_there("B");
	message_is_there("C");
	assert_int_equal(keep("", "mx1/20261123/1-0", rows, 3), 0);
	assert_string_equal(take(200, 10), "A 100 one|B 200 two|");
	assert_int_equal(v.next_ms, 300);
	assert_string_equal(take(200, 1), "A 100 one|");
	/* Not from another position, and then nothing. */
	assert_int_equal(keep("", "mx1/20261123/2-0", again, 2), ERR_CONFLICT);
	assert_int_equal(keep("mx1/20261123/1-0", "mx1/20261123/2-0", again, 2),
	    0);
	assert_string_equal(take(300, 10), "A 100 later|C 300 three|");
	assert_int_equal(v.next_ms, 0);
	v.done = false;
	retry_load(f.store, HOST, ids, 3, store_deadline(f.store), loaded,
	    NULL);
	assert_false(v.done);
	store_fixture_run(&f, &v.done);
	assert_string_equal(v.text, "later|-|-|");
	/* The position stays where no next one is given. */
	assert_int_equal(keep("what", "", rows, 1), 0);
	store_fixture_close(&f);
}

static void
test_left_the_queue(void **state)
{
	const struct retry_row rows[] = { { SLICE("A"), SLICE("a"), 100 },
		{ SLICE("B"), SLICE("b"), 100 },
		{ SLICE("C"), SLICE("c"), 100 } };
	char text[100];

	(void)state;
	store_fixture_open(&f, 0);
	message_is_there("A");
	message_is_there("B");
	cli("HSET pn:m:{h:mx1}:B x 1790000000000");
	assert_int_equal(keep("", "p", rows, 3), 0);
	assert_string_equal(take(100, 10), "A 100 a|");
	redis_server_cli(&f.server, "HLEN pn:t:{h:mx1}:of", text, sizeof(text));
	assert_string_equal(text, "1");
	redis_server_cli(&f.server, "ZCARD pn:t:{h:mx1}:due", text,
	    sizeof(text));
	assert_string_equal(text, "1");
	store_fixture_close(&f);
}

/* ---- a thousand messages, until all are given up ---- */

static void
write_states(const size_t *which, size_t count)
{
	static struct retry_row rows[MESSAGES];
	static char text[MESSAGES][RETRY_STATE_MAX];

	for (size_t i = 0; i < count; i++) {
		const struct retry_state *s = &v.states[which[i]];

		rows[i] = (struct retry_row){ slice_of(v.ids[i]),
			{ text[i], retry_state_format(s, text[i]) },
			s->due_ms };
		if (s->step == RETRY_GIVE_UP)
			rows[i].record.len = 0;
	}
	assert_int_equal(keep("", "", rows, count), 0);
}

/* "Q17" */
static size_t
number_of(const char *queue_id)
{
	uint64_t n = 0;

	assert_int_equal(number_parse(slice_of(queue_id + 1), 0, MESSAGES - 1,
			     &n),
	    0);
	return (size_t)n;
}

static void
test_simulated_days(void **state)
{
	const struct retry_curve c = { true, RETRY_EXACT, RETRY_GROWING, 480,
		-240, 86400 * 1000 };
	static size_t which[MESSAGES];
	size_t tries = 0, given_up = 0;
	int64_t now = QUEUED;

	(void)state;
	store_fixture_open(&f, 0);
	/* One each 240 s, deferred at once. */
	for (size_t i = 0; i < MESSAGES; i++) {
		const int64_t at = QUEUED + (int64_t)i * 240000;
		const struct retry_attempt a = { &c, false, SLICE("t"), 1, at };

		v.states[i] = (struct retry_state){ .queued_ms = at,
			.tenant = SLICE("shop") };
		retry_state_deferred(&v.states[i], &a);
		(void)snprintf(v.ids[i], sizeof(v.ids[i]), "Q%zu", i);
		message_is_there(v.ids[i]);
		which[i] = i;
	}
	write_states(which, MESSAGES);
	while (given_up < MESSAGES) {
		size_t count;

		(void)take(now, MESSAGES);
		count = v.count;
		for (size_t i = 0; i < count; i++) {
			struct retry_state *s;
			struct retry_attempt a = { &c, false, SLICE("t"), 1,
				now };

			which[i] = number_of(v.ids[i]);
			s = &v.states[which[i]];
			assert_int_equal(retry_state_parse(slice_of(
							       v.records[i]),
					     s),
			    0);
			/* To the millisecond, as nothing takes time here. */
			assert_int_equal(s->due_ms, now);
			assert_int_equal(v.at_ms[i], now);
			tries++;
			retry_state_deferred(s, &a);
			if (s->step == RETRY_GIVE_UP) {
				given_up++;
				assert_int_equal(s->tries, 19);
				assert_int_equal(now - s->queued_ms,
				    77760 * 1000);
			}
		}
		if (count > 0)
			write_states(which, count);
		(void)take(now, 1);
		if (given_up < MESSAGES)
			assert_true(v.next_ms > now);
		now = v.next_ms;
	}
	assert_int_equal(tries, 18 * MESSAGES);
	store_fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_and_take),
		cmocka_unit_test(test_left_the_queue),
		cmocka_unit_test(test_simulated_days),
	};

	if (!redis_server_available()) {
		puts("1..0 # SKIP no redis-server");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
