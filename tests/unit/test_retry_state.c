/* SPDX-License-Identifier: BSD-2-Clause */
/* Where deferred messages stand on their curves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/retry_state.h"
#include "util/err.h"

#define QUEUED INT64_C(1790000000000)

static const struct retry_curve table = { true, RETRY_EXACT, RETRY_GROWING, 480,
	-240, 86400 * 1000 };
static const struct retry_curve every10 = { true, RETRY_EXACT, RETRY_LINEAR, 10,
	0, 30 * 1000 };

static void
deferred(struct retry_state *s, const struct retry_curve *c, const char *owner,
    const char *recipient, int64_t at_s)
{
	const struct retry_attempt a = { c, false, slice_of(owner),
		retry_mark(slice_of(recipient)), QUEUED + at_s * 1000 };

	retry_state_deferred(s, &a);
}

static int64_t
due_s(const struct retry_state *s)
{
	return (s->due_ms - QUEUED) / 1000;
}

static struct retry_state
fresh(void)
{
	return (
	    struct retry_state){ .queued_ms = QUEUED, .tenant = SLICE("shop") };
}

static void
test_whole_curve(void **state)
{
	struct retry_state s = fresh();
	int64_t at = 0, step = 240;

	(void)state;
	deferred(&s, &table, "tenant", "a@b.c", 0);
	for (unsigned n = 1; n <= 18; n++) {
		assert_int_equal(s.tries, n);
		assert_int_equal(s.step, RETRY_TRY);
		assert_int_equal(due_s(&s), at + step);
		(void)retry_state_asked(&s, &table, s.due_ms);
		at = due_s(&s);
		step += 480;
		deferred(&s, &table, "tenant", "a@b.c", at);
		assert_int_equal(s.asked, 0);
	}
	assert_int_equal(at, 77760);
	assert_int_equal(s.step, RETRY_GIVE_UP);
	assert_int_equal(due_s(&s), 77761);
	/* Another recipient, of the same attempt. */
	deferred(&s, &table, "tenant", "b@b.c", 77761);
	assert_int_equal(s.tries, 19);
}

/* Several recipients count one attempt, whose end is the last of them. */
static void
test_recipients(void **state)
{
	struct retry_state s = fresh();

	(void)state;
	deferred(&s, &every10, "t", "a@b.c", 0);
	deferred(&s, &every10, "t", "b@b.c", 1);
	deferred(&s, &every10, "t", "c@b.c", 3);
	assert_int_equal(s.tries, 1);
	assert_int_equal(due_s(&s), 13);
	/* The next one, told in another order. */
	deferred(&s, &every10, "t", "c@b.c", 13);
	deferred(&s, &every10, "t", "a@b.c", 13);
	deferred(&s, &every10, "t", "b@b.c", 14);
	assert_int_equal(s.tries, 3 - 1);
	assert_int_equal(due_s(&s), 24);
}

/* One that Postfix made by itself, before its time, counts like ours. */
static void
test_not_asked_for(void **state)
{
	struct retry_state s = fresh();

	(void)state;
	deferred(&s, &every10, "t", "a@b.c", 0);
	deferred(&s, &every10, "t", "b@b.c", 0);
	deferred(&s, &every10, "t", "a@b.c", 5);
	deferred(&s, &every10, "t", "b@b.c", 5);
	assert_int_equal(s.tries, 2);
	assert_int_equal(due_s(&s), 15);
	/* The one with whom it began has got it: the next one begins it. */
	assert_false(retry_state_final(&s, retry_mark(SLICE("b@b.c"))));
	assert_true(retry_state_final(&s, retry_mark(SLICE("a@b.c"))));
	deferred(&s, &every10, "t", "b@b.c", 8);
	assert_int_equal(s.tries, 3);
	assert_int_equal(due_s(&s), 18);
}

/* Log lines without fractions of a second. */
static void
test_whole_seconds(void **state)
{
	struct retry_state s = fresh();

	(void)state;
	deferred(&s, &every10, "t", "a@b.c", 0);
	s.due_ms += 700;
	deferred(&s, &every10, "t", "b@b.c", 10);
	assert_int_equal(s.tries, 2);
}

static void
test_different_curves(void **state)
{
	struct retry_state s = fresh();

	(void)state;
	deferred(&s, &table, "tenant", "a@b.c", 0);
	deferred(&s, &every10, "filter", "b@b.c", 0);
	assert_int_equal(s.tries, 1);
	assert_int_equal(due_s(&s), 10);
	assert_true(slice_eq(s.owner, SLICE("filter")));
	/* The later one does not put it off. */
	deferred(&s, &table, "tenant", "c@b.c", 2);
	assert_int_equal(due_s(&s), 10);
	/* While one would go on, nothing is given up. */
	deferred(&s, &every10, "filter", "a@b.c", 29);
	assert_int_equal(s.step, RETRY_GIVE_UP);
	deferred(&s, &table, "tenant", "b@b.c", 29);
	assert_int_equal(s.tries, 2);
	assert_int_equal(s.step, RETRY_TRY);
}

