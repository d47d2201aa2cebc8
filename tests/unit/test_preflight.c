/* SPDX-License-Identifier: BSD-2-Clause */
/* Pre-flight checks: messages and what they want. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/address.h"
#include "proto/preflight.h"

#define FIELDS_MAX 20

/* "Name: value|Name: value" */
static size_t
fields_of(const char *text, struct header_field fields[FIELDS_MAX])
{
	struct slice rest = slice_of(text), line;
	size_t n = 0;

	while (slice_split(&rest, '|', &line) && n < FIELDS_MAX) {
		struct slice name;

		assert_true(slice_split(&line, ':', &name));
		fields[n++] = (struct header_field){ name, line };
	}
	return n;
}

static unsigned
check(const char *text, struct preflight_input in)
{
	struct header_field fields[FIELDS_MAX];

	in.fields = fields;
	in.field_count = fields_of(text, fields);
	return preflight_check(&in);
}

#define GOOD "From: a@b.c|Date: x|Message-ID: <1@b.c>"

static const struct {
	const char *text;
	unsigned found;
} cases[] = {
	{ GOOD, 0 },
	{ "FROM: A <a@b.c>, b@d.e|date: x|message-id:\n <1@b.c> (c)", 0 },
	{ "Date: x|Message-ID: <1@b.c>", PREFLIGHT_FROM },
	{ GOOD "|From: a@b.c", PREFLIGHT_FROM },
	{ "From: undisclosed:;|Date: x|Message-ID: <1@b.c>", PREFLIGHT_FROM },
	{ "From: nobody|Date: x|Message-ID: <1@b.c>", PREFLIGHT_FROM },
	{ "From: a@b.c, nobody|Date: x|Message-ID: <1@b.c>", PREFLIGHT_FROM },
	{ "From: |Date: x|Message-ID: <1@b.c>", PREFLIGHT_FROM },
	{ "From: a@b.c|Message-ID: <1@b.c>", PREFLIGHT_DATE },
	{ "From: a@b.c|Date: |Message-ID: <1@b.c>", PREFLIGHT_DATE },
	{ GOOD "|Date: x", PREFLIGHT_DATE },
	{ "From: a@b.c|Date: x", PREFLIGHT_MESSAGE_ID },
	{ GOOD "|Message-ID: <2@b.c>", PREFLIGHT_MESSAGE_ID },
	{ "From: a@b.c|Date: x|Message-ID: 1@b.c", PREFLIGHT_MESSAGE_ID },
	{ "From: a@b.c|Date: x|Message-ID: <1>", PREFLIGHT_MESSAGE_ID },
	{ "From: a@b.c|Date: x|Message-ID: <@b>", PREFLIGHT_MESSAGE_ID },
	{ "From: a@b.c|Date: x|Message-ID: <1@>", PREFLIGHT_MESSAGE_ID },
	{ "From: a@b.c|Date: x|Message-ID: <1@b.c", PREFLIGHT_MESSAGE_ID },
	{ "From: a@b.c|Date: x|Message-ID: <1 2@b.c>", PREFLIGHT_MESSAGE_ID },
	{ GOOD "|Precedence: first-class", 0 },
	{ GOOD "|Precedence: bulk", PREFLIGHT_UNSUBSCRIBE },
	{ GOOD "|Precedence: List", PREFLIGHT_UNSUBSCRIBE },
	{ GOOD "|List-Id: <a.b>", PREFLIGHT_UNSUBSCRIBE },
	{ GOOD "|Feedback-ID: 1:2:3:4", PREFLIGHT_UNSUBSCRIBE },
	{ GOOD "|List-Id: <a.b>|List-Unsubscribe: <https://b.c/u>",
	    PREFLIGHT_UNSUBSCRIBE },
	{ GOOD "|List-Id: <a.b>|List-Unsubscribe: <mailto:u@b.c>|"
	       "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
	    PREFLIGHT_UNSUBSCRIBE },
	{ GOOD "|List-Id: <a.b>|List-Unsubscribe: <mailto:u@b.c>,\n "
	       "<HTTPS://b.c/u>|"
	       "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
	    0 },
	{ GOOD "|List-Id: <a.b>|List-Unsubscribe: <https://b.c/u>|"
	       "List-Unsubscribe-Post: no",
	    PREFLIGHT_UNSUBSCRIBE },
	{ "Precedence: bulk", PREFLIGHT_FROM | PREFLIGHT_DATE |
				  PREFLIGHT_MESSAGE_ID |
				  PREFLIGHT_UNSUBSCRIBE },
};

