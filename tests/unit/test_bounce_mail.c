/* SPDX-License-Identifier: BSD-2-Clause */
/* Mails that came back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/bounce_mail.h"

#define REPORT(fields) \
	"From: MAILER-DAEMON@mx.example\nTo: s@a.example\n" \
	"Subject: Undelivered Mail Returned to Sender\n" \
	"Content-Type: multipart/report; report-type=delivery-status; " \
	"boundary=b\n\n--b\n\nI am sorry.\n--b\n" \
	"Content-Type: message/delivery-status\n\n" \
	"Reporting-MTA: dns; mx.example\n\n" fields \
	"--b\nContent-Type: text/rfc822-headers\n\nTo: r@b.example\n--b--\n"
#define WORDS(text) \
	"From: MAILER-DAEMON@mx.example\nTo: s@a.example\n" \
	"Subject: failure notice\n\n" text

/* want: "kind" and for each recipient " recipient=status" */
static const struct {
	const char *name, *mail, *want;
} cases[] = {
	{ "a failed recipient",
	    REPORT("Final-Recipient: rfc822; r@b.example\nAction: failed\n"
		   "Status: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n"),
	    "bounce r@b.example=2" },
	{ "a delay",
	    REPORT("Final-Recipient: rfc822; r@b.example\nAction: delayed\n"
		   "Status: 4.4.1\n"),
	    "delay r@b.example=0" },
	{ "one delivered, one failed",
	    REPORT("Final-Recipient: a@b.example\nAction: delivered\n"
		   "Status: 2.0.0\n\nFinal-Recipient: c@b.example\n"
		   "Action: failed\nStatus: 5.2.2\n"),
	    "bounce a@b.example=0 c@b.example=5" },
	{ "forwarded",
	    REPORT("Original-Recipient: rfc822; r@b.example\n"
		   "Final-Recipient: rfc822; x@c.example\nAction: failed\n"
		   "Status: 5.1.1\n"),
	    "bounce r@b.example=6" },
	{ "qmail",
	    WORDS("Hi. This is the qmail-send program at mx.example.\n"
		  "I'm afraid I wasn't able to deliver your message.\n\n"
		  "<r@b.example>:\n192.0.2.1 does not like recipient.\n"
		  "Remote host said: 550 5.1.1 User unknown\nGiving up.\n\n"
		  "--- Below this line is a copy of the message.\n\n"
		  "To: other@c.example\n"),
	    "bounce r@b.example=2" },
	{ "Exim",
	    "From: Mail Delivery System <Mailer-Daemon@mx.example>\n"
	    "X-Failed-Recipients: r@b.example\n"
	    "Subject: Mail delivery failed: returning message to sender\n\n"
	    "  r@b.example\n    mailbox is full: retry timeout exceeded\n\n"
	    "------ This is a copy of the message, including headers ------\n"
	    "To: other@c.example\n",
	    "bounce r@b.example=5" },
	{ "a delay in words",
	    WORDS("Message to <r@b.example> has been delayed. Delivery "
		  "attempts will be made for 5 days; no action is "
		  "required. It could not be delivered yet.\n"),
	    "delay r@b.example=0" },
	{ "a complaint",
	    "From: fbl@x\nContent-Type: multipart/report; "
	    "report-type=feedback-report; boundary=b\n\n--b\n\nhello\n--b\n"
	    "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n"
	    "Original-Rcpt-To: <r@b.example>\n\n--b--\n",
	    "complaint r@b.example=0" },
	{ "a vacation",
	    "From: r@b.example\nSubject: Out of office\n"
	    "Auto-Submitted: auto-replied\n\nMailbox full of sand.\n",
	    "auto-reply" },
	{ "an ordinary mail", "From: r@b.example\nSubject: quota\n\nHi\n",
	    "other" },
	{ "nothing", "", "other" },
};

static void
test_mails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *arena = arena_new(1 << 24);
		size_t len = strlen(cases[i].mail), n;
		char *exact = malloc(len + !len), got[512];
		struct bounce_mail m;

		assert_non_null(arena);
		assert_non_null(exact);
		memcpy(exact, cases[i].mail, len);
		assert_int_equal(bounce_mail_read((struct slice){ exact, len },
				     arena, &m),
		    0);
		n = (size_t)snprintf(got, sizeof(got), "%s",
		    bounce_kind_word(m.kind));
		for (size_t j = 0; j < m.count; j++)
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    " %.*s=%d", SLICE_F(m.reports[j].recipient),
			    m.reports[j].verdict.status);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].name, got);
		/* Cut anywhere, it is still read. */
		for (size_t cut = 0; cut < len; cut += 7) {
			arena_reset(arena);
			assert_int_equal(bounce_mail_read((struct slice){ exact,
							      cut },
					     arena, &m),
			    0);
		}
		free(exact);
		arena_free(arena);
	}
}

static void
test_address(void **state)
{
	static const struct {
		const char *in, *want;
	} t[] = {
		{ "to <a.b+c@d-e.example>.", "a.b+c@d-e.example" },
		{ "a@b c@d.example", "c@d.example" },
		{ "@ @@ x@", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct slice got = bounce_text_address(slice_of(t[i].in));

		if (!slice_eq(got, slice_of(t[i].want)))
			fail_msg("%s: %.*s", t[i].in, SLICE_F(got));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mails),
		cmocka_unit_test(test_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
