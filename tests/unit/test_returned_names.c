/* SPDX-License-Identifier: BSD-2-Clause */
/* By what a mail names the message that it is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/returned_names.h"
#include "util/buf.h"

/* Words of the right form; who signed them is not looked at. */
#define W1 "r-aeaaaaaamvzgk4tfon2gs3thebqxmylmnruwizjaobzg6"
#define W2 "r-biaaaaaamvzgk4tfon2gs3thebqxmylmnruwizjaobzg6"

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSorry\n--b\n"
#define FEEDBACK \
	"Content-Type: multipart/report; boundary=b;\n" \
	" report-type=feedback-report\n\n--b\n\nHello\n" \
	"--b\nContent-Type: message/feedback-report\n\n" \
	"Feedback-Type: abuse\n"
#define RETURNED "Content-Type: message/rfc822\n\n"

static const struct row {
	const char *what, *mail, *want;
} rows[] = {
	{ "nothing", "Subject: hello\n\nhello\n", "" },
	{ "its own header",
	    "X-Postern-Ref: " W1 "\nMessage-ID: <own@a>\n"
	    "Return-Path: <x@y.test>\n\nhello\n",
	    "" },
	{ "a returned message",
	    MIXED RETURNED "Return-Path: <b-1@ret.test>\n"
			   "Received: from a (b [1.2.3.4]) by mta1.test "
			   "(Postfix)\n\twith ESMTP id 4ZxKq03Rzvz1kB\n"
			   "\tfor <a@b>; Mon, 23 Nov 2026 11:00:00 +0000\n"
			   "X-Postern-Ref:\n " W1 "\nCFBL-Feedback-ID: " W2
			   "\nMessage-ID: <1@a.test>\n\nhello\n--b--\n",
	    "trace=" W1 " trace=" W2 " sender=b-1@ret.test "
	    "message-id=<1@a.test> id=mta1.test/4ZxKq03Rzvz1kB " },
	{ "the returned one's Message-ID, not the last",
	    FEEDBACK "Original-Message-ID: <report@a>\n\n--b\n" RETURNED
		     "Message-ID: <real@a>\n\n"
		     "Message-ID: <body@a>\n--b--\n",
	    "message-id=<real@a> " },
	{ "of the report, where there is no other",
	    FEEDBACK "Original-Message-ID: <report@a>\nOriginal-Envelope-Id: "
		     "b-2\nOriginal-Mail-From: <b-3@ret.test>\n"
		     "CFBL-Feedback-ID: " W1 "\n\n--b--\n",
	    "trace=" W1 " sender=b-3@ret.test envelope-id=b-2 "
	    "message-id=<report@a> " },
	{ "quoted",
	    "Subject: failure notice\n\nHi. This is the qmail-send program.\n"
	    "<a@b.test>:\nno such user\n\n--- Below this line is a copy.\n\n"
	    "Return-Path: <b-4@ret.test>\nReceived: (qmail 1 invoked)\n"
	    "X-Postern-Ref: " W1 "\nMessage-ID: <2@a.test>\n\nhello\n",
	    "trace=" W1 " sender=b-4@ret.test message-id=<2@a.test> " },
	{ "a person quotes",
	    "Subject: Re: hello\n\n> X-Postern-Ref: " W1
	    "\n> > x-postern-ref:\n> >  " W2 "\n",
	    "trace=" W1 " trace=" W2 " " },
	{ "in a part of no known type",
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSorry\n--b\n"
	    "Content-Type: application/octet-stream\n\n"
	    "X-Postern-Ref: " W1 "\n--b--\n",
	    "trace=" W1 " " },
	{ "the same one twice",
	    MIXED RETURNED "X-Postern-Ref: " W1 "\n\n> X-Postern-Ref: " W1
			   "\n--b--\n",
	    "trace=" W1 " " },
	{ "no such words",
	    MIXED RETURNED "X-Postern-Ref: hello\nCFBL-Feedback-ID: 1:2:3:4\n"
			   "Message-ID: nobody\nReturn-Path: <>\n"
			   "Received: by x; now\nReceived: by y id 123\n\n"
			   "--b--\n",
	    "" },
	{ "Postfix's own report",
	    "Content-Type: multipart/report; boundary=b;\n"
	    " report-type=delivery-status\n\n--b\n\nSorry\n--b\n"
	    "Content-Type: message/delivery-status\n\n"
	    "Reporting-MTA: dns; mta1.test\nX-Postfix-Queue-ID: 4ZxKq03Rzv\n\n"
	    "Final-Recipient: rfc822; a@b.test\nAction: failed\n"
	    "Status: 5.1.1\n\n--b--\n",
	    "id=mta1.test/4ZxKq03Rzv " },
};

static void
print(const struct returned_names *n, struct buf *out)
{
	for (size_t i = 0; i < n->trace_count; i++)
		(void)buf_addf(out, "trace=%.*s ", SLICE_F(n->traces[i]));
	for (size_t i = 0; i < n->sender_count; i++)
		(void)buf_addf(out, "sender=%.*s ", SLICE_F(n->senders[i]));
	if (n->envelope_id.at != NULL)
		(void)buf_addf(out, "envelope-id=%.*s ",
		    SLICE_F(n->envelope_id));
	if (n->message_id.at != NULL)
		(void)buf_addf(out, "message-id=%.*s ", SLICE_F(n->message_id));
	for (size_t i = 0; i < n->id_count; i++)
		(void)buf_addf(out, "id=%.*s/%.*s ", SLICE_F(n->ids[i].host),
		    SLICE_F(n->ids[i].queue_id));
}

/* From a heap block of its exact length. */
static void
read_one(const char *mail, size_t len, struct buf *out)
{
	struct arena *arena = arena_new(1 << 20);
	char *exact = malloc(len > 0 ? len : 1);
	struct bounce_parts parts;
	struct returned_names names;

	assert_non_null(arena);
	assert_non_null(exact);
	memcpy(exact, mail, len);
	buf_init(out, 8000);
	assert_int_equal(bounce_parts_read((struct slice){ exact, len }, NULL,
			     arena, &parts),
	    0);
	returned_names_read((struct slice){ exact, len }, &parts, &names);
	print(&names, out);
	free(exact);
	arena_free(arena);
}

static void
test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		read_one(rows[i].mail, strlen(rows[i].mail), &out);
		if (strcmp(buf_text(&out), rows[i].want) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", rows[i].what,
			    buf_text(&out), rows[i].want);
		buf_done(&out);
	}
}

/* Mails are cut at any place. */
static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t n = 0; n < strlen(rows[i].mail); n++) {
			struct buf out;

			read_one(rows[i].mail, n, &out);
			buf_done(&out);
		}
}

/* No more than there is room for. */
static void
test_many(void **state)
{
	struct buf mail, out;
	size_t words = 0;

	(void)state;
	buf_init(&mail, 1 << 20);
	(void)buf_add_text(&mail, MIXED RETURNED);
	for (int i = 0; i < 100; i++)
		(void)buf_addf(&mail,
		    "X-Postern-Ref: %s%c%c\nReceived: by h%d.test id "
		    "QQQQQ%d; x\nReturn-Path: <a%d@b.test>\n",
		    W1, 'a' + i / 26, 'a' + i % 26, i, i, i);
	read_one(mail.at, mail.len, &out);
	for (const char *p = buf_text(&out); *p != '\0'; p++)
		words += *p == ' ';
	assert_int_equal(words, 3 * RETURNED_NAMES_MAX);
	buf_done(&out);
	buf_done(&mail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
