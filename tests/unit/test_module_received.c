/* SPDX-License-Identifier: BSD-2-Clause */
/* Received fields in the four modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "milter/module.h"

static const struct {
	const char *before, *after;
} cases[] = {
	{ "from mta.example.com (web1.internal [10.1.2.3])\n"
	  "\t(using TLSv1.3 with cipher X (256/256 bits))\n"
	  "\tby mta01.example.net (Postfix) with ESMTPSA id 4ZxKq\n"
	  "\tfor <user@example.org>; Mon, 23 Nov 2026 07:00:00 +0000 (UTC)",
	    "from mta.example.com by mta01.example.net; "
	    "Mon, 23 Nov 2026 07:00:00 +0000 (UTC)" },
	{ "from [10.1.2.3] (unknown [10.1.2.3]) by mx (x) with SMTP;\n"
	  " Mon, 23 Nov 2026 07:00:00 +0000",
	    "from unknown by mx; Mon, 23 Nov 2026 07:00:00 +0000" },
	{ "from 10.1.2.3 by 192.0.2.1; Mon, 23 Nov 2026 07:00:00 +0000",
	    "from unknown by unknown; Mon, 23 Nov 2026 07:00:00 +0000" },
	{ "by mx.example.com (Postfix, from userid 1000) id 4Zx; Mon, 1 Jan "
	  "2026 00:00:00 +0000",
	    "by mx.example.com; Mon, 1 Jan 2026 00:00:00 +0000" },
	{ "from a.example by b.example; Mon", "from a.example by b.example; "
					      "Mon" },
	{ "from a.example by b.example with SMTP",
	    "from a.example by b.example" },
	{ "(from user@localhost) by h.example (8.17) id x; Tue",
	    "by h.example; Tue" },
	{ "from", "by unknown" },
	{ "", "by unknown" },
	{ "from a(comment;by evil)by b.example;Wed",
	    "from a by b.example; Wed" },
	{ "from a.example by b.example (open ; Thu", "from a.example by "
						     "b.example" },
	{ "from [IPv6:fd00::1] by [fd00::2] id 1; Fri",
	    "from unknown by unknown; Fri" },
};

static void
one(enum received_mode mode, const char *value, struct message *msg)
{
	static struct tenant tenant;

	tenant.received = mode;
	assert_int_equal(message_init(msg), 0);
	msg->tenant = &tenant;
	assert_int_equal(message_add_field(msg, SLICE("RECEIVED"),
			     slice_of(value)),
	    0);
	assert_int_equal(message_add_field(msg, SLICE("Subject"),
			     slice_of(value)),
	    0);
	assert_int_equal(module_received.eom(msg, NULL), VERDICT_NEXT);
	assert_int_equal(msg->fields[1].state, FIELD_KEPT);
}

static void
test_modes(void **state)
{
	struct message msg;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		one(RECEIVED_ABBREVIATED, cases[i].before, &msg);
		assert_string_equal(msg.fields[0].field.value.at,
		    cases[i].after);
		assert_int_equal(msg.fields[0].state,
		    strcmp(cases[i].before, cases[i].after) == 0
			? FIELD_KEPT
			: FIELD_CHANGED);
		message_done(&msg);
		one(RECEIVED_NORMAL, cases[i].before, &msg);
		assert_int_equal(msg.fields[0].state, FIELD_KEPT);
		message_done(&msg);
		one(RECEIVED_KEEP, cases[i].before, &msg);
		assert_int_equal(msg.fields[0].state, FIELD_KEPT);
		message_done(&msg);
		one(RECEIVED_REMOVE, cases[i].before, &msg);
		assert_int_equal(msg.fields[0].state, FIELD_DELETED);
		message_done(&msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
