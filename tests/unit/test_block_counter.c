/* SPDX-License-Identifier: BSD-2-Clause */
/* A condition tried on events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/block_counter.h"
#include "proto/status.h"
#include "util/err.h"

static bool
add(struct block_trial *t, const struct event *e)
{
	bool blocks = false;

	assert_int_equal(block_trial_add(t, e, &blocks), 0);
	return blocks;
}

static struct event
error_of(const char *address, const char *message, int64_t at_s)
{
	return (struct event){ .type = EVENT_FAILED,
		.id = SLICE("h/1/1-0"),
		.recipient = slice_of(address),
		.message = slice_of(message),
		.status = STATUS_REFUSED,
		.class = CLASS_SPAM,
		.created_ms = at_s * 1000 };
}

static void
which_count(void **state)
{
	struct blocking_condition c = { .enabled = true, .count = 1 };
	struct block_trial *t = block_trial_new(&c, STATUS_REFUSED, 10);
	struct event e = error_of("a@x", "m1", 100);

	(void)state;
	assert_non_null(t);
	assert_int_equal(block_trial_types(t),
	    1U << EVENT_FAILED | 1U << EVENT_BOUNCED);
	assert_false(add(t, &e)); /* spam is the sender's fault */
	e.class = CLASS_RECIPIENT_POLICY;
	e.repeated = true;
	assert_false(add(t, &e));
	e.repeated = false;
	e.origin = SLICE("virus");
	assert_false(add(t, &e));
	e.origin = SLICE("");
	e.status = STATUS_FULL;
	assert_false(add(t, &e));
	e.status = STATUS_REFUSED;
	assert_true(add(t, &e));
	assert_false(add(t, &e));
	assert_int_equal(block_trial_sum(t)->errors, 5);
	assert_int_equal(block_trial_sum(t)->counted, 2);
	assert_int_equal(block_trial_sum(t)->blocked, 1);
	assert_int_equal(block_trial_sum(t)->by_class[CLASS_RECIPIENT_POLICY],
	    1);
	block_trial_free(t);
}

static void
any_fault_and_success(void **state)
{
	struct blocking_condition c = { .enabled = true,
		.count = 2,
		.any_fault = true,
		.lift_on_success = true };
	struct block_trial *t = block_trial_new(&c, STATUS_REFUSED, 10);
	struct event e = error_of("a@x", "m1", 100);
	struct event sent = { .type = EVENT_SUCCEEDED,
		.recipient = SLICE("a@x"),
		.created_ms = 150000 };

	(void)state;
	assert_false(add(t, &e));
	assert_false(add(t, &sent)); /* begins anew */
	e = error_of("a@x", "m2", 200);
	assert_false(add(t, &e));
	e = error_of("a@x", "m3", 300);
	assert_true(add(t, &e));
	sent.created_ms = 400000;
	assert_false(add(t, &sent));
	assert_int_equal(block_trial_sum(t)->lifted, 1);
	assert_int_equal(block_trial_sum(t)->addresses, 1);
	block_trial_free(t);
}

static void
complaints(void **state)
{
	struct blocking_condition c = { .enabled = true, .count = 1 };
	struct block_trial *t = block_trial_new(&c, STATUS_NONE, 10);
	struct event e = error_of("a@x", "m1", 100);

	(void)state;
	assert_int_equal(block_trial_types(t), 1U << EVENT_COMPLAINED);
	assert_false(add(t, &e));
	e.type = EVENT_COMPLAINED;
	e.status = 0;
	assert_true(add(t, &e));
	block_trial_free(t);
}

static void
bounded(void **state)
{
	struct blocking_condition c = { .enabled = true,
		.count = 9,
		.any_fault = true };
	struct block_trial *t = block_trial_new(&c, STATUS_REFUSED, 2);
	bool blocks;

	(void)state;
	for (int i = 0; i < 3; i++) {
		char address[16];

		(void)snprintf(address, sizeof(address), "u%d@x", i);
		struct event e = error_of(address, "m", 1);
		assert_int_equal(block_trial_add(t, &e, &blocks),
		    i < 2 ? 0 : ERR_LIMIT);
	}
	block_trial_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_count),
		cmocka_unit_test(any_fault_and_success),
		cmocka_unit_test(complaints),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
