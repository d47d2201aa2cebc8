/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts of any character set to UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/charset.h"
#include "util/err.h"

/* want NULL: it stays as it is */
static const struct {
	const char *charset, *in, *want;
} cases[] = {
	{ "iso-8859-1", "gr\xfc\xdf", "gr\xc3\xbc\xc3\x9f" },
	{ "ISO-2022-JP", "\033$B$\"\033(B.", "\xe3\x81\x82." },
	{ "unicode-1-1-utf-7", "a+AC0-b", "a-b" },
	{ "shift_jis", "\x82\xa0", "\xe3\x81\x82" },
	{ "windows-1251", "\xff", "\xd1\x8f" },
	{ " gb2312 ", "\xc4\xe3", "\xe4\xbd\xa0" },
	/* What a text left behind is not the next one's. */
	{ "ISO-2022-JP", "\033$B$\"", "\xe3\x81\x82" },
	{ "ISO-2022-JP", "\033(B$\"", "$\"" },
	{ "utf-7", "+ACE", "!" },
	{ "utf-7", "AC+AC0-", "AC-" },
	{ "utf-16", "\xfe\xff\x30\x42", "\xe3\x81\x82" },
	{ "utf-16", "\xff\xfe\x42\x30", "\xe3\x81\x82" },
	/* not of the set */
	{ "euc-jp", "a\xff", "a\xef\xbf\xbd" },
	{ "iso-8859-1", "plain", NULL },
	{ "utf-7", "plain", NULL },
	{ "utf-8", "\xc3\xbc", NULL },
	{ "us-ascii", "\xc3\xbc", NULL },
	{ "x-unheard-of", "\xc3\xbc", NULL },
	{ "internal", "\xc3\xbc", NULL },
	{ "utf-8//translit", "\xc3\xbc", NULL },
	{ "", "\xc3\xbc", NULL },
	{ "0123456789012345678901234567890123456789x", "\xff", NULL },
};

static void
test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].in);
		char *exact = malloc(len);
		struct buf b;

		assert_non_null(exact);
		memcpy(exact, cases[i].in, len);
		buf_init(&b, 1000);
		int rc = charset_to_utf8((struct slice){ exact, len },
		    slice_of(cases[i].charset), &b);
		if (cases[i].want == NULL)
			assert_int_equal(rc, ERR_NOTFOUND);
		else
			assert_int_equal(rc, 0);
		if (!slice_eq(buf_slice(&b),
			slice_of(cases[i].want != NULL ? cases[i].want : "")))
			fail_msg("%s: %s", cases[i].charset, buf_text(&b));
		buf_done(&b);
		free(exact);
	}
}

static void
test_limit(void **state)
{
	char text[5000];
	struct buf b;

	(void)state;
	memset(text, 0xfc, sizeof(text));
	buf_init(&b, 3000);
	assert_int_equal(charset_to_utf8((struct slice){ text, sizeof(text) },
			     SLICE("iso-8859-1"), &b),
	    ERR_LIMIT);
	assert_true(b.len > 1000 && b.len <= 3000);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
