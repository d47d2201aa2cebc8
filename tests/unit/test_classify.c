/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies to statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/classify.h"

static const struct {
	const char *text, *dsn;
	int status;
	unsigned code;
} replies[] = {
	{ "550 5.1.1 <a@b>: Recipient address rejected: User unknown in "
	  "virtual mailbox table",
	    "5.1.1", STATUS_USER_UNKNOWN, 550 },
	{ "550-5.1.1 The email account that you tried to reach does not "
	  "exist. Please try\n550 5.1.1 double-checking",
	    "", STATUS_USER_UNKNOWN, 550 },
	{ "552 5.2.2 Mailbox full", "", STATUS_FULL, 552 },
	{ "452 4.2.2 The recipient is over quota", "4.2.2", STATUS_FULL, 452 },
	{ "451 4.7.1 Greylisted, try again", "", STATUS_TIMEOUT, 451 },
	{ "450 4.1.1 User unknown for now", "", STATUS_TIMEOUT, 450 },
	{ "552 5.3.4 Message size exceeds fixed limit", "", STATUS_SIZE, 552 },
	{ "550 5.7.1 Message rejected as spam", "", STATUS_REFUSED, 550 },
	{ "550 5.7.26 Unauthenticated email from e.example is not accepted "
	  "due to domain's DMARC policy",
	    "", STATUS_REFUSED, 550 },
	{ "554 5.7.1 <a@b>: Relay access denied", "", STATUS_SERVER, 554 },
	{ "550 5.1.8 Sender address rejected: Domain not found", "",
	    STATUS_REFUSED, 550 },
	{ "Host or domain name not found. Name service error for name=x "
	  "type=AAAA: Host not found",
	    "5.4.4", STATUS_HOST_UNKNOWN, 0 },
	{ "Domain x does not accept mail (nullMX)", "5.1.0",
	    STATUS_HOST_UNKNOWN, 0 },
	{ "mail for x loops back to myself", "5.4.6", STATUS_SERVER, 0 },
	{ "message size 9 exceeds size limit 5 of server x", "5.3.4",
	    STATUS_SIZE, 0 },
	{ "bad address syntax", "5.1.3", STATUS_ADDRESS, 0 },
	{ "connect to x[192.0.2.1]:25: Connection refused", "4.4.1",
	    STATUS_TIMEOUT, 0 },
	{ "550 5.4.1 Recipient address rejected: Access denied.", "",
	    STATUS_USER_UNKNOWN, 550 },
	{ "550 5.2.2 qwertz", "", STATUS_FULL, 550 },
	{ "550 qwertz", "5.2.1", STATUS_USER_UNKNOWN, 550 },
	{ "550 qwertz", "", STATUS_OTHER, 550 },
	/* Vague words give way to a code that tells more, and only to it. */
	{ "550 5.1.1 <a@b> recipient rejected", "", STATUS_USER_UNKNOWN, 550 },
	{ "550 5.2.0 <a@b> recipient rejected", "", STATUS_REFUSED, 550 },
	{ "550 5.2.1 Mailbox unavailable. Your IP address 192.0.2.1 is "
	  "blacklisted using X",
	    "", STATUS_REFUSED, 550 },
	/* Google, Microsoft, and what looks like a quota, a user, a host. */
	{ "550 5.2.1 The user you are trying to contact is receiving mail at "
	  "a rate that prevents additional messages",
	    "", STATUS_REFUSED, 550 },
	{ "550 5.2.1 The email account that you tried to reach is disabled.",
	    "", STATUS_USER_UNKNOWN, 550 },
	{ "550 5.4.5 Daily sending quota exceeded", "", STATUS_REFUSED, 550 },
	{ "550 5.7.134 RESOLVER.RST.SenderNotAuthenticatedForMailbox; sender "
	  "not authenticated",
	    "", STATUS_REFUSED, 550 },
	{ "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
	    "", STATUS_SERVER, 550 },
	{ "host mx-aol.mail.gm0.yahoodns.net[192.0.2.1] said: 554 5.7.9 "
	  "Message not accepted for policy reasons",
	    "", STATUS_REFUSED, 554 },
	{ "User n@b.example not listed in Domino Directory", "5.1.1",
	    STATUS_USER_UNKNOWN, 0 },
	/* In answer to MAIL FROM it is about the sender. */
	{ "host mx.b[192.0.2.1] said: 553 5.1.0 a.example does not exist (in "
	  "reply to MAIL FROM command)",
	    "", STATUS_REFUSED, 553 },
	/* Cisco's name for a code, and the reply itself. */
	{ "5.1.0 - Unknown address error 550-'5.7.1 <a@b>... Access denied' "
	  "(delivery attempts: 0)",
	    "5.0.0", STATUS_REFUSED, 0 },
	/* A reply of many lines behind Postfix's words. */
	{ "host mx.b[192.0.2.1] said: 553-you are trying to use me "
	  "553-[mx.example.com] as 553-a relay 553 (#5.7.1)",
	    "", STATUS_SERVER, 553 },
	{ "cannot update mailbox /var/mail/a for user a. error writing "
	  "message: File too large",
	    "5.2.2", STATUS_FULL, 0 },
	{ "452 4.3.4 Message too big for now", "", STATUS_SIZE, 452 },
	{ "550 Dieses Postfach ist leider voll", "", STATUS_FULL, 550 },
	{ "550 Cet utilisateur n'existe pas", "", STATUS_USER_UNKNOWN, 550 },
	{ "宛先のアドレスが存在しません", "", STATUS_USER_UNKNOWN, 0 },
	{ "554 5.5.1 Error: no valid recipients", "", STATUS_USER_UNKNOWN,
	    554 },
	{ "", "", STATUS_OTHER, 0 },
	{ "", "5.1.1", STATUS_USER_UNKNOWN, 0 },
};

