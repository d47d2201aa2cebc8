/* SPDX-License-Identifier: BSD-2-Clause */
/* Notices about refused messages: their text, and how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "milter/notice.h"
#include "proto/mail_date.h"
#include "proto/mime.h"
#include "util/utf8.h"

#define SHOP SLICE("shop")

static const struct slice to[] = { SLICE("abuse@shop.example"),
	SLICE("it@shop.example") };

static struct notice
plain_notice(void)
{
	return (struct notice){ .to = to,
		.to_count = 2,
		.host = SLICE("mx.example"),
		.sent_ms = 1795431600000,
		.id = SLICE("0-1"),
		.tenant = SHOP,
		.virus = SLICE("Eicar-Test-Signature"),
		.at_ms = 1795431600123,
		.queue_id = SLICE("4QX"),
		.client = SLICE("192.0.2.1"),
		.sender = SLICE(""),
		.header_from = SLICE("J\xc3\xbcrgen <j@x>"),
		.subject =
		    SLICE("a\x1b[31mred\r\nBcc: victim@x\xe2\x80\xae\xff"),
		.recipients = SLICE("a@x\nb@x"),
		.recipient_count = 7,
		.kept = SLICE("019f5d0a4c00-0badcafe"),
		.kept_until_ms = 1796641200123 };
}

/* The mail as text, its body decoded. */
static void
format(const struct notice *n, struct buf *mail, struct buf *body)
{
	struct arena *arena = arena_new(100000);
	struct mime mime;

	buf_clear(mail);
	buf_clear(body);
	assert_int_equal(notice_format(n, mail), 0);
	for (size_t i = 0; i < mail->len; i++)
		assert_true((mail->at[i] >= ' ' && mail->at[i] < 127) ||
			    mail->at[i] == '\n');
	assert_int_equal(mime_parse(buf_slice(mail), arena, &mime), 0);
	assert_int_equal(mime.count, 1);
	assert_int_equal(mime_decode(&mime.parts[0], body), 0);
	assert_true(utf8_ok(buf_slice(body)));
	arena_free(arena);
}

static void
test_text(void **state)
{
	struct notice n = plain_notice();
	struct buf mail, body;

	(void)state;
	buf_init(&mail, NOTICE_MAX);
	buf_init(&body, NOTICE_MAX);
	format(&n, &mail, &body);
	assert_true(slice_starts(buf_slice(&mail),
	    SLICE("From: Postern <postmaster@mx.example>\n"
		  "To: <abuse@shop.example>,\n <it@shop.example>\n"
		  "Subject: Virus refused: Eicar-Test-Signature (shop)\n"
		  "Date: Mon, 23 Nov 2026 11:00:00 +0000\n"
		  "Message-ID: <0-1@mx.example>\n"
		  "Auto-Submitted: auto-generated\n")));
	assert_string_equal(buf_text(&body),
	    "A message was refused because it contains a virus.\n"
	    "Its sender was told so; no recipient has it.\n\n"
	    "Virus:       Eicar-Test-Signature\n"
	    "Time:        2026-11-23T11:00:00.123Z\n"
	    "Tenant:      shop\n"
	    "Queue id:    4QX\n"
	    "Client:      192.0.2.1\n"
	    "Sender:      <>\n"
	    "From:        J\xc3\xbcrgen <j@x>\n"
	    "Subject:     a?[31mred??Bcc: victim@x?\xef\xbf\xbd\n"
	    "Recipients:  a@x\n"
	    "             b@x\n"
	    "             and 5 more\n"
	    "\nIt is kept, encrypted:\n\n"
	    "Id:          019f5d0a4c00-0badcafe\n"
	    "Until:       2026-12-07T11:00:00.123Z\n"
	    "\n    postern quarantine -t shop view 019f5d0a4c00-0badcafe\n");

	n.lacks = SLICE("too large to keep");
	format(&n, &mail, &body);
	assert_non_null(strstr(buf_text(&body), "Only these facts are kept"));
	assert_non_null(
	    strstr(buf_text(&body), "Content:     too large to keep\n"));
	n.from = SLICE("scan@shop.example");
	n.kept.at = NULL;
	/* What a signature may be called stays inside of its field. */
	n.virus = SLICE("x\r\nBcc: v@x");
	format(&n, &mail, &body);
	assert_non_null(
	    strstr(buf_text(&mail), "From: Postern <scan@shop.example>\n"));
	assert_non_null(
	    strstr(buf_text(&mail), "Subject: Virus refused: x??Bcc: v@x ("));
	assert_non_null(strstr(buf_text(&body), "was not kept"));

	n.more = 7;
	format(&n, &mail, &body);
	assert_non_null(strstr(buf_text(&mail),
	    "Subject: Virus refused: 7 more messages (shop)\n"));
	assert_true(slice_starts(buf_slice(&body), SLICE("7 more messages ")));
	buf_done(&mail);
	buf_done(&body);
}

