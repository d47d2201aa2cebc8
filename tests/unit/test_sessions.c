/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions at once: counted once, for whom they are, and given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "milter/sessions.h"

static const struct tenant shop = { .name = SLICE("shop"),
	.relay = { .max_sessions = 3, .max_sessions_per_client = 2 } };
static const struct tenant free_one = { .name = SLICE("free") };

static void
test_counts(void **state)
{
	struct session s[6] = { { .tenant_len = 0 } };
	struct slice a = SLICE("192.0.2.1"), b = SLICE("192.0.2.2");

	(void)state;
	assert_int_equal(session_enter(&s[0], &shop, a), SESSION_OK);
	/* Its next message is the same session. */
	assert_int_equal(session_enter(&s[0], &shop, a), SESSION_OK);
	assert_int_equal(session_enter(&s[1], &shop, a), SESSION_OK);
	assert_int_equal(session_enter(&s[2], &shop, a), SESSION_CLIENT_FULL);
	assert_int_equal(session_enter(&s[3], &shop, b), SESSION_OK);
	assert_int_equal(session_enter(&s[4], &shop, b), SESSION_TENANT_FULL);
	/* One that was refused has nothing to give back. */
	session_leave(&s[4]);
	assert_int_equal(session_enter(&s[4], &shop, b), SESSION_TENANT_FULL);
	/* It becomes another tenant's: its place is free. */
	assert_int_equal(session_enter(&s[0], &free_one, a), SESSION_OK);
	assert_int_equal(session_enter(&s[2], &shop, a), SESSION_OK);
	assert_int_equal(session_enter(&s[0], &shop, a), SESSION_TENANT_FULL);
	for (size_t i = 0; i < 6; i++) {
		session_leave(&s[i]);
		session_leave(&s[i]);
	}
	assert_int_equal(session_enter(&s[5], &shop, a), SESSION_OK);
	session_leave(&s[5]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_counts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
