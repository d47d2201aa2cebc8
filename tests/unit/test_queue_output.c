/* SPDX-License-Identifier: BSD-2-Clause */
/* What Postfix's queue commands print, as Postfix 3.7 and 3.10 do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/queue_output.h"
#include "util/err.h"

static void
test_changed(void **state)
{
	static const struct {
		enum queue_verb verb;
		const char *text;
		size_t want;
	} cases[] = {
		{ QUEUE_RELEASE,
		    "postsuper: 4gFV5j1zNqz6x2: released from hold\n"
		    "postsuper: 4gFV5j29mYz6x3: released from hold\n"
		    "postsuper: Released from hold: 2 messages\n",
		    2 },
		{ QUEUE_RELEASE, "postsuper: Released from hold: 1 message\n",
		    1 },
		{ QUEUE_HOLD, "postsuper: Placed on hold: 12 messages\n", 12 },
		{ QUEUE_EXPIRE,
		    "postsuper: 4gFV5j1zNqz6x2: expired\n"
		    "postsuper: 4gFV5j1zNqz6x2: released from hold\n"
		    "postsuper: Force-expired: 1 message\n"
		    "postsuper: Released from hold: 1 message\n",
		    1 },
		{ QUEUE_DELETE, "postsuper: Deleted: 1000 messages\n", 1000 },
		{ QUEUE_DELETE, "postsuper: Released from hold: 1 message\n",
		    0 },
		{ QUEUE_DELETE, "", 0 },
		{ QUEUE_DELETE, "postsuper: Deleted: \n", 0 },
		{ QUEUE_DELETE, "postsuper: Deleted: x messages\n", 0 },
		{ QUEUE_DELETE,
		    "postsuper: Deleted: 99999999999999999999 messages\n", 0 },
		{ QUEUE_RETRY, "postsuper: Deleted: 1 message\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (queue_output_changed(cases[i].verb,
			slice_of(cases[i].text)) != cases[i].want)
			fail_msg("case %zu", i);
}

static void
test_trouble(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "postsuper: fatal: open /etc/x/main.cf: No such file or "
		  "directory\n",
		    "postsuper: fatal: open /etc/x/main.cf: No such file or "
		    "directory" },
		{ "postsuper: A1B2C3: released from hold\n"
		  "postsuper: warning: w\n"
		  "postsuper: A1B2C4: released from hold\n"
		  "postsuper: fatal: f\n",
		    "postsuper: warning: w; postsuper: fatal: f" },
		{ "a: warning: 1\na: warning: 2\na: warning: 3\na: fatal: 4\n",
		    "a: warning: 1; a: warning: 2; a: warning: 3" },
		{ "first\nlast words", "last words" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&b);
		queue_output_trouble(slice_of(cases[i].text), &b);
		assert_string_equal(buf_text(&b), cases[i].want);
	}
	buf_done(&b);
}

static void
test_envelope(void **state)
{
	static const char printed[] =
	    "*** ENVELOPE RECORDS hold/4gFV5j1zNqz6x2 ***\n"
	    "message_size:             351             242               1"
	    "               0             351               0\n"
	    "message_arrival_time: Mon Nov 23 14:00:00 2026\n"
	    "named_attribute: log_client_name=localhost\n"
	    "sender: news@example.test\n"
	    "named_attribute: dsn_orig_rcpt=rfc822;a@good.test\n"
	    "original_recipient: A@good.test\n"
	    "recipient: a@good.test\n"
	    "done_recipient: b@good.test\n"
	    "*** MESSAGE CONTENTS hold/4gFV5j1zNqz6x2 ***\n"
	    "*** HEADER EXTRACTED hold/4gFV5j1zNqz6x2 ***\n"
	    "recipient: c@good.test\n"
	    "*** MESSAGE FILE END hold/4gFV5j1zNqz6x2 ***\n";
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(queue_output_envelope(slice_of(printed), &b), 0);
	assert_string_equal(buf_text(&b),
	    "S news@example.test\nR a@good.test\nR c@good.test\n\n");
	buf_clear(&b);
	assert_int_equal(queue_output_envelope(SLICE("sender: \n"), &b), 0);
	assert_string_equal(buf_text(&b), "S \n\n");
	buf_clear(&b);
	assert_int_equal(queue_output_envelope(SLICE("recipient: a@b\n"), &b),
	    ERR_SYNTAX);
	buf_done(&b);
	buf_init(&b, 10);
	assert_int_equal(queue_output_envelope(slice_of(printed), &b),
	    ERR_LIMIT);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