static void
test_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		size_t len = strlen(replies[i].text);
		char *exact = malloc(len + !len);
		struct classify_verdict v;

		assert_non_null(exact);
		memcpy(exact, replies[i].text, len);
		classify_reply(&(struct classify_input){ .text = { exact, len },
				   .dsn = slice_of(replies[i].dsn) },
		    &v);
		if (v.status != replies[i].status ||
		    v.reply_code != replies[i].code)
			fail_msg("%s: %d by %s, code %u", replies[i].text,
			    v.status, v.rule, v.reply_code);
		free(exact);
	}
}

/* Class, the side to blame, the time named, and the list. */
static const struct {
	const char *text;
	int status;
	enum bounce_class class;
	unsigned retry_after_s;
	const char *blocklist;
	struct classify_input who;
} fine[] = {
	{ "452 4.3.1 Insufficient system storage", STATUS_FULL,
	    CLASS_SYSTEM_FULL, 0, "", { .rules = NULL } },
	{ "452 4.2.2 Mailbox full", STATUS_FULL, CLASS_MAILBOX_FULL, 0, "",
	    { .rules = NULL } },
	{ "451 4.7.1 Greylisted, please try again in 300 seconds",
	    STATUS_TIMEOUT, CLASS_GREYLISTED, 300, "", { .rules = NULL } },
	{ "421 4.7.0 Too many connections, wait 1 hour", STATUS_TIMEOUT,
	    CLASS_RATE, 3600, "", { .rules = NULL } },
	{ "450 ５分後に再送してください", STATUS_TIMEOUT, CLASS_OTHER, 300, "",
	    { .rules = NULL } },
	{ "450 しばらくして、30 分以上あけてください", STATUS_TIMEOUT,
	    CLASS_OTHER, 1800, "", { .rules = NULL } },
	{ "450 try again later", STATUS_TIMEOUT, CLASS_OTHER, 0, "",
	    { .rules = NULL } },
	{ "450 try again in 900000000 seconds", STATUS_TIMEOUT, CLASS_OTHER, 0,
	    "", { .rules = NULL } },
	{ "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",
	    STATUS_REFUSED, CLASS_BLOCKLIST, 0, "Spamhaus ZEN",
	    { .rules = NULL } },
	{ "554 5.7.1 blocked using BL.Example.net; see http://www.example.net",
	    STATUS_REFUSED, CLASS_BLOCKLIST, 0, "BL.Example.net",
	    { .rules = NULL } },
	{ "550 192.0.2.1 is listed in lists.example.org (127.0.0.2)",
	    STATUS_REFUSED, CLASS_BLOCKLIST, 0, "lists.example.org",
	    { .rules = NULL } },
	{ "550 5.7.1 rejected: listed by 192.0.2.1", STATUS_REFUSED,
	    CLASS_BLOCKLIST, 0, "", { .rules = NULL } },
	{ "550 5.1.1 no barracuda here: user unknown", STATUS_REFUSED,
	    CLASS_BLOCKLIST, 0, "Barracuda", { .rules = NULL } },
	{ "550 5.1.1 <b@b.example>: user unknown", STATUS_USER_UNKNOWN,
	    CLASS_USER_UNKNOWN, 0, "", { .rules = NULL } },
	/* A code that says unknown, and words that say policy; the reverse. */
	{ "550 5.1.1 too many recipients", STATUS_REFUSED, CLASS_RATE, 0, "",
	    { .rules = NULL } },
	{ "550 5.7.1 user unknown", STATUS_USER_UNKNOWN, CLASS_USER_UNKNOWN, 0,
	    "", { .rules = NULL } },
	/* Answers without words. */
	{ "host mx.b[192.0.2.1] said: 550 (in reply to RCPT TO command)",
	    STATUS_USER_UNKNOWN, CLASS_USER_UNKNOWN, 0, "", { .rules = NULL } },
	{ "host mx.b[192.0.2.1] said: 554 (in reply to MAIL FROM command)",
	    STATUS_REFUSED, CLASS_SENDER, 0, "", { .rules = NULL } },
	{ "554", STATUS_REFUSED, CLASS_SENDER, 0, "",
	    { .command = SLICE("MAIL FROM") } },
	{ "554", STATUS_OTHER, CLASS_OTHER, 0, "", { .rules = NULL } },
	/* The same words of others. */
	{ "550 5.2.0 Unknown user b@docomo.ne.jp", STATUS_REFUSED,
	    CLASS_RECIPIENT_POLICY, 0, "",
	    { .remote = SLICE("mfsmax.docomo.ne.jp[192.0.2.1]:25") } },
	{ "550 5.2.0 Unknown user b@b.example", STATUS_USER_UNKNOWN,
	    CLASS_USER_UNKNOWN, 0, "", { .rules = NULL } },
	{ "552 Too much mail data", STATUS_FULL, CLASS_MAILBOX_FULL, 0, "",
	    { .recipient = SLICE("b@docomo.ne.jp") } },
	{ "552 Too much data in one message", STATUS_SIZE, CLASS_SIZE, 0, "",
	    { .rules = NULL } },
	{ "554 <b..b@ezweb.ne.jp>: Relay access denied", STATUS_ADDRESS,
	    CLASS_BAD_ADDRESS, 0, "",
	    { .recipient = SLICE("b..b@ezweb.ne.jp") } },
	{ "553 a.example does not exist", STATUS_REFUSED, CLASS_SENDER, 0, "",
	    { .remote = SLICE("dns; mx.i.softbank.jp") } },
	{ "550 5.5.0 Requested action not taken: mailbox unavailable",
	    STATUS_USER_UNKNOWN, CLASS_USER_UNKNOWN, 0, "",
	    { .remote = SLICE("b.mail.protection.outlook.com") } },
	{ "550 5.4.1 Recipient address rejected: Access denied",
	    STATUS_USER_UNKNOWN, CLASS_USER_UNKNOWN, 0, "", { .rules = NULL } },
	{ "554 delivery error: dd This user doesn't have a yahoo.com account",
	    STATUS_USER_UNKNOWN, CLASS_USER_UNKNOWN, 0, "", { .rules = NULL } },
	/* Our own Postfix, of its own accord. */
	{ "TLS is required, but was not offered by host mx.b[192.0.2.1]",
	    STATUS_SERVER, CLASS_TLS, 0, "", { .local = true } },
	{ "SMTPUTF8 is required, but was not offered by host mx.b[192.0.2.1]",
	    STATUS_OTHER, CLASS_PROTOCOL, 0, "", { .local = true } },
	{ "connect to mx.b.example[192.0.2.1]:25: Connection timed out",
	    STATUS_TIMEOUT, CLASS_CONNECTION, 0, "", { .local = true } },
	{ "delivery temporarily suspended: host mx.b[192.0.2.1] refused to "
	  "talk to me: 554 5.7.1 bad reputation",
	    STATUS_REFUSED, CLASS_REPUTATION, 0, "", { .local = true } },
};

