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
		classify_reply((struct slice){ exact, len },
		    slice_of(replies[i].dsn), &v);
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
}

/* Every row has a name, a status of the product, and lower-case words. */
static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < classify_rule_count; i++) {
		struct slice rest = classify_rules[i].pattern, word;

		assert_true(status_known(classify_rules[i].status));
		while (slice_split(&rest, '|', &word)) {
			if (word.len == 0)
				fail_msg("%s: empty", classify_rules[i].name);
			for (size_t j = 0; j < word.len; j++)
				if (word.at[j] >= 'A' && word.at[j] <= 'Z')
					fail_msg("%s: %.*s",
					    classify_rules[i].name,
					    SLICE_F(word));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