static void
test_everything_at_its_longest(void **state)
{
	struct notice n = plain_notice();
	size_t len = 100000;
	char *text = malloc(len);
	struct slice long_text = { text, len }, many[20];
	struct buf mail, body;

	(void)state;
	for (size_t i = 0; i < len; i++)
		text[i] = i % 100 == 99 ? '\n' : '\xc3';
	for (size_t i = 0; i < 20; i++)
		many[i] = (struct slice){ text, 250 };
	n.to = many;
	n.to_count = 20;
	n.queue_id = n.client = n.sender = n.header_from = n.subject =
	    n.recipients = n.virus = long_text;
	buf_init(&mail, NOTICE_MAX);
	buf_init(&body, NOTICE_MAX);
	format(&n, &mail, &body);
	buf_done(&mail);
	buf_done(&body);
	free(text);
}

static void
test_limit(void **state)
{
	struct notice_limit *l = notice_limit_new();
	struct notice_missed missed;
	const int64_t second = 1000000, begin = 5 * second;
	int64_t next;

	(void)state;
	assert_false(notice_limit_over(l, begin, &missed, &next));
	assert_int_equal(next, 0);
	for (int i = 0; i < NOTICE_PER_MINUTE; i++)
		assert_true(notice_limit_ok(l, SHOP, SLICE("v"), begin));
	assert_false(notice_limit_ok(l, SHOP, SLICE("v"), begin + second));
	assert_false(notice_limit_ok(l, SHOP, SLICE("w"), begin + second));
	assert_true(notice_limit_ok(l, SLICE("b"), SLICE("v"), begin + second));
	assert_false(notice_limit_over(l, begin + second, &missed, &next));
	assert_int_equal(next, begin + 60 * second);
	/* Not before those left out were told. */
	assert_false(notice_limit_ok(l, SHOP, SLICE("w"), begin + 61 * second));
	assert_true(notice_limit_over(l, begin + 61 * second, &missed, &next));
	assert_true(slice_eq(missed.tenant, SHOP));
	assert_true(slice_eq(missed.virus, SLICE("w")));
	assert_int_equal(missed.count, 3);
	assert_false(notice_limit_over(l, begin + 61 * second, &missed, &next));
	assert_int_equal(next, 0);
	assert_true(notice_limit_ok(l, SHOP, SLICE("v"), begin + 62 * second));
	/* A minute that left none out begins anew. */
	for (int i = 1; i < NOTICE_PER_MINUTE; i++)
		assert_true(
		    notice_limit_ok(l, SHOP, SLICE("v"), begin + 62 * second));
	assert_true(notice_limit_ok(l, SHOP, SLICE("v"), begin + 123 * second));
	notice_limit_free(l);
}

static void
test_many_tenants(void **state)
{
	struct notice_limit *l = notice_limit_new();
	struct notice_missed missed;
	int64_t next;
	char name[20];

	(void)state;
	for (int i = 0; i < NOTICE_TENANTS_MAX + 5; i++) {
		(void)snprintf(name, sizeof(name), "t%d", i);
		assert_int_equal(notice_limit_ok(l, slice_of(name), SLICE("v"),
				     1),
		    i < NOTICE_TENANTS_MAX);
	}
	assert_false(notice_limit_over(l, 100000000, &missed, &next));
	assert_true(notice_limit_ok(l, SHOP, SLICE("v"), 100000000));
	notice_limit_free(l);
}

static void
test_safe_text(void **state)
{
	static const struct {
		struct slice in, out;
	} cases[] = {
		{ SLICE(""), SLICE("") },
		{ SLICE("plain \xc3\xa4\xe6\x97\xa5"),
		    SLICE("plain \xc3\xa4\xe6\x97\xa5") },
		{ SLICE("\x1b]0;x\x07\x7f"), SLICE("?]0;x??") },
		{ SLICE("\xc2\x9b"
			"31m"),
		    SLICE("?31m") }, /* C1's CSI */
		{ SLICE("a\xe2\x80\xae"
			"b\xe2\x81\xa6"),
		    SLICE("a?b?") },
		{ SLICE("\x9b\xff"), SLICE("\xef\xbf\xbd\xef\xbf\xbd") },
		{ SLICE("\xe2\x80\xa8"), SLICE("?") },
	};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		utf8_safe(cases[i].in, &out);
		assert_true(slice_eq(buf_slice(&out), cases[i].out));
	}
	buf_done(&out);
	buf_init(&out, 4);
	utf8_safe(SLICE("abc\xc3\xa4"), &out);
	assert_true(slice_eq(buf_slice(&out), SLICE("abc")));
	buf_done(&out);
}

static void
test_date(void **state)
{
	char room[MAIL_DATE_MAX];

	(void)state;
	assert_int_equal(mail_date_format(0, room), 30);
	assert_string_equal(room, "Thu, 1 Jan 1970 00:00:00 +0000");
	(void)mail_date_format(1709164799999, room);
	assert_string_equal(room, "Wed, 28 Feb 2024 23:59:59 +0000");
	(void)mail_date_format(INT64_MAX, room); /* no such year: no text */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_everything_at_its_longest),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_many_tenants),
		cmocka_unit_test(test_safe_text),
		cmocka_unit_test(test_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