static void
test_native(void **state)
{
	const struct retry_attempt rest = { NULL, false, SLICE("g"), 1,
		QUEUED };
	const struct retry_attempt keeps = { &every10, true, SLICE("g"), 1,
		QUEUED + 40000 };
	struct retry_state s = fresh();

	(void)state;
	retry_state_deferred(&s, &rest);
	assert_int_equal(s.tries, 1);
	assert_int_equal(s.step, RETRY_REST);
	retry_state_deferred(&s, &keeps);
	assert_int_equal(s.tries, 2);
	assert_int_equal(s.step, RETRY_REST);
}

static void
test_asking_again(void **state)
{
	struct retry_state s = fresh();
	int64_t at;

	(void)state;
	deferred(&s, &table, "t", "a@b.c", 0);
	at = retry_state_asked(&s, &table, QUEUED + 240000);
	assert_int_equal(at, QUEUED + 480000);
	at = retry_state_asked(&s, &table, at);
	assert_int_equal(at, QUEUED + 480000 + 720000);
	assert_int_equal(s.asked, 2);
	/* Not in haste, however short the curve; nor never. */
	s = fresh();
	deferred(&s, &every10, "t", "a@b.c", 0);
	at = retry_state_asked(&s, &every10, QUEUED + 10000);
	assert_int_equal(at, QUEUED + 70000);
	at = retry_state_asked(&s, &every10, at);
	assert_int_equal(at, QUEUED + 70000 + 3600000);
	assert_int_equal(retry_state_asked(&s, NULL, QUEUED), QUEUED + 3600000);
}

static void
test_held(void **state)
{
	struct retry_state s = fresh(), got;
	char room[RETRY_STATE_MAX];

	(void)state;
	deferred(&s, &every10, "t", "a@b.c", 0);
	s.held = s.looked = true;
	s.windows = SLICE("night");
	size_t len = retry_state_format(&s, room);
	assert_int_equal(retry_state_parse((struct slice){ room, len }, &got),
	    0);
	assert_true(got.held && got.looked);
	/* Asked for again after longer and longer. */
	assert_int_equal(retry_state_asked(&s, &every10, QUEUED),
	    QUEUED + 60000);
	assert_int_equal(retry_state_asked(&s, &every10, QUEUED),
	    QUEUED + 120000);
	deferred(&s, &every10, "t", "a@b.c", 90);
	assert_false(s.held);
	assert_true(s.looked);
}

static void
test_text(void **state)
{
	const struct retry_state s = { .tries = 3,
		.step = RETRY_GIVE_UP,
		.queued_ms = QUEUED,
		.due_ms = QUEUED + 1,
		.asked = 4,
		.first = UINT64_MAX,
		.looked = true,
		.tenant = SLICE("shop"),
		.owner = SLICE("filter google"),
		.windows = SLICE("night\tsunday") };
	struct retry_state got;
	char room[RETRY_STATE_MAX], again[RETRY_STATE_MAX], *block;
	size_t len = retry_state_format(&s, room);

	(void)state;
	/* Every beginning of it, in a block of its own length. */
	for (size_t n = 0; n <= len; n++) {
		block = malloc(n > 0 ? n : 1);
		assert_non_null(block);
		memcpy(block, room, n);
		int rc = retry_state_parse((struct slice){ block, n }, &got);

		if (rc == 0)
			assert_int_equal(retry_state_format(&got, again), n);
		else
			assert_int_equal(rc, ERR_SYNTAX);
		free(block);
	}
	assert_int_equal(retry_state_parse((struct slice){ room, len }, &got),
	    0);
	assert_int_equal(got.tries, 3);
	assert_int_equal(got.step, RETRY_GIVE_UP);
	assert_true(got.first == UINT64_MAX && got.looked);
	assert_true(slice_eq(got.owner, s.owner));
	assert_true(slice_eq(got.windows, s.windows));
	assert_int_equal(retry_state_parse(SLICE(
					       "2\t1\t0\t0\t0\t0\t0\ta\tb\t?"),
			     &got),
	    ERR_SYNTAX);
	assert_int_equal(retry_state_parse(SLICE(
					       "1\t1\t3\t0\t0\t0\t0\ta\tb\t?"),
			     &got),
	    ERR_SYNTAX);
}

static void
test_queue_ids(void **state)
{
	(void)state;
	/* Six digits of seconds, four of microseconds, "z", the inode. */
	assert_int_equal(retry_queue_id_ms(SLICE("0000010001z1")), 1000);
	assert_int_equal(retry_queue_id_ms(SLICE("0000010K00z1")),
	    1000 + 17 * 52 * 52 / 1000);
	assert_int_equal(retry_queue_id_ms(SLICE("A0000100001")), 0);
	assert_int_equal(retry_queue_id_ms(SLICE("0000100001z")), 0);
	assert_int_equal(retry_queue_id_ms(SLICE("00001zzzzzz1")), 0);
	assert_int_equal(retry_queue_id_ms(SLICE("0000A00001z1")), 0);
	assert_int_equal(retry_queue_id_ms(SLICE("")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_curve),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_not_asked_for),
		cmocka_unit_test(test_whole_seconds),
		cmocka_unit_test(test_different_curves),
		cmocka_unit_test(test_native),
		cmocka_unit_test(test_asking_again),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_queue_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