static void
test_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(check(cases[i].text,
				     (struct preflight_input){
					 .aligned = true }),
		    cases[i].found);
}

static void
test_the_rest(void **state)
{
	char text[2000] = GOOD "|X:";

	(void)state;
	assert_int_equal(check(GOOD, (struct preflight_input){ 0 }),
	    PREFLIGHT_ALIGNMENT);
	assert_int_equal(check("Date: x|Message-ID: <1@b.c>",
			     (struct preflight_input){
				 .dmarc = PREFLIGHT_RECORD_ABSENT }),
	    PREFLIGHT_FROM);
	assert_int_equal(check(GOOD, (struct preflight_input){ .aligned = true,
					 .dmarc = PREFLIGHT_RECORD_ABSENT }),
	    PREFLIGHT_DMARC);
	assert_int_equal(check(GOOD,
			     (struct preflight_input){ .aligned = true,
				 .dmarc = PREFLIGHT_RECORD_PRESENT,
				 .recipients = PREFLIGHT_BULK_RECIPIENTS }),
	    0);
	assert_int_equal(check(GOOD,
			     (struct preflight_input){ .aligned = true,
				 .recipients = PREFLIGHT_BULK_RECIPIENTS + 1 }),
	    PREFLIGHT_UNSUBSCRIBE);
	assert_int_equal(check(GOOD "|List-Id: x",
			     (struct preflight_input){ .aligned = true,
				 .unsubscribes = true }),
	    0);
	assert_int_equal(check(GOOD, (struct preflight_input){ .aligned = true,
					 .long_line = true }),
	    PREFLIGHT_LINE_LENGTH);
	memset(text + strlen(text), 'x', 996);
	assert_int_equal(check(text,
			     (struct preflight_input){ .aligned = true }),
	    PREFLIGHT_LINE_LENGTH);
	text[strlen(text) - 1] = '\0';
	assert_int_equal(check(text,
			     (struct preflight_input){ .aligned = true }),
	    0);
}

static void
test_author(void **state)
{
	static const struct {
		const char *text, *domain;
	} authors[] = { { GOOD, "b.c" },
		{ "From: A <A@NEWS.B.C>, <x@news.b.c>", "news.b.c" },
		{ "From: a@b.c, a@d.e", NULL }, { "Date: x", NULL },
		{ "From: a@b.c|From: a@b.c", NULL }, { "From: x", NULL },
		{ "From: a@[192.0.2.1]", NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(authors) / sizeof(authors[0]); i++) {
		struct header_field fields[FIELDS_MAX];
		size_t count = fields_of(authors[i].text, fields);
		struct slice domain = { NULL, 0 };
		char room[ADDRESS_MAX];

		assert_int_equal(preflight_author(fields, count, room, &domain),
		    authors[i].domain != NULL);
		assert_true(slice_eq(domain, slice_of(authors[i].domain)));
	}
	assert_true(preflight_is_dmarc(SLICE("v=DMARC1; p=none")));
	assert_true(preflight_is_dmarc(SLICE("v = DMARC1")));
	assert_false(preflight_is_dmarc(SLICE("")));
	assert_false(preflight_is_dmarc(SLICE("v=DMARC12; p=none")));
	assert_false(preflight_is_dmarc(SLICE("v=spf1 -all")));
	assert_false(preflight_is_dmarc(SLICE("p=none; v=DMARC1")));
}

static void
test_texts(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 900); /* Sendmail's longest reply has 980 */
	preflight_text(~0U, &out);
	assert_int_equal(out.rc, 0);
	assert_null(memchr(out.at, '%', out.len));
	buf_clear(&out);
	preflight_words(PREFLIGHT_DATE | PREFLIGHT_FROM, ' ', &out);
	assert_string_equal(buf_text(&out), "from date");
	assert_string_equal(preflight_dsn(PREFLIGHT_DATE), "5.6.0");
	assert_string_equal(preflight_dsn(PREFLIGHT_DATE | PREFLIGHT_ALIGNMENT),
	    "5.7.22");
	assert_string_equal(preflight_dsn(0), "5.7.1");
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_the_rest),
		cmocka_unit_test(test_author),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
