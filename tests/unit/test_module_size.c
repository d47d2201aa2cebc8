/* SPDX-License-Identifier: BSD-2-Clause */
/* The largest message: header and body together, of mail from smtpd(8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "milter/module.h"

static enum verdict
pass(uint64_t max, bool from_smtpd, size_t pieces, const char **ret_dsn)
{
	struct tenant tenant = { .relay = { .max_size = max } };
	struct message msg;
	enum verdict verdict = VERDICT_NEXT;
	char piece[100] = "";
	void *state;

	assert_int_equal(message_init(&msg), 0);
	msg.tenant = &tenant;
	assert_int_equal(message_add_rcpt(&msg, SLICE("<a@b.test>"),
			     from_smtpd),
	    0);
	assert_int_equal(message_add_field(&msg, SLICE("Subject"), SLICE("x")),
	    0);
	state = arena_alloc(msg.arena, module_size.state_size);
	assert_non_null(state);
	assert_int_equal(module_size.begin(&msg, state),
	    max > 0 && from_smtpd ? BODY_STREAM : BODY_NOT);
	for (size_t i = 0; verdict == VERDICT_NEXT && i < pieces; i++)
		verdict = module_size.body(&msg, state,
		    (struct slice){ piece, sizeof(piece) });
	if (verdict == VERDICT_NEXT)
		verdict = module_size.eom(&msg, state);
	*ret_dsn = msg.reply_dsn;
	message_done(&msg);
	return verdict;
}

static void
test_limit(void **state)
{
	const char *dsn;

	(void)state;
	assert_int_equal(pass(1024, true, 9, &dsn), VERDICT_NEXT);
	assert_int_equal(pass(1024, true, 11, &dsn), VERDICT_REJECT);
	assert_string_equal(dsn, "5.3.4");
	/* The header alone is too large. */
	assert_int_equal(pass(1, true, 0, &dsn), VERDICT_REJECT);
	assert_int_equal(pass(0, true, 100, &dsn), VERDICT_NEXT);
	assert_int_equal(pass(1024, false, 100, &dsn), VERDICT_NEXT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_limit) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