static void
test_fine(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		struct classify_input in = fine[i].who;
		struct classify_verdict v;

		in.text = slice_of(fine[i].text);
		classify_reply(&in, &v);
		if (v.status != fine[i].status || v.class != fine[i].class ||
		    v.retry_after_s != fine[i].retry_after_s ||
		    !slice_eq(v.blocklist, slice_of(fine[i].blocklist)))
			fail_msg("%s: %d %s by %s, %u s, \"%.*s\"",
			    fine[i].text, v.status, bounce_class_word(v.class),
			    v.rule, v.retry_after_s, SLICE_F(v.blocklist));
	}
}

static void
test_normalize(void **state)
{
	static const struct {
		const char *in, *want;
	} t[] = {
		{ "  A\tB\r\n C ", "a b c" },
		{ "550-5.1.1 No\r\n550-5.1.1 such\r\n550 5.1.1 user",
		    "550-5.1.1 no such user" },
		{ "550-a\n550-b\n550 c", "550-a b 550 c" },
		{ "host x[1] said: 550-a 550-b 550 c",
		    "host x[1] said: 550-a b 550 c" },
		{ "", "" },
	};
	char room[CLASSIFY_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		size_t n = classify_normalize(slice_of(t[i].in), room);

		if (!slice_eq((struct slice){ room, n }, slice_of(t[i].want)))
			fail_msg("%s: %.*s", t[i].in, (int)n, room);
	}
}

