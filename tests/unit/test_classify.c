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
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
