/* SPDX-License-Identifier: BSD-2-Clause */
/* Encoded words: RFC 2047's examples, and mail as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/encoded_word.h"

static const struct {
	const char *in, *want;
} cases[] = {
	{ "", "" },
	{ " Hello,\r\n\tworld \r\n", "Hello, world" },
	/* RFC 2047, 8 */
	{ "(=?ISO-8859-1?Q?a?=)", "(a)" },
	{ "(=?ISO-8859-1?Q?a?= b)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a?=\r\n   =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a_b?=)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)" },
	{ "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <k@x>",
	    "Keld J\303\270rn Simonsen <k@x>" },
	{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
	  " =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	    "If you can read this you understand the example." },
	/* RFC 2231, 5 */
	{ "=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore" },
	{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\346\227\245\346\234\254" },
	{ "=?ISO-2022-JP?B?GyRCRnwbKEI=?= =?ISO-2022-JP?B?GyRCS1wbKEI=?=",
	    "\346\227\245\346\234\254" },
	{ "=?Shift_JIS?B?k/qWe4dA?=", "\346\227\245\346\234\254\342\221\240" },
	{ "=?EUC-KR?B?x9Gx2w==?=", "\355\225\234\352\270\200" },
	{ "=?gb2312?B?1tDOxA==?=", "\344\270\255\346\226\207" },
	{ "=?windows-1251?Q?=CF=F0?=", "\320\237\321\200" },
	{ "=?koi8-r?B?8NI=?=", "\320\237\321\200" },
	/* A character cut between two words, as many do. */
	{ "=?utf-8?B?5pc=?= =?UTF-8?Q?=A5?=", "\346\227\245" },
	{ "=?utf-8?B?5pel?= =?utf-8?B?5pys?=", "\346\227\245\346\234\254" },
	/* In quotes, touching, with blanks, without padding */
	{ "\"=?utf-8?q?=C3=A4?=\" <a@b>", "\"\303\244\" <a@b>" },
	{ "a=?utf-8?Q?b?=c", "abc" },
	{ "=?utf-8?Q?a b?=", "a b" },
	{ "=?utf-8?B?w6Q?=", "\303\244" },
	{ "=?utf-8?Q?==41?=", "=?utf-8?Q?==41?=" },
	/* Broken: as it is */
	{ "=?", "=?" },
	{ "=?=?=?", "=?=?=?" },
	{ "=?utf-8?Q?abc", "=?utf-8?Q?abc" },
	{ "=?utf-8?X?abc?=", "=?utf-8?X?abc?=" },
	{ "=?utf-8?Q?a=4?=", "=?utf-8?Q?a=4?=" },
	{ "=?utf-8?B?*?= x", "=?utf-8?B?*?= x" },
	{ "=?no-such-set?Q?a?= =?utf-8?Q?b?=", "=?no-such-set?Q?a?= b" },
	{ "=?utf-8//TRANSLIT?Q?a?=", "=?utf-8//TRANSLIT?Q?a?=" },
	{ "=?INTERNAL?Q?a?=", "=?INTERNAL?Q?a?=" },
	{ "=?utf-8?Q?=FF?=", "\357\277\275" },
	{ "=?iso-2022-jp?B?GyRC/w==?=x", "\357\277\275x" },
	/* Raw 8-bit */
	{ "\303\244 b", "\303\244 b" },
	{ "\344 b", "\357\277\275 b" },
	{ "\355\240\200", "\357\277\275\357\277\275\357\277\275" },
	/* Nobody smuggles line ends or NUL in. */
	{ "=?utf-8?Q?a=0D=0Ab=00c=1B?=", "a b c" },
	{ "=?utf-8?Q?a=C2=85b?=", "a b" },
};

static void
test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].in);
		char *exact = malloc(len + !len);
		struct buf out;

		assert_non_null(exact);
		memcpy(exact, cases[i].in, len);
		buf_init(&out, 1000);
		print_message("# %s\n", cases[i].in);
		assert_int_equal(encoded_word_decode((struct slice){ exact,
							 len },
				     &out),
		    0);
		assert_string_equal(buf_text(&out), cases[i].want);
		buf_done(&out);
		free(exact);
	}
}

static void
test_cut(void **state)
{
	struct buf out;

	(void)state;
	for (size_t max = 0; max < 12; max++) {
		buf_init(&out, max);
		assert_int_equal(encoded_word_decode(
				     SLICE("=?utf-8?Q?=E6=97=A5=E6=9C=AC?= x"),
				     &out),
		    0);
		assert_int_equal(out.rc, 0);
		assert_true(out.len <= max);
		assert_int_equal(out.len, max < 3   ? 0
					  : max < 6 ? 3
					  : max < 8 ? 6
						    : 8);
		buf_done(&out);
	}
	/* What stands there stays. */
	buf_init(&out, 100);
	assert_int_equal(buf_add_text(&out, "x: "), 0);
	assert_int_equal(encoded_word_decode(SLICE("  a"), &out), 0);
	assert_string_equal(buf_text(&out), "x: a");
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
