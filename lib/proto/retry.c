/* SPDX-License-Identifier: BSD-2-Clause */
/* When deferred mail is tried again: curves, and Postfix's likeness of them. */
#include "proto/retry.h"

#include <stddef.h>

/* A curve of one try a second for a month is the longest that is looked at. */
#define TRIES_MAX 3000000
#define QUEUE_RUN_MIN_S 15
#define QUEUE_RUN_MAX_S 300 /* Postfix's own default */

const char *
retry_wrong(const struct retry_curve *c)
{
	int64_t period_s = c->period_ms / 1000;

	if (c->method == RETRY_LINEAR) {
		if (c->a_s <= 0)
			return "a must be above 0";
		return c->a_s < period_s ? NULL
					 : "a must be shorter than the period";
	}
	if (c->a_s < 0)
		return "a must not be below 0";
	if (c->a_s + c->b_s <= 0)
		return "a + b must be above 0";
	return c->a_s + c->b_s < period_s
		   ? NULL
		   : "a + b must be shorter than the period";
}

/* From the attempt before to the n-th retry; false: beyond all numbers. */
static bool
step_of(const struct retry_curve *c, unsigned n, int64_t *ret_step_ms)
{
	int64_t step = c->a_s;

	if (c->method == RETRY_GROWING &&
	    (__builtin_mul_overflow(c->a_s, (int64_t)n, &step) ||
		__builtin_add_overflow(step, c->b_s, &step)))
		return false;
	return !__builtin_mul_overflow(step, INT64_C(1000), ret_step_ms);
}

bool
retry_next(const struct retry_curve *c, int64_t queued_ms, int64_t last_ms,
    unsigned n, int64_t *ret_due_ms)
{
	int64_t step, due, age;

	if (!step_of(c, n, &step) ||
	    __builtin_add_overflow(last_ms, step, &due) ||
	    __builtin_sub_overflow(due, queued_ms, &age) || age > c->period_ms)
		return false;
	*ret_due_ms = due;
	return true;
}

/*
 * How many retries there are, attempts taking no time, and the longest wait
 * before one.
 */
static int64_t
tries_of_curve(const struct retry_curve *c, int64_t *ret_longest_s)
{
	int64_t at = 0, next, longest = 0;
	unsigned n = 1;

	while (n <= TRIES_MAX && retry_next(c, 0, at, n, &next)) {
		if (next - at > longest)
			longest = next - at;
		at = next;
		n++;
	}
	*ret_longest_s = longest / 1000;
	return n - 1;
}

/*
 * How many Postfix makes in that time: after each it waits for as long as the
 * message has been in the queue, within its bounds (qmgr_active.c, and
 * "minimal_backoff_time" in postconf(5)).
 */
static int64_t
tries_of_postfix(int64_t least_s, int64_t most_s, int64_t lifetime_s)
{
	int64_t at = 0, count = 0;

	for (;;) {
		int64_t wait = at < least_s ? least_s : at;

		if (wait >= most_s) /* and so for ever */
			return count + (lifetime_s - at) / most_s;
		if (at + wait > lifetime_s)
			return count;
		at += wait;
		count++;
	}
}

/* The longest wait with which Postfix makes as many tries as the curve. */
static int64_t
maximal_for(int64_t least_s, int64_t lifetime_s, int64_t tries)
{
	int64_t low = least_s, high = lifetime_s;

	while (low < high) {
		int64_t middle = low + (high - low + 1) / 2;

		if (tries_of_postfix(least_s, middle, lifetime_s) >= tries)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* Often enough that waits are kept, and not below the least of them. */
static int64_t
queue_run_for(int64_t least_s)
{
	int64_t delay = least_s / 4;

	if (delay < QUEUE_RUN_MIN_S)
		delay = QUEUE_RUN_MIN_S;
	if (delay > QUEUE_RUN_MAX_S)
		delay = QUEUE_RUN_MAX_S;
	return delay < least_s ? delay : least_s;
}

void
retry_native(const struct retry_curve *c, bool safety,
    struct retry_native *ret_native)
{
	struct retry_native native = { .queue_lifetime_s =
					   c->period_ms / 1000 };
	int64_t longest = 0, step_ms = 1000;
	int64_t tries = tries_of_curve(c, &longest);

	if (!step_of(c, 1, &step_ms) || step_ms < 1000)
		step_ms = 1000;
	if (longest < step_ms / 1000)
		longest = step_ms / 1000;
	if (safety) {
		/* Behind ours by a queue run, so that it never comes first;
		 * and what the scheduler gives up is not given up before. */
		native.queue_run_delay_s = queue_run_for(longest);
		native.minimal_backoff_s = longest + native.queue_run_delay_s;
		native.maximal_backoff_s = native.minimal_backoff_s;
		native.queue_lifetime_s += native.minimal_backoff_s;
	} else {
		native.minimal_backoff_s = step_ms / 1000;
		native.maximal_backoff_s =
		    c->method == RETRY_LINEAR
			? native.minimal_backoff_s
			: maximal_for(native.minimal_backoff_s,
			      native.queue_lifetime_s, tries);
		native.queue_run_delay_s =
		    queue_run_for(native.minimal_backoff_s);
	}
	*ret_native = native;
}
