/* SPDX-License-Identifier: BSD-2-Clause */
/* Received fields in the four modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "milter/module.h"
#include "milter/received_field.h"

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
	{ "from ip-10-1-2-3.ec2.internal by a.1.2.3.4.example; Fri",
	    "from unknown by unknown; Fri" },
	{ "from web-1-2-3.example by mx1.2.3.example; Fri",
	    "from web-1-2-3.example by mx1.2.3.example; Fri" },
	{ "from web-2026-11-23-07.example by mx; Fri",
	    "from web-2026-11-23-07.example by mx; Fri" },
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

#define DATE "Mon, 23 Nov 2026 07:00:00 +0000"
#define CLIENT(h, n, a) \
	.helo = { h, sizeof(h) - 1 }, .client_name = { n, sizeof(n) - 1 }, \
	.client = { a, sizeof(a) - 1 }
#define SERVER(a) \
	.server_name = { "mx.example", 10 }, .server = { a, sizeof(a) - 1 }, \
	.queue_id = { "4ZxKq", 5 }, .arrived_ms = 1795417200999
#define WEB CLIENT("web1.example", "gate.example", "192.0.2.7")
#define MX SERVER("192.0.2.25")

static const struct {
	struct received_facts facts;
	const char *normal, *abbreviated;
} ours[] = {
	{ { WEB, MX },
	    "from web1.example (gate.example [192.0.2.7])\n"
	    "\tby mx.example ([192.0.2.25]) id 4ZxKq;\n\t" DATE,
	    "from web1.example by mx.example; " DATE },
	{ { WEB, MX, .tls = true },
	    "from web1.example (gate.example [192.0.2.7])\n"
	    "\tby mx.example ([192.0.2.25]) with ESMTPS id 4ZxKq;\n\t" DATE,
	    "from web1.example by mx.example; " DATE },
	{ { WEB, SERVER(""), .tls = true, .authenticated = true },
	    "from web1.example (gate.example [192.0.2.7])\n"
	    "\tby mx.example with ESMTPSA id 4ZxKq;\n\t" DATE,
	    "from web1.example by mx.example; " DATE },
	{ { WEB, MX, .local = true }, "by mx.example id 4ZxKq;\n\t" DATE,
	    "by mx.example; " DATE },
	/* What a client may call itself. */
	{ { CLIENT("a b", "x)(y", "2001:db8::1"), MX },
	    "from unknown (unknown [IPv6:2001:db8::1])\n"
	    "\tby mx.example ([192.0.2.25]) id 4ZxKq;\n\t" DATE,
	    "from unknown by mx.example; " DATE },
	{ { CLIENT("[192.0.2.7]", "", ""), MX },
	    "from [192.0.2.7] (unknown)\n"
	    "\tby mx.example ([192.0.2.25]) id 4ZxKq;\n\t" DATE,
	    "from unknown by mx.example; " DATE },
	{ { CLIENT("a\r\nX: y", "gate.example", "192.0.2.7"), MX },
	    "from unknown (gate.example [192.0.2.7])\n"
	    "\tby mx.example ([192.0.2.25]) id 4ZxKq;\n\t" DATE,
	    "from unknown by mx.example; " DATE },
};

static void
test_our_field(void **state)
{
	struct buf out;

	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		buf_init(&out, RECEIVED_MAX);
		received_print(&ours[i].facts, &out);
		assert_string_equal(buf_text(&out), ours[i].normal);
		buf_done(&out);
		buf_init(&out, RECEIVED_MAX);
		received_print_abbreviated(&ours[i].facts, &out);
		assert_string_equal(buf_text(&out), ours[i].abbreviated);
		assert_int_equal(out.rc, 0);
		buf_done(&out);
	}
}

/* All that a connection may say fits. */
static void
test_longest(void **state)
{
	char text[255];
	struct slice s = { text, sizeof(text) };
	struct received_facts f = { .helo = s,
		.client_name = s,
		.client = s,
		.server_name = s,
		.server = s,
		.queue_id = s };
	struct buf out;

	(void)state;
	memset(text, 'a', sizeof(text));
	buf_init(&out, RECEIVED_MAX);
	received_print(&f, &out);
	assert_int_equal(out.rc, 0);
	buf_done(&out);
}

static void
test_who_adds_a_field(void **state)
{
	static const struct {
		enum received_mode mode;
		size_t added;
	} modes[] = { { RECEIVED_ABBREVIATED, 1 }, { RECEIVED_NORMAL, 1 },
		{ RECEIVED_KEEP, 0 }, { RECEIVED_REMOVE, 0 } };
	struct message msg;

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		one(modes[i].mode, "by x", &msg);
		assert_int_equal(msg.added_count, modes[i].added);
		if (modes[i].added > 0)
			assert_string_equal(msg.added[0].name.at, "Received");
		message_done(&msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_our_field),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_who_adds_a_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
