/* SPDX-License-Identifier: BSD-2-Clause */
/* Releasing held mail, over simulated days: rate, order, bound, catching up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policyd/scheduler_plan.h"
#include "proto/settings.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define MESSAGES_MAX 120000

/*
 * A host: messages that are held until due and by priority, and what is being
 * delivered, so many in a second.
 */
struct message {
	int64_t due_us, arrived_us, left_us;
	unsigned priority, place;
};
struct host {
	struct scheduler_settings settings;
	struct scheduler_plan plan;
	struct message *messages;
	size_t count, waiting;
	int64_t now_us, next_us;
	int64_t down_from_us, down_to_us; /* the helper is away */
	double in_flight, per_second;
	size_t rounds, most_in_flight, most_in_second;
	int64_t worst_lag_us;
	unsigned left_count;
	size_t *order;   /* of leaving */
	size_t next_due; /* messages are sorted by due */
	size_t *ready, ready_count, ready_at;
};

static void
host_init(struct host *h, unsigned per_second, unsigned bound)
{
	*h = (struct host){ .settings = { .max_in_flight = bound,
				.release_per_second = per_second } };
	h->messages = calloc(MESSAGES_MAX, sizeof(*h->messages));
	h->order = calloc(MESSAGES_MAX, sizeof(*h->order));
	h->ready = calloc(MESSAGES_MAX, sizeof(*h->ready));
	assert_true(
	    h->messages != NULL && h->order != NULL && h->ready != NULL);
	h->per_second = 1e9;
	h->now_us = h->next_us = 1000 * HOUR;
}

static void
host_done(struct host *h)
{
	free(h->messages);
	free(h->order);
	free(h->ready);
}

static void
add(struct host *h, size_t n, int64_t due_us, unsigned priority)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(h->count < MESSAGES_MAX);
		assert_true(h->count == 0 ||
			    h->messages[h->count - 1].due_us <= due_us);
		h->messages[h->count++] = (struct message){ .due_us = due_us,
			.arrived_us = h->now_us,
			.priority = priority };
		h->waiting++;
	}
}

static bool
before(const struct host *h, size_t a, size_t b)
{
	const struct message *x = &h->messages[a], *y = &h->messages[b];

	if (x->priority != y->priority)
		return x->priority > y->priority;
	return a < b;
}

/* What is due goes to where it belongs among the ready ones. */
static void
become_ready(struct host *h)
{
	for (; h->next_due < h->count &&
	       h->messages[h->next_due].due_us <= h->now_us;
	     h->next_due++) {
		size_t at = h->ready_count++;

		while (at > h->ready_at &&
		       before(h, h->next_due, h->ready[at - 1])) {
			h->ready[at] = h->ready[at - 1];
			at--;
		}
		h->ready[at] = h->next_due;
	}
}

static void
leave(struct host *h, size_t room, int64_t done_us)
{
	size_t count = h->ready_count - h->ready_at;
	int64_t slot;

	if (count > room)
		count = room;
	plan_released(&h->plan, &h->settings, count, done_us, &slot);
	for (size_t i = 0; i < count; i++) {
		size_t m = h->ready[h->ready_at++];
		int64_t lag = done_us - slot -
			      (int64_t)i * plan_interval_us(&h->settings);

		assert_int_equal(h->messages[m].left_us, 0);
		h->messages[m].left_us = done_us;
		h->order[h->left_count++] = m;
		if (lag > h->worst_lag_us)
			h->worst_lag_us = lag;
	}
	h->waiting -= count;
	h->in_flight += (double)count;
	if (h->in_flight > (double)h->most_in_flight)
		h->most_in_flight = (size_t)h->in_flight;
}

