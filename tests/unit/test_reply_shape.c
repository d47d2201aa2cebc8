/* SPDX-License-Identifier: BSD-2-Clause */
/* Shapes of replies: pairs that are one answer, and pairs that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/reply_shape.h"

static const struct {
	const char *text, *recipient, *shape;
} cases[] = {
	{ "", NULL, "" },
	{ "550 5.1.1 <bob@example.com>: Recipient address rejected: User "
	  "unknown in virtual mailbox table",
	    "bob@example.com",
	    "550 5.1.1 @ recipient address rejected user unknown in virtual "
	    "mailbox table" },
	{ "host mx1.example.com[192.0.2.1] said: 550 5.1.1 No such user (in "
	  "reply to RCPT TO command)",
	    NULL, "550 5.1.1 no such user in reply to rcpt to command" },
	{ "host mx1.example.com[192.0.2.1] refused to talk to me: 554 5.7.1 "
	  "go away",
	    NULL, "554 5.7.1 go away" },
	{ "550-5.1.1 The account does not exist. 550 5.1.1 See "
	  "https://support.example.com/mail/?p=NoSuchUser "
	  "d9443c01a7336-1fb12si5678.123 - gsmtp",
	    NULL,
	    "550 5.1.1 the account does not exist 550 5.1.1 see "
	    "https://support.example.com/mail # gsmtp" },
	{ "550 user Bob unknown", "bob@example.com", "550 user @ unknown" },
	{ "554 mail for mail.example.com not taken at example.com",
	    "bob@example.com", "554 mail for @ not taken at @" },
	{ "554 5.7.1 [192.0.2.77] blocked, see 2001:db8::77 at 12:34:56", NULL,
	    "554 5.7.1 # blocked see # at #" },
	{ "450 4.7.1 try on Mon, 23 Nov 2026 17:25:04 +0000 (UTC)", NULL,
	    "450 4.7.1 try on # utc" },
	{ "550 sent on 3 May", NULL, "550 sent on #" },
	{ "550 you may not", NULL, "550 you may not" },
	{ "connect to mx2.example.com[192.0.2.2]:25: Connection timed out",
	    NULL, "connect to * # connection timed out" },
	{ "552 message of 512345 octets is above 500000", NULL,
	    "552 message of # octets is above #" },
	{ "refused [AM6EUR05FT040.eop-eur05.prod.protection.example.com]", NULL,
	    "refused #.#.prod.protection.example.com" },
	{ "550 Service unavailable; client blocked using zen.spamhaus.example",
	    NULL,
	    "550 service unavailable client blocked using "
	    "zen.spamhaus.example" },
	{ "4.2.2 over quota aGVsbG8gd29ybGQhIQ deadbeefcafeaffe", NULL,
	    "4.2.2 over quota #" },
	{ "... --- ...", NULL, "" },
};

static void
table(void **state)
{
	char room[REPLY_SHAPE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* in a block of its exact length */
		size_t len = strlen(cases[i].text);
		char *text = malloc(len > 0 ? len : 1);

		assert_non_null(text);
		memcpy(text, cases[i].text, len);
		size_t n = reply_shape((struct slice){ text, len },
		    slice_of(cases[i].recipient), room);
		if (n != strlen(cases[i].shape) ||
		    memcmp(room, cases[i].shape, n) != 0)
			fail_msg("%s: \"%.*s\"", cases[i].text, (int)n, room);
		free(text);
	}
}

static const struct {
	bool same;
	const char *a, *for_a, *b, *for_b;
} sets[] = {
	{ true, "550 5.1.1 <a@x.example>: no mailbox (id 4VxT1k2Zz)",
	    "a@x.example", "550 5.1.1 <bcd@y.example>: no mailbox (id 17)",
	    "bcd@y.example" },
	{ true, "554 5.7.1 a.example: rejected by mx07.mail.example",
	    "u@a.example", "554 5.7.1 b.example: rejected by mx12.mail.example",
	    "u@b.example" },
	{ false, "550 5.1.1 no such user", NULL, "550 5.2.1 no such user",
	    NULL },
	{ false, "550 no such user", NULL, "553 no such user", NULL },
	{ false, "550 no such user", NULL, "550 mailbox full", NULL },
};

static void
pairs(void **state)
{
	char a[REPLY_SHAPE_MAX], b[REPLY_SHAPE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		size_t n = reply_shape(slice_of(sets[i].a),
		    slice_of(sets[i].for_a), a);
		size_t m = reply_shape(slice_of(sets[i].b),
		    slice_of(sets[i].for_b), b);

		if ((n == m && memcmp(a, b, n) == 0) != sets[i].same)
			fail_msg("\"%.*s\" \"%.*s\"", (int)n, a, (int)m, b);
	}
}

/* However long: whole words, and no more than there is room for. */
static void
long_ones(void **state)
{
	char text[6000], room[REPLY_SHAPE_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 0; len < sizeof(text); len += 97)
		assert_int_equal(reply_shape((struct slice){ text, len },
				     (struct slice){ NULL, 0 }, room),
		    len <= REPLY_SHAPE_MAX ? len : 0);
	for (size_t i = 4; i < sizeof(text); i += 5)
		text[i] = ' ';
	assert_int_equal(reply_shape((struct slice){ text, sizeof(text) },
			     (struct slice){ NULL, 0 }, room),
	    159);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(pairs),
		cmocka_unit_test(long_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
