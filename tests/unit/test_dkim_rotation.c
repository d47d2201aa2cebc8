/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of DKIM keys, step by step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/dkim_record.h"
#include "proto/dkim_rotation.h"
#include "util/err.h"

#define DAY 86400
#define NOW ((int64_t)1000 * DAY)

static const struct rotation_rules rules = { .every_s = 90 * DAY,
	.publish_s = DAY,
	.retire_s = 7 * DAY };

/* The state after the plan, or -1: dropped. */
static int
next(enum dkim_state state, int64_t age_s, int match)
{
	struct rotation_key k = { .state = state,
		.since_s = NOW - age_s,
		.match = match };
	struct rotation_new more;

	dkim_rotation_plan(&rules, &k, 1, NOW, &more);
	assert_false(more.ed25519);
	return k.drop ? -1 : (int)k.next;
}

static void
test_steps(void **state)
{
	(void)state;
	for (int match = -5; match < DKIM_MATCH_NTYPES; match++) {
		bool ok = match == DKIM_MATCH_OK;

		assert_int_equal(next(DKIM_PREPARED, 0, match),
		    ok ? DKIM_PUBLISHED : DKIM_PREPARED);
		assert_int_equal(next(DKIM_PUBLISHED, DAY - 1, match),
		    DKIM_PUBLISHED);
		assert_int_equal(next(DKIM_PUBLISHED, DAY, match),
		    ok ? DKIM_ACTIVE : DKIM_PUBLISHED);
		assert_int_equal(next(DKIM_PUBLISHED, NOW, match),
		    DKIM_PUBLISHED); /* since when is not known */
		assert_int_equal(next(DKIM_ACTIVE, 900 * DAY, match),
		    DKIM_ACTIVE);
		assert_int_equal(next(DKIM_RETIRING, 7 * DAY - 1, match),
		    DKIM_RETIRING);
		assert_int_equal(next(DKIM_RETIRING, 7 * DAY, match),
		    DKIM_REMOVED);
	}
	assert_int_equal(next(DKIM_REMOVED, 0, DKIM_MATCH_NONE), -1);
	assert_int_equal(next(DKIM_REMOVED, 0, DKIM_MATCH_REVOKED), -1);
	assert_int_equal(next(DKIM_REMOVED, 0, DKIM_MATCH_OTHER), -1);
	assert_int_equal(next(DKIM_REMOVED, 900 * DAY, DKIM_MATCH_OK),
	    DKIM_REMOVED);
	assert_int_equal(next(DKIM_REMOVED, 900 * DAY, ERR_TIMEOUT),
	    DKIM_REMOVED);
}

static void
test_the_old_one_gives_way(void **state)
{
	struct rotation_key keys[] = {
		{ .state = DKIM_ACTIVE, .since_s = NOW - 91 * DAY },
		{ .state = DKIM_ACTIVE,
		    .since_s = NOW - 91 * DAY,
		    .ed25519 = true },
		{ .state = DKIM_PUBLISHED, .since_s = NOW - DAY },
		{ .state = DKIM_PUBLISHED, .since_s = NOW, .ed25519 = true },
	};
	struct rotation_new more;

	(void)state;
	dkim_rotation_plan(&rules, keys, 4, NOW, &more);
	assert_int_equal(keys[0].next, DKIM_RETIRING);
	assert_int_equal(keys[1].next, DKIM_ACTIVE);
	assert_int_equal(keys[2].next, DKIM_ACTIVE);
	assert_int_equal(keys[3].next, DKIM_PUBLISHED);
	assert_false(more.rsa);
	assert_false(more.ed25519);
}

static void
test_new_ones(void **state)
{
	struct rotation_rules never = rules;
	struct rotation_key keys[] = {
		{ .state = DKIM_ACTIVE, .since_s = NOW - 90 * DAY },
		{ .state = DKIM_ACTIVE,
		    .since_s = NOW - 89 * DAY,
		    .ed25519 = true },
		{ .state = DKIM_RETIRING, .since_s = NOW },
	};
	struct rotation_new more;

	(void)state;
	dkim_rotation_plan(&rules, keys, 3, NOW, &more);
	assert_true(more.rsa);
	assert_false(more.ed25519);
	keys[2].state = DKIM_PREPARED; /* it is made already */
	dkim_rotation_plan(&rules, keys, 3, NOW, &more);
	assert_false(more.rsa);
	keys[2].state = DKIM_REMOVED;
	never.every_s = 0;
	dkim_rotation_plan(&never, keys, 3, NOW, &more);
	assert_false(more.rsa);
	keys[0].since_s = 0;
	dkim_rotation_plan(&rules, keys, 3, NOW, &more);
	assert_false(more.rsa);
	dkim_rotation_plan(&rules, NULL, 0, NOW, &more);
	assert_false(more.rsa || more.ed25519);
}

static void
test_by_hand(void **state)
{
	struct rotation_key keys[] = {
		{ .state = DKIM_PREPARED, .match = DKIM_MATCH_NONE },
		{ .state = DKIM_ACTIVE, .match = DKIM_MATCH_OK },
		{ .state = DKIM_ACTIVE, .match = DKIM_MATCH_OTHER },
	};

	(void)state;
	assert_non_null(dkim_rotation_refusal(keys, 3, 0, DKIM_PUBLISHED));
	assert_string_equal(dkim_rotation_refusal(keys, 3, 0, DKIM_ACTIVE),
	    "is not in the DNS");
	assert_null(dkim_rotation_refusal(keys, 3, 0, DKIM_REMOVED));
	keys[0].match = ERR_TIMEOUT;
	assert_string_equal(dkim_rotation_refusal(keys, 3, 0, DKIM_ACTIVE),
	    "the DNS does not answer");
	keys[0].match = DKIM_MATCH_OK;
	assert_null(dkim_rotation_refusal(keys, 3, 0, DKIM_ACTIVE));
	/* The other one that signs is not in the DNS. */
	assert_non_null(dkim_rotation_refusal(keys, 3, 1, DKIM_RETIRING));
	assert_non_null(dkim_rotation_refusal(keys, 3, 1, DKIM_PREPARED));
	assert_non_null(dkim_rotation_refusal(keys, 3, 1, DKIM_PUBLISHED));
	assert_null(dkim_rotation_refusal(keys, 3, 2, DKIM_RETIRING));
	assert_non_null(dkim_rotation_refusal(keys, 3, 1, DKIM_REMOVED));
	keys[2].match = DKIM_MATCH_OK;
	assert_null(dkim_rotation_refusal(keys, 3, 1, DKIM_RETIRING));
	assert_null(dkim_rotation_refusal(keys, 3, 1, DKIM_PUBLISHED));
}

static void
test_words(void **state)
{
	enum dkim_state s;

	(void)state;
	for (int i = DKIM_PREPARED; i <= DKIM_REMOVED; i++) {
		assert_int_equal(dkim_state_parse(slice_of(dkim_state_word(
						      (enum dkim_state)i)),
				     &s),
		    0);
		assert_int_equal(s, i);
	}
	assert_int_equal(dkim_state_parse(SLICE("asleep"), &s), ERR_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_the_old_one_gives_way),
		cmocka_unit_test(test_new_ones),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