static void
test_match(void **state)
{
	(void)state;
	assert_true(classify_match(SLICE("x|b*d"), SLICE("abcde")));
	assert_true(classify_match(SLICE("a*c"), SLICE("a a bc")));
	assert_false(classify_match(SLICE("d*b"), SLICE("abcde")));
	assert_false(classify_match(SLICE("a*z"),
	    SLICE("a 0123456789012345678901234567890123456789"
		  "0123456789 z")));
	/* the first "a" is too far off, the second is not */
	assert_true(classify_match(SLICE("a*z"),
	    SLICE("a 0123456789012345678901234567890123456789"
		  "0123456789 a z")));
	assert_false(classify_match(SLICE("a"), SLICE("")));

	/* Many patterns on one text see the same. */
	static const struct slice patterns[] = { SLICE("x|b*d"), SLICE("a*c"),
		SLICE("d*b"), SLICE("e|zz"), SLICE("abcde"), SLICE("bd"),
		SLICE("f") };
	static const struct slice texts[] = { SLICE("abcde"), SLICE("bzzd"),
		SLICE("e"), SLICE("") };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct classify_text t;

		classify_text_init(&t, texts[i]);
		for (size_t j = 0; j < sizeof(patterns) / sizeof(*patterns);
		     j++)
			assert_int_equal(classify_text_match(patterns[j], &t),
			    classify_match(patterns[j], texts[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_fine),
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
