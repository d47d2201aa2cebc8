/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounces that are passed on: our own reader must understand them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/bounce_format.h"
#include "proto/mime.h"

static struct bounce_report reports[] = {
	{ .kind = BOUNCE_FAILED,
	    .recipient = SLICE("ann@a.example"),
	    .final = SLICE("ann@b.example"),
	    .reason = SLICE("550 5.1.1 no such user \xe2\x80\x93 sorry"),
	    .relay = SLICE("mx.b.example"),
	    .verdict = { .status = STATUS_FORWARDED,
		.enhanced = { 5, 1, 1 } } },
	{ .kind = BOUNCE_FAILED,
	    .recipient = SLICE("bob@c.example"),
	    .reason = SLICE("mailbox full"),
	    .verdict = { .status = STATUS_FULL } },
};
static const struct bounce_note base = {
	.from = SLICE("mailer-daemon@back.example"),
	.to = SLICE("app@shop.example"),
	.host = SLICE("mta1.example"),
	.id = SLICE("0123abcd"),
	.at_ms = INT64_C(1795000000000),
	.subject = SLICE("H\xc3\xa4llo \x1b[31m"),
	.message_id = SLICE("<1@shop.example>"),
	.reports = reports,
	.count = 2,
	.returned = SLICE("Return-Path: <b-tag@back.example>\r\n"
			  "X-Postern-Ref: tag\r\n\tof more lines\r\n"
			  "From: app@shop.example\r\nTo: ann@a.example\r\n"
			  "Subject: H\r\n llo\r\n\r\nthe body\r\n"),
};

static void
test_a_report_is_read_as_it_was_meant(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct bounce_mail mail;
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	assert_non_null(arena);
	assert_int_equal(bounce_format(&base, &out), 0);
	assert_int_equal(bounce_mail_read(buf_slice(&out), NULL, arena, &mail),
	    0);
	assert_int_equal(mail.kind, BOUNCE_FAILED);
	assert_int_equal(mail.count, 2);
	assert_true(slice_eq(mail.reports[0].original, reports[0].recipient));
	assert_true(slice_eq(mail.reports[0].final, reports[0].final));
	assert_int_equal(mail.reports[0].verdict.status, STATUS_FORWARDED);
	assert_true(slice_eq(mail.reports[1].recipient, reports[1].recipient));
	assert_int_equal(mail.reports[1].verdict.status, STATUS_FULL);
	arena_free(arena);
	buf_done(&out);
}

static void
test_none_of_our_tags_is_in_it(void **state)
{
	const enum bounce_form forms[] = { BOUNCE_FORM_REPORT,
		BOUNCE_FORM_SIMPLE };
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < 2; i++) {
		struct bounce_note note = base;

		note.form = forms[i];
		buf_clear(&out);
		assert_int_equal(bounce_format(&note, &out), 0);
		assert_null(slice_find(buf_slice(&out), SLICE("b-tag")));
		assert_null(slice_find(buf_slice(&out), SLICE("X-Postern")));
		assert_null(slice_find(buf_slice(&out), SLICE("of more")));
		assert_null(slice_find(buf_slice(&out), SLICE("the body")));
		assert_null(slice_find(buf_slice(&out), SLICE("\x1b")));
		assert_non_null(
		    slice_find(buf_slice(&out), SLICE("To: ann@a.example")));
	}
	buf_done(&out);
}

static void
test_a_delay_says_so(void **state)
{
	struct bounce_report late = reports[1];
	struct bounce_note note = base;
	struct arena *arena = arena_new(1 << 20);
	struct bounce_mail mail;
	struct buf out;

	(void)state;
	late.kind = BOUNCE_DELAY;
	note.reports = &late;
	note.count = 1;
	buf_init(&out, 1 << 20);
	assert_int_equal(bounce_format(&note, &out), 0);
	assert_int_equal(bounce_mail_read(buf_slice(&out), NULL, arena, &mail),
	    0);
	assert_int_equal(mail.kind, BOUNCE_DELAY);
	arena_free(arena);
	buf_done(&out);
}

/* What the mail system said can not become a field or a part of its own. */
static void
test_answers_can_not_break_out(void **state)
{
	struct bounce_report evil = {
		.kind = BOUNCE_FAILED,
		.recipient = SLICE("a@b\r\nX-Evil: 1"),
		.reason =
		    SLICE("550 x\r\n\r\n--=_postern_0123abcd--\r\nBcc: y"),
		.relay = SLICE("mx\nAction: delivered"),
		.verdict = { .status = STATUS_REFUSED },
	};
	struct bounce_note note = base;
	struct arena *arena = arena_new(1 << 20);
	struct slice rest, line;
	struct mime mime;
	struct buf out;

	(void)state;
	note.reports = &evil;
	note.count = 1;
	note.to = SLICE("app@shop.example>\nBcc: <z@z");
	note.returned = SLICE("");
	buf_init(&out, 1 << 20);
	assert_int_equal(bounce_format(&note, &out), 0);
	rest = buf_slice(&out);
	while (mime_line(&rest, &line)) {
		assert_false(slice_starts_nocase(line, SLICE("x-evil")));
		assert_false(slice_starts_nocase(line, SLICE("bcc")));
		assert_false(slice_starts(line, SLICE("Action: delivered")));
	}
	assert_int_equal(mime_parse(buf_slice(&out), arena, &mime), 0);
	assert_int_equal(mime.count, 3); /* itself, text, report */
	arena_free(arena);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_report_is_read_as_it_was_meant),
		cmocka_unit_test(test_none_of_our_tags_is_in_it),
		cmocka_unit_test(test_a_delay_says_so),
		cmocka_unit_test(test_answers_can_not_break_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
