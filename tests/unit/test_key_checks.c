/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys checked beside the loop: right, wrong, equal ones once, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/loop.h"
#include "policyd/key_checks.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"

struct answers {
	unsigned due, right, wrong, late, canceled, other;
	bool over;
};

static void
checked(int rc, void *ctx)
{
	struct answers *a = ctx;

	if (rc == 1)
		a->right++;
	else if (rc == 0)
		a->wrong++;
	else if (rc == ERR_TIMEOUT)
		a->late++;
	else if (rc == ERR_CANCELED)
		a->canceled++;
	else
		a->other++;
	if (--a->due == 0)
		a->over = true;
}

static struct event_base *base;
static struct buf hash;

static int
ask(struct key_checks *k, const char *client, const char *key, uint8_t mark,
    int64_t ms, struct answers *a)
{
	struct verified_mark m = { { mark } };
	int rc = key_check(k, slice_of(client), slice_of(key), buf_slice(&hash),
	    &m, clock_deadline_ms(ms), checked, a);

	if (rc == 0)
		a->due++;
	return rc;
}

static void
test_answers(void **state)
{
	struct key_checks *k = key_checks_new(base, 1);
	struct answers a = { .due = 0 };

	(void)state;
	assert_non_null(k);
	assert_int_equal(ask(k, "a", "secret", 1, 60000, &a), 0);
	assert_int_equal(ask(k, "a", "Secret", 2, 60000, &a), 0);
	assert_int_equal(ask(k, "b", "secret", 3, -1, &a), 0);
	loop_run_until(base, &a.over);
	assert_int_equal(a.right, 1);
	assert_int_equal(a.wrong, 1);
	assert_int_equal(a.late, 1);
	key_checks_free(k);
	key_checks_free(NULL);
}

/* As many as may wait, of many clients; equal ones are checked once, or this
 * would take long.  One more is turned away. */
static void
test_bounds(void **state)
{
	struct key_checks *k = key_checks_new(base, 2);
	struct answers a = { .due = 0 };
	unsigned turned_away = 0;
	char client[20];

	(void)state;
	assert_non_null(k);
	for (unsigned i = 0; i < KEY_CHECKS_CLIENT_MAX + 10; i++)
		turned_away +=
		    ask(k, "greedy", "wrong", 1, 60000, &a) == ERR_LIMIT;
	/* Less those that the threads have taken. */
	assert_true(turned_away >= 7 && turned_away <= 10);
	for (unsigned i = 0; i < KEY_CHECKS_MAX; i++) {
		(void)snprintf(client, sizeof(client), "client %u", i % 50);
		turned_away +=
		    ask(k, client, "secret", 2, 60000, &a) == ERR_LIMIT;
	}
	assert_true(turned_away >= KEY_CHECKS_CLIENT_MAX);
	loop_run_until(base, &a.over);
	assert_int_equal(a.right + a.wrong + turned_away,
	    KEY_CHECKS_MAX + KEY_CHECKS_CLIENT_MAX + 10);
	assert_int_equal(a.late + a.other + a.canceled, 0);
	key_checks_free(k);
}

static void
test_ends(void **state)
{
	struct key_checks *k = key_checks_new(base, 1);
	struct answers a = { .due = 0 };

	(void)state;
	assert_non_null(k);
	for (uint8_t i = 0; i < 20; i++)
		assert_int_equal(ask(k, "a", "secret", i, 60000, &a), 0);
	key_checks_free(k);
	assert_true(a.over);
	assert_true(a.canceled >= 18);
	assert_int_equal(a.canceled + a.right, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_ends),
	};
	int failed;

	base = loop_new();
	buf_init(&hash, 1000);
	if (base == NULL || crypto_password_hash(SLICE("secret"), &hash) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_done(&hash);
	loop_free(base);
	return failed;
}