/* One round of the scheduler; release takes 30 ms. */
static void
round_of(struct host *h)
{
	const int64_t took = 30000;
	int64_t due_ms = -1, late = 0;
	bool down = h->now_us >= h->down_from_us && h->now_us < h->down_to_us;
	size_t room;

	h->rounds++;
	if (h->next_due < h->count && h->ready_at == h->ready_count)
		late = h->now_us - h->messages[h->next_due].due_us;
	become_ready(h);
	room = plan_room(&h->plan, &h->settings, (size_t)h->in_flight, late,
	    h->now_us);
	if (!down)
		leave(h, room, h->now_us + took);
	if (h->next_due < h->count)
		due_ms =
		    (h->messages[h->next_due].due_us - h->now_us + 999) / 1000;
	h->next_us = h->now_us + took +
		     1000 * plan_wait_ms(&h->plan, h->ready_at < h->ready_count,
				due_ms, h->now_us + took);
}

static void
run_to(struct host *h, int64_t end_us)
{
	while (h->next_us < end_us) {
		h->in_flight -=
		    (double)(h->next_us - h->now_us) / 1e6 * h->per_second;
		if (h->in_flight < 0)
			h->in_flight = 0;
		h->now_us = h->next_us;
		round_of(h);
	}
	if (h->now_us < end_us)
		h->now_us = end_us;
}

/* How many left in the second from at on. */
static size_t
left_in(const struct host *h, int64_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < h->count; i++)
		n += h->messages[i].left_us >= at &&
		     h->messages[i].left_us < at + SECOND;
	return n;
}

/* Three days, a window's end on each morning: spread, in order, at once. */
static void
test_windows(void **state)
{
	struct host h;
	int64_t start;

	(void)state;
	host_init(&h, 500, 0);
	start = h.now_us;
	for (int day = 0; day < 3; day++) {
		int64_t end = start + (24 * day + 9) * HOUR;

		run_to(&h, end - 8 * HOUR);
		add(&h, 20000, end, 50);
		run_to(&h, end - 1);
		assert_int_equal(h.left_count, 20000 * day);
		run_to(&h, end + 41 * SECOND);
		assert_int_equal(h.waiting, 0);
		for (int s = 0; s < 40; s++) {
			size_t n = left_in(&h, end + s * SECOND);

			assert_true(n <= 600);
			assert_true(s == 39 || n >= 400);
		}
	}
	for (size_t i = 0; i < h.left_count; i++)
		assert_int_equal(h.order[i], i);
	/* A tick, and the time that a release takes. */
	assert_true(h.worst_lag_us < SECOND / 4);
	/* Nearly idle: a look a second. */
	assert_true(h.rounds < 57 * 3600 + 3 * 500);
	host_done(&h);
}

/* A password mail behind 100,000 newsletters. */
static void
test_priority(void **state)
{
	struct host h;
	int64_t begin, leaves;

	(void)state;
	host_init(&h, 500, 200);
	h.per_second = 100;
	begin = h.now_us;
	add(&h, 100000, begin, 10);
	run_to(&h, begin + 60 * SECOND);
	assert_true(h.left_count >= 5500 && h.left_count <= 6300);
	assert_true(h.most_in_flight <= 200);
	add(&h, 1, h.now_us, 90);
	add(&h, 1, h.now_us, 99);
	run_to(&h, h.now_us + 5 * SECOND);
	leaves = h.messages[100000].left_us - h.messages[100000].due_us;
	assert_true(leaves > 0 && leaves < SECOND);
	assert_true(h.messages[100001].left_us <= h.messages[100000].left_us);
	/* Those of low priority go on, in their order. */
	for (size_t i = 1; i < h.left_count; i++)
		assert_true(h.order[i] >= 100000 || h.order[i - 1] >= 100000 ||
			    h.order[i] == h.order[i - 1] + 1);
	host_done(&h);
}

