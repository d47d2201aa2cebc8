/* SPDX-License-Identifier: BSD-2-Clause */
/* What became of a message, in a sentence for each recipient. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/message_story.h"
#include "proto/status.h"
#include "proto/zone.h"
#include "util/arena.h"
#include "util/err.h"

#define NOW INT64_C(1795435200000) /* 2026-11-23T12:00:00Z */

static struct arena *arena;

static struct event
event(enum event_type type, int64_t after_ms, const char *to)
{
	return (struct event){ .type = type,
		.created_ms = NOW + after_ms,
		.recipient = slice_of(to),
		.queue_id = SLICE("Q") };
}

static void
expect(const struct story *s, size_t i, const char *state, const char *want)
{
	struct buf out;

	buf_init(&out, 4096);
	assert_true(i < s->count);
	assert_string_equal(story_state_word(&s->recipients[i]), state);
	assert_int_equal(story_sentence(&s->recipients[i], zone_utc, &out), 0);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void
test_sentences(void **state)
{
	struct story s;
	struct event e;

	(void)state;
	story_init(&s, arena);
	for (const char *to = "abcdef"; *to != '\0'; to++) {
		char name[2] = { *to, '\0' };

		e = event(EVENT_QUEUED, 0, name);
		e.subject = SLICE("hello");
		e.from = SLICE("me");
		assert_int_equal(story_add(&s, &e), 0);
	}
	e = event(EVENT_SUCCEEDED, 1500, "a");
	e.relay = SLICE("mx[1.2.3.4]:25");
	assert_int_equal(story_add(&s, &e), 0);
	e = event(EVENT_FAILED, 3000, "b");
	e.status = STATUS_USER_UNKNOWN;
	e.class = CLASS_USER_UNKNOWN;
	e.reason = SLICE("550 no\nsuch user");
	assert_int_equal(story_add(&s, &e), 0);
	e = event(EVENT_DEFERRED, 4000, "c");
	e.class = CLASS_GREYLISTED;
	e.status = STATUS_TIMEOUT;
	assert_int_equal(story_add(&s, &e), 0);
	e = event(EVENT_SUCCEEDED, 600000, "c");
	assert_int_equal(story_add(&s, &e), 0);
	e = event(EVENT_BOUNCED, 900000, "c");
	e.status = STATUS_FULL;
	assert_int_equal(story_add(&s, &e), 0);
	e = event(EVENT_FAILED, 10, "d");
	e.status = STATUS_SUPPRESSED;
	assert_int_equal(story_add(&s, &e), 0);
	e = event(EVENT_DEFERRED, 9000, "e");
	e.class = CLASS_CONNECTION;
	e.status = STATUS_TIMEOUT;
	e.reason = SLICE("timed out");
	assert_int_equal(story_add(&s, &e), 0);
	/* Not of a message. */
	e = event(EVENT_BLOCKED, 9000, "z");
	assert_int_equal(story_add(&s, &e), 0);

	assert_int_equal(s.count, 6);
	assert_true(s.has_facts);
	assert_true(slice_eq(s.facts.subject, SLICE("hello")));
	expect(&s, 0, "delivered",
	    "delivered at 2026-11-23 12:00:01 to mx[1.2.3.4]:25, 1.5 s after "
	    "it was accepted");
	expect(&s, 1, "failed",
	    "failed at 2026-11-23 12:00:03, user unknown (2): the address does "
	    "not exist; at fault is the recipient; it said \"550 no?such "
	    "user\"");
	expect(&s, 2, "bounced",
	    "delivered at 2026-11-23 12:10:00, 10 min after it was accepted, "
	    "at attempt 2, but a bounce came back at 2026-11-23 12:15:00, "
	    "mailbox full (5): the mailbox is full; at fault is the "
	    "recipient");
	expect(&s, 3, "suppressed",
	    "not sent at 2026-11-23 12:00:00, suppressed (10): the address is "
	    "blocked here");
	expect(&s, 4, "waiting",
	    "still tried: 1 attempt, the last one at 2026-11-23 12:00:09, "
	    "connection (3): the destination could not be reached; at fault is "
	    "the network; it said \"timed out\"");
	expect(&s, 5, "waiting",
	    "accepted at 2026-11-23 12:00:00, not tried yet");
}

static void
test_what_comes_back_alone(void **state)
{
	struct story s;
	struct event e = event(EVENT_BOUNCED, 0, "a");

	(void)state;
	story_init(&s, arena);
	e.status = STATUS_OTHER;
	assert_int_equal(story_add(&s, &e), 0);
	e = event(EVENT_COMPLAINED, 1000, "a");
	assert_int_equal(story_add(&s, &e), 0);
	expect(&s, 0, "complained",
	    "a bounce came back at 2026-11-23 12:00:00, other (99): the reply "
	    "does not say why; its reader called it spam at 2026-11-23 "
	    "12:00:01");
}

static void
test_every_class_has_a_text(void **state)
{
	(void)state;
	for (unsigned c = 0; c < BOUNCE_CLASS_COUNT; c++) {
		if (c == CLASS_OTHER)
			continue;
		assert_string_not_equal(story_class_text(c),
		    story_class_text(CLASS_OTHER));
	}
}

static void
test_too_many(void **state)
{
	struct story s;
	char name[16];
	int rc = 0;

	(void)state;
	story_init(&s, arena);
	for (unsigned i = 0; i <= STORY_RECIPIENTS_MAX && rc == 0; i++) {
		struct event e;

		(void)snprintf(name, sizeof(name), "%u", i);
		e = event(EVENT_QUEUED, 0, name);
		rc = story_add(&s, &e);
	}
	assert_int_equal(rc, ERR_LIMIT);
	assert_int_equal(s.count, STORY_RECIPIENTS_MAX);
}

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(64 * 1024 * 1024);
	return arena == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_what_comes_back_alone),
		cmocka_unit_test(test_every_class_has_a_text),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
