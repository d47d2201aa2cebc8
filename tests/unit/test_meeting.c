/* SPDX-License-Identifier: BSD-2-Clause */
/* A message and its copies meet: all go, or none. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "milter/meeting.h"
#include "util/clock.h"
#include "util/err.h"

#define SOON_MS 20000

static const struct copy_token token = { .kind = COPY_SPLIT,
	.tenant = { "shop", 4 },
	.sender = { "a@example.com", 13 } };

struct copy_thread {
	pthread_t thread;
	char invitation[MEETING_INVITATION_MAX];
	int entered, arrived;
};

static void *
run_copy(void *ctx)
{
	struct copy_thread *c = ctx;
	const struct copy_token *t;
	struct guest *g;

	c->arrived = 1;
	c->entered = meeting_enter(slice_of(c->invitation), &g, &t);
	if (c->entered < 0)
		return NULL;
	if (!slice_eq(t->tenant, SLICE("shop")))
		c->entered = 1;
	c->arrived = meeting_arrive(g, SLICE("Q1"), clock_deadline_ms(SOON_MS));
	meeting_leave(g);
	return NULL;
}

static void
wait_arrived(struct meeting *m, size_t count)
{
	int64_t deadline_us = clock_deadline_ms(SOON_MS);

	while (meeting_arrived(m) < count && clock_mono_us() < deadline_us)
		(void)usleep(1000);
	assert_int_equal(meeting_arrived(m), count);
}

static void
run_meeting(bool go)
{
	struct copy_thread copies[3] = { 0 };
	char none[MEETING_INVITATION_MAX];
	struct meeting *m;

	meeting_set_seats(3);
	assert_int_equal(meeting_open(3, clock_deadline_ms(SOON_MS), &m), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(meeting_invite(m, &token,
				     copies[i].invitation),
		    0);
		assert_int_equal(pthread_create(&copies[i].thread, NULL,
				     run_copy, &copies[i]),
		    0);
	}
	assert_int_equal(meeting_invite(m, &token, none), ERR_LIMIT);
	wait_arrived(m, 3);
	if (go)
		meeting_decide(m, true);
	meeting_close(m);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(copies[i].thread, NULL), 0);
		assert_int_equal(copies[i].entered, 0);
		assert_int_equal(copies[i].arrived, go ? 0 : ERR_CANCELED);
	}
}

static void
test_all_go(void **state)
{
	(void)state;
	run_meeting(true);
}

static void
test_none_goes(void **state)
{
	(void)state;
	run_meeting(false);
}

static void
test_invitations(void **state)
{
	char invitation[MEETING_INVITATION_MAX];
	const struct copy_token *t;
	struct guest *g, *again;
	struct meeting *m;

	(void)state;
	meeting_set_seats(2);
	assert_int_equal(meeting_open(2, clock_deadline_ms(SOON_MS), &m), 0);
	assert_int_equal(meeting_invite(m, &token, invitation), 0);
	assert_int_equal(meeting_enter(SLICE(""), &g, &t), ERR_NOTFOUND);
	assert_int_equal(meeting_enter(SLICE(
					   "00000000000000000000000000000000"),
			     &g, &t),
	    ERR_NOTFOUND);
	assert_int_equal(meeting_enter(slice_of(invitation), &g, &t), 0);
	/* Good for one use. */
	assert_int_equal(meeting_enter(slice_of(invitation), &again, &t),
	    ERR_NOTFOUND);
	meeting_leave(g);
	assert_int_equal(meeting_enter(slice_of(invitation), &again, &t),
	    ERR_NOTFOUND);
	assert_int_equal(meeting_invite(m, &token, invitation), 0);
	meeting_decide(m, false);
	assert_int_equal(meeting_enter(slice_of(invitation), &g, &t),
	    ERR_CANCELED);
	meeting_close(m);
	assert_int_equal(meeting_enter(slice_of(invitation), &g, &t),
	    ERR_NOTFOUND);
}

static void
test_word_before_arrival(void **state)
{
	char invitation[MEETING_INVITATION_MAX];
	const struct copy_token *t;
	struct guest *g;
	struct meeting *m;

	(void)state;
	meeting_set_seats(1);
	assert_int_equal(meeting_open(1, clock_deadline_ms(SOON_MS), &m), 0);
	assert_int_equal(meeting_invite(m, &token, invitation), 0);
	meeting_decide(m, true);
	assert_int_equal(meeting_enter(slice_of(invitation), &g, &t), 0);
	assert_int_equal(meeting_arrive(g, SLICE("Q1"),
			     clock_deadline_ms(SOON_MS)),
	    0);
	/* The host leaves first. */
	meeting_close(m);
	assert_true(slice_eq(t->sender, SLICE("a@example.com")));
	meeting_leave(g);
}

struct opener {
	pthread_t thread;
	int rc;
	struct meeting *meeting;
};

static void *
open_one(void *ctx)
{
	struct opener *o = ctx;

	o->rc = meeting_open(2, clock_deadline_ms(SOON_MS), &o->meeting);
	return NULL;
}

static void
test_seats(void **state)
{
	struct opener o = { .rc = 1 };
	struct meeting *first, *none;

	(void)state;
	meeting_set_seats(3);
	assert_int_equal(meeting_open(4, clock_deadline_ms(SOON_MS), &none),
	    ERR_LIMIT);
	assert_int_equal(meeting_open(2, clock_deadline_ms(SOON_MS), &first),
	    0);
	/* No seats until the deadline; and who gave up blocks nobody. */
	assert_int_equal(meeting_open(2, clock_deadline_ms(30), &none),
	    ERR_TIMEOUT);
	assert_int_equal(pthread_create(&o.thread, NULL, open_one, &o), 0);
	meeting_close(first);
	assert_int_equal(pthread_join(o.thread, NULL), 0);
	assert_int_equal(o.rc, 0);
	meeting_close(o.meeting);
	meeting_close(NULL);
	meeting_leave(NULL);
}

static void
test_deadline(void **state)
{
	char invitation[MEETING_INVITATION_MAX];
	const struct copy_token *t;
	struct guest *g;
	struct meeting *m;

	(void)state;
	meeting_set_seats(1);
	assert_int_equal(meeting_open(1, clock_deadline_ms(SOON_MS), &m), 0);
	assert_int_equal(meeting_invite(m, &token, invitation), 0);
	assert_int_equal(meeting_enter(slice_of(invitation), &g, &t), 0);
	assert_int_equal(meeting_arrive(g, SLICE("Q1"), clock_deadline_ms(20)),
	    ERR_TIMEOUT);
	meeting_leave(g);
	/* It does not count any more. */
	assert_int_equal(meeting_arrived(m), 0);
	meeting_close(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_go),
		cmocka_unit_test(test_none_goes),
		cmocka_unit_test(test_invitations),
		cmocka_unit_test(test_word_before_arrival),
		cmocka_unit_test(test_seats),
		cmocka_unit_test(test_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
