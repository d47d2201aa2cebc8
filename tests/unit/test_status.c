/* SPDX-License-Identifier: BSD-2-Clause */
/* Error statuses, enhanced codes and replies in text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/status.h"

static struct slice
exact_copy(const char *src)
{
	size_t len = strlen(src);
	char *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, src, len);
	return (struct slice){ copy, len };
}

static void
drop(struct slice s)
{
	char *at;

	memcpy(&at, &s.at, sizeof(at));
	free(at);
}

static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(status_word(STATUS_USER_UNKNOWN), "user_unknown");
	assert_string_equal(status_word(99), "other");
	assert_string_equal(status_word(12), "unknown");
	assert_string_equal(status_word(-1), "unknown");
	assert_string_equal(status_text(10), "address is blocked");
	assert_true(status_known(0) && status_known(11) && status_known(99));
	assert_false(status_known(12) || status_known(98) || status_known(-1));
}

static const struct {
	const char *in;
	size_t used;
	struct enhanced_code want;
} codes[] = {
	{ "5.1.1", 5, { 5, 1, 1 } },
	{ "5.1.1 <a@b>", 5, { 5, 1, 1 } },
	{ "4.7.999: x", 7, { 4, 7, 999 } },
	{ "2.0.0", 5, { 2, 0, 0 } },
	{ "5.1.10", 6, { 5, 1, 10 } },
	{ "5.1.1.", 5, { 5, 1, 1 } },
	{ "", 0, { 0 } },
	{ "5", 0, { 0 } },
	{ "5.1.", 0, { 0 } },
	{ "5.1", 0, { 0 } },
	{ "3.1.1", 0, { 0 } },
	{ "5.01.1", 0, { 0 } },
	{ "5.1.01", 0, { 0 } },
	{ "5.1000.1", 0, { 0 } },
	{ "5.1.1000", 0, { 0 } },
	{ "5.1.1.2", 0, { 0 } },
	{ "5-1-1", 0, { 0 } },
	{ " 5.1.1", 0, { 0 } },
};

static void
test_enhanced_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct enhanced_code code = { 0 };
		struct slice in = exact_copy(codes[i].in);

		if (enhanced_code_parse(in, &code) != codes[i].used ||
		    memcmp(&code, &codes[i].want, sizeof(code)) != 0)
			fail_msg("%s", codes[i].in);
		drop(in);
	}
}

static const struct {
	const char *in;
	unsigned code;
	struct enhanced_code enhanced;
	const char *text;
} replies[] = {
	{ "", 0, { 0 }, "" },
	{ "550 5.1.1 no such user", 550, { 5, 1, 1 }, "no such user" },
	{ "550-5.1.1 first 550 5.1.1 second", 550, { 5, 1, 1 },
	    "first 550 5.1.1 second" },
	{ "550 no such user", 550, { 0 }, "no such user" },
	{ "550", 550, { 0 }, "" },
	{ "550 #5.1.0 Address rejected.", 550, { 5, 1, 0 },
	    "Address rejected." },
	{ "554 mail refused [5.7.1] by policy", 554, { 5, 7, 1 },
	    "mail refused [5.7.1] by policy" },
	{ "smtp; 452 4.2.2 Mailbox full", 452, { 4, 2, 2 }, "Mailbox full" },
	{ "smtp;550 x", 550, { 0 }, "x" },
	{ "host mx[192.0.2.1] said: 550 5.1.1 <a@b>: unknown (in reply to "
	  "RCPT TO command)",
	    550, { 5, 1, 1 }, "<a@b>: unknown (in reply to RCPT TO command)" },
	{ "host 250.example[2.0.2.1] said: 421 4.7.0 later", 421, { 4, 7, 0 },
	    "later" },
	{ "host a[::1] refused to talk to me: 554 no", 554, { 0 }, "no" },
	{ "connect to a[203.0.113.5]:25: Connection refused", 0, { 0 },
	    "connect to a[203.0.113.5]:25: Connection refused" },
	{ "5.4.4 (unable to route)", 0, { 5, 4, 4 }, "(unable to route)" },
	{ "rejected with 5.7.1 by us", 0, { 5, 7, 1 },
	    "rejected with 5.7.1 by us" },
	{ "runs version 2.11.3 here", 0, { 0 }, "runs version 2.11.3 here" },
	{ "waited 300s", 0, { 0 }, "waited 300s" },
	{ "199 low", 0, { 0 }, "199 low" },
	{ "600 high", 0, { 0 }, "600 high" },
	{ "5500 x", 0, { 0 }, "5500 x" },
};

static void
test_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct smtp_reply reply;
		struct slice in = exact_copy(replies[i].in);

		smtp_reply_parse(in, &reply);
		if (reply.code != replies[i].code ||
		    memcmp(&reply.enhanced, &replies[i].enhanced,
			sizeof(reply.enhanced)) != 0 ||
		    !slice_eq(reply.text, slice_of(replies[i].text)))
			fail_msg("%s: %u, \"%.*s\"", replies[i].in, reply.code,
			    SLICE_F(reply.text));
		drop(in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_enhanced_codes),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