/* Strict: while there is better mail than can be delivered, others wait. */
static void
test_starvation(void **state)
{
	struct host h;

	(void)state;
	host_init(&h, 500, 50);
	h.per_second = 20;
	add(&h, 1, h.now_us, 10);
	run_to(&h, h.now_us + 2 * SECOND);
	assert_int_equal(h.left_count, 1);
	for (int s = 0; s < 100; s++) {
		add(&h, 40, h.now_us, 90);
		if (s == 10)
			add(&h, 1, h.now_us, 10);
		run_to(&h, h.now_us + SECOND);
	}
	for (size_t i = 0; i < h.count; i++)
		if (h.messages[i].priority == 10 && i > 0)
			assert_int_equal(h.messages[i].left_us, 0);
	run_to(&h, h.now_us + 150 * SECOND);
	assert_int_equal(h.waiting, 0);
	host_done(&h);
}

/* The helper was away for a minute: made up for, but no flood. */
static void
test_catch_up(void **state)
{
	struct host h;
	int64_t start;

	(void)state;
	host_init(&h, 500, 0);
	start = h.now_us;
	add(&h, 20000, start + 10 * SECOND, 50);
	h.down_from_us = start + 15 * SECOND;
	h.down_to_us = start + 75 * SECOND;
	run_to(&h, h.down_to_us);
	assert_true(h.left_count < 2700);
	run_to(&h, h.down_to_us + 60 * SECOND);
	assert_int_equal(h.waiting, 0);
	/* Two seconds' worth more than the rate, in two batches. */
	assert_true(left_in(&h, h.down_to_us) <= 500 + 1100);
	assert_true(left_in(&h, h.down_to_us + 2 * SECOND) <= 600);
	host_done(&h);
}

/* One a second, and ten thousand a second. */
static void
test_rates(void **state)
{
	const unsigned rates[] = { 1, 7, 10000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct host h;
		int64_t start;

		host_init(&h, rates[i], 0);
		start = h.now_us;
		add(&h, 20 * rates[i] < MESSAGES_MAX ? 20 * rates[i] : 80000,
		    start, 1);
		run_to(&h, start + 10 * SECOND);
		if (rates[i] < 100) {
			assert_true(h.left_count >= 9 * rates[i]);
			assert_true(h.left_count <= 11 * rates[i]);
		} else { /* bounded by the size of a batch and the tick */
			assert_true(h.left_count > 30000);
			assert_true(h.left_count <= 110000);
		}
		host_done(&h);
	}
}

/* The bound holds although what was released is counted late. */
static void
test_settling(void **state)
{
	const struct scheduler_settings s = { .max_in_flight = 100,
		.release_per_second = 10000 };
	struct scheduler_plan p = { .slot_us = 0 };
	int64_t now = 5 * SECOND, slot;

	(void)state;
	assert_int_equal(plan_room(&p, &s, 40, SECOND, now), 60);
	plan_released(&p, &s, 60, now, &slot);
	(void)plan_wait_ms(&p, true, -1, now);
	assert_int_equal(plan_room(&p, &s, 40, 0, now + SECOND / 10), 0);
	(void)plan_wait_ms(&p, true, -1, now + SECOND / 10);
	/* Slots that the bound did not let anybody use are gone. */
	assert_int_equal(plan_room(&p, &s, 0, 0, now + SECOND), 1);
	plan_released(&p, &s, 1, now + SECOND, &slot);
	assert_int_equal(slot, now + SECOND);
	assert_int_equal(plan_room(&p, &s, 5000, 0, now + 2 * SECOND), 0);
}

/* Who is not in the hold queue yet is looked for again. */
static void
test_absent(void **state)
{
	int64_t age = 0, wait;
	unsigned tries = 0;

	(void)state;
	for (; (wait = plan_absent_ms(age)) > 0; tries++)
		age += wait;
	assert_true(tries >= 4 && tries <= 8);
	assert_true(age >= 10000);
	assert_int_equal(plan_absent_ms(86400000), 0);
	assert_int_equal(plan_absent_ms(-86400000), 0);
	assert_true(plan_absent_ms(-5) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_starvation),
		cmocka_unit_test(test_catch_up),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_settling),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
