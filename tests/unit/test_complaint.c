/* SPDX-License-Identifier: BSD-2-Clause */
/* Complaints as mailbox providers send them, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/complaint.h"
#include "util/buf.h"
#include "util/err.h"

#define REPORT \
	"From: Feedback <fbl@provider.test>\n" \
	"Content-Type: multipart/report;\n" \
	" report-type=feedback-report; boundary=\"b\"\n\n" \
	"--b\nContent-Type: text/plain\n\nThis is an abuse report.\n" \
	"--b\nContent-Type: message/feedback-report\n\n"
#define RETURNED \
	"\n--b\nContent-Type: message/rfc822\n\n" \
	"To: reader@far.test\nSubject: hello\n\nhello\n--b--\n"

struct row {
	const char *what, *mail, *want;
};

static const struct row rows[] = {
	{ "RFC 5965, B.1",
	    REPORT "Feedback-Type: abuse\nUser-Agent: SomeGenerator/1.0\n"
		   "Version: 1\n" RETURNED,
	    "abuse fbl@provider.test" },
	{ "RFC 5965, B.2",
	    REPORT "Feedback-Type: abuse\nUser-Agent: SomeGenerator/1.0\n"
		   "Version: 1\nOriginal-Mail-From: <somespammer@example.net>\n"
		   "Original-Rcpt-To: <user@example.com>\n"
		   "Reported-URI: mailto:user@example.com\n" RETURNED,
	    "abuse fbl@provider.test user@example.com" },
	{ "several recipients, folded, one of them twice",
	    REPORT "Original-Rcpt-To: a@far.test\nFeedback-Type: abuse\n"
		   "Original-Rcpt-To:\n rfc822;b@far.test\n"
		   "original-rcpt-to: A@FAR.test\n" RETURNED,
	    "abuse fbl@provider.test a@far.test b@far.test" },
	{ "a name before the address",
	    REPORT "Feedback-Type: abuse\nOriginal-Rcpt-To: undisclosed "
		   "recipient <redacted@far.test>\n" RETURNED,
	    "abuse fbl@provider.test redacted@far.test" },
	{ "redacted to a word",
	    REPORT "Feedback-Type: abuse\nOriginal-Rcpt-To: redacted\n"
		   "Redacted-Address: redacted\n" RETURNED,
	    "abuse fbl@provider.test" },
	{ "an opt-out with who opts out",
	    REPORT
	    "Feedback-Type: opt-out\nRemoval-Recipient: <a@far.test>\n" RETURNED,
	    "opt-out fbl@provider.test a@far.test" },
	{ "opt-out-list", REPORT "Feedback-Type: opt-out-list\n" RETURNED,
	    "opt-out fbl@provider.test" },
	{ "fraud", REPORT "Feedback-Type: Fraud (phishing)\n" RETURNED,
	    "fraud fbl@provider.test" },
	{ "virus", REPORT "Feedback-Type: virus\n" RETURNED,
	    "virus fbl@provider.test" },
	{ "a type that nobody knows",
	    REPORT "Feedback-Type: x-boring\n" RETURNED,
	    "other fbl@provider.test" },
	{ "no type", REPORT "Version: 1\n" RETURNED,
	    "other fbl@provider.test" },
	{ "RFC 6692, not spam",
	    REPORT
	    "Feedback-Type: not-spam\nOriginal-Rcpt-To: a@far.test\n" RETURNED,
	    "not-spam fbl@provider.test a@far.test" },
	{ "RFC 6591",
	    REPORT
	    "Feedback-Type: auth-failure\nAuth-Failure: dmarc\n" RETURNED,
	    "auth-failure fbl@provider.test" },
	{ "the part lost its type",
	    "From: fbl@provider.test\nContent-Type: multipart/report;\n"
	    " report-type=feedback-report; boundary=b\n\n--b\n\n"
	    "Feedback-Type: abuse\nOriginal-Rcpt-To: a@far.test\n\n--b--\n",
	    "abuse fbl@provider.test a@far.test" },
	{ "no report type, but the part",
	    "From: fbl@provider.test\nContent-Type: multipart/mixed;\n"
	    " boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n"
	    "Feedback-Type: abuse\n\n--b--\n",
	    "abuse fbl@provider.test" },
	{ "JMRP",
	    "From: staff@hotmail.com\nSubject: complaint about message from "
	    "192.0.2.1\nContent-Type: multipart/mixed; boundary=b\n\n"
	    "--b\nContent-Type: message/rfc822\n\n"
	    "X-HmXmrOriginalRecipient: reader@far.test\nX-Reporter-IP: "
	    "192.0.2.9\nTo: other@far.test\n\nhello\n--b--\n",
	    "abuse staff@hotmail.com reader@far.test" },
	{ "JMRP in one part",
	    "From: staff@hotmail.com\nContent-Type: message/rfc822\n\n"
	    "X-HmXmrOriginalRecipient: <reader@far.test>\n\nhello\n",
	    "abuse staff@hotmail.com reader@far.test" },
	{ "JMRP, redacted",
	    "From: staff@hotmail.com\nSubject: complaint about message from "
	    "192.0.2.1\nContent-Type: multipart/mixed; boundary=b\n\n"
	    "--b\nContent-Type: message/rfc822\n\nTo: x\n\nhello\n--b--\n",
	    "abuse staff@hotmail.com" },
	{ "nobody can be sure of a subject",
	    "From: a@b.test\nSubject: complaint about message from "
	    "192.0.2.1\nContent-Type: multipart/mixed; boundary=b\n\n"
	    "--b\nContent-Type: message/rfc822\n\nTo: x\n\nhello\n--b--\n",
	    "none" },
	{ "SNS",
	    "From: no-reply@sns.test\n\n"
	    "{\"notificationType\":\"Complaint\",\"complaint\":{"
	    "\"complainedRecipients\":[{\"emailAddress\":\"a@far.test\"},"
	    "{\"emailAddress\":\"b@far.test\"}],\"complaintFeedbackType\":"
	    "\"abuse\"},\"mail\":{\"emailAddress\":\"c@far.test\"}}\n",
	    "abuse no-reply@sns.test a@far.test b@far.test" },
	{ "SNS, not spam",
	    "\n{\"notificationType\":\"Complaint\",\"complaint\":{"
	    "\"complaintFeedbackType\":\"not-spam\"}}",
	    "not-spam -" },
	{ "SNS without a type",
	    "\n{\"eventType\":\"Complaint\",\"complaint\":{"
	    "\"complaintFeedbackType\":null}}",
	    "abuse -" },
	{ "Apple Mail",
	    "From: reader@far.test\nX-Apple-Unsubscribe: true\n\nunsubscribe\n",
	    "opt-out reader@far.test reader@far.test" },
	{ "an ordinary mail", "From: a@b.test\nSubject: hello\n\nhello\n",
	    "none" },
	{ "a mail that speaks of it",
	    "From: a@b.test\n\nFeedback-Type: abuse\n", "none" },
};

/* From a heap block of its exact length. */
static void
read_one(const struct row *row, bool failed, struct buf *out)
{
	size_t len = strlen(row->mail);
	struct arena *arena = arena_new(1 << 20);
	char *exact = malloc(len > 0 ? len : 1);
	struct bounce_parts parts;
	struct complaint c;

	assert_non_null(arena);
	assert_non_null(exact);
	memcpy(exact, row->mail, len);
	assert_int_equal(bounce_parts_read((struct slice){ exact, len }, NULL,
			     arena, &parts),
	    0);
	buf_init(out, 1000);
	if (complaint_read(&parts, failed, &c) == 0) {
		(void)buf_add_text(out, "none");
	} else {
		(void)buf_addf(out, "%s %.*s", complaint_word(c.type),
		    SLICE_F(c.reporter.len > 0 ? c.reporter : SLICE("-")));
		for (size_t i = 0; i < c.count; i++)
			(void)buf_addf(out, " %.*s", SLICE_F(c.recipients[i]));
	}
	free(exact);
	arena_free(arena);
}

static void
test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		read_one(&rows[i], false, &out);
		if (strcmp(buf_text(&out), rows[i].want) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", rows[i].what,
			    buf_text(&out), rows[i].want);
		buf_done(&out);
	}
}

/* Behind a report of deliveries only a feedback report counts. */
static void
test_failed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool report = slice_find(slice_of(rows[i].mail),
				  SLICE("feedback-report")) != NULL;
		struct buf out;

		read_one(&rows[i], true, &out);
		assert_string_equal(buf_text(&out),
		    report ? rows[i].want : "none");
		buf_done(&out);
	}
}

static void
test_types(void **state)
{
	static const struct {
		enum complaint_type type;
		bool readers, none;
	} types[] = {
		{ COMPLAINT_ABUSE, true, false },
		{ COMPLAINT_FRAUD, true, false },
		{ COMPLAINT_OPT_OUT, true, false },
		{ COMPLAINT_VIRUS, false, false },
		{ COMPLAINT_OTHER, false, false },
		{ COMPLAINT_NOT_SPAM, false, true },
		{ COMPLAINT_AUTH_FAILURE, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_int_equal(complaint_is_readers(types[i].type),
		    types[i].readers);
		assert_int_equal(complaint_is_none(types[i].type),
		    types[i].none);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
