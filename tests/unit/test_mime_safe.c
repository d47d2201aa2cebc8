/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes in, and what is safe to sign: RFC 8551, 3.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/mime_ascii.h"
#include "proto/mime_encode.h"
#include "proto/mime_safe.h"
#include "util/err.h"

#define OUT_MAX (4 * 1024 * 1024)

#define A998 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define CTE "Content-Transfer-Encoding: "
#define MIXED "Content-Type: multipart/mixed; boundary=\"b 1\"\r\n"

struct row {
	const char *in;  /* Content fields, an empty line, the body */
	const char *out; /* NULL: as in */
};

static void
run(const char *text, struct buf *out, int want)
{
	struct header_field fields[8];
	size_t count = 0, len = strlen(text);
	char *copy = malloc(len + 1); /* exact: what is read beyond is seen */
	struct slice rest, line;

	assert_non_null(copy);
	memcpy(copy, text, len);
	rest = (struct slice){ copy, len };
	for (;;) {
		const char *at = rest.at;

		assert_true(slice_split(&rest, '\n', &line));
		if (line.len <= 1)
			break;
		while (rest.at[0] == ' ')
			(void)slice_split(&rest, '\n', &line);
		struct slice value = { at, (size_t)(rest.at - at) - 2 }, name;
		assert_true(slice_split(&value, ':', &name));
		fields[count++] = (struct header_field){ name, value };
	}
	buf_clear(out);
	assert_int_equal(mime_safe(fields, count,
			     rest.at != NULL ? rest : SLICE(""), out),
	    want);
	free(copy);
}

static const struct row rows[] = {
	/* safe already: octet by octet */
	{ "\r\n", NULL },
	{ "\r\nhello\r\n", NULL },
	{ TEXT "\r\nno line end", NULL },
	{ TEXT "\r\n.\r\n..\r\n\r\n\r\n", NULL },
	{ TEXT CTE "7bit\r\n\r\n from\r\nFrom\r\n>From x\r\n", NULL },
	{ TEXT "\r\n\033$B$3$l$O\033(B\r\n", NULL },
	{ MIXED "\r\nfor old readers\r\n--b 1\r\n\r\na\r\n--b 1\r\n" TEXT
		"\r\nb\r\n\r\n--b 1--\r\nepilogue",
	    NULL },
	{ MIXED "\r\n--b 1\r\n\r\nx\r\n--b 1--", NULL },
	{ MIXED "\r\n--b 1\r\n\r\n--b 1\r\n\r\n\r\n--b 1--\r\n", NULL },
	{ MIXED "\r\n--b 1\r\n\r\nno end", NULL },
	{ TEXT CTE "quoted-printable\r\n\r\na=20\r\n=46rom =\r\nb", NULL },
	{ "Content-Type: image/png\r\n" CTE "base64\r\n\r\nAAAA\r\n", NULL },
	{ TEXT CTE "x-uuencode\r\n\r\nbegin 644 a\r\n", NULL },
	{ "Content-Type: message/delivery-status\r\n\r\nStatus: 5.1.1 \r\n",
	    NULL },
	/* labels */
	{ TEXT CTE "8bit\r\n\r\nhello\r\n", TEXT CTE "7bit\r\n\r\nhello\r\n" },
	{ TEXT CTE " 8BIT (all)\r\nContent-transfer-encoding: 7bit\r\n\r\nx",
	    TEXT CTE "7bit\r\n\r\nx" },
	{ MIXED CTE "binary\r\n\r\n--b 1\r\n" CTE
		    "8bit\r\n\r\nx\r\n--b 1--\r\n",
	    MIXED CTE "7bit\r\n\r\n--b 1\r\n" CTE "7bit\r\n\r\nx\r\n"
		      "--b 1--\r\n" },
	/* leaves */
	{ TEXT CTE "8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
		   "e to all of you\r\n",
	    TEXT CTE "quoted-printable\r\n\r\n"
		     "Gr=C3=BC=C3=9Fe to all of you\r\n" },
	{ "\r\nGr\xc3\xbc\xc3\x9f"
	  "e to all of you",
	    TEXT CTE "quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe to all of you" },
	{ "\r\n\xe4\r\n",
	    "Content-Type: text/plain; charset=unknown-8bit\r\n" CTE
	    "base64\r\n\r\n5A0K" },
	{ TEXT "\r\n\xe6\x97\xa5\xe6\x9c\xac\r\n",
	    TEXT CTE "base64\r\n\r\n5pel5pysDQo=" },
	{ TEXT "\r\n\xe6\x97\xa5\xe6\x9c\xac\n",
	    TEXT CTE "base64\r\n\r\n5pel5pysDQo=" },
	{ TEXT "\r\nFrom here\r\nx \r\n\t\r\n--\r\na=b\r\n",
	    TEXT CTE "quoted-printable\r\n\r\n=46rom here\r\nx=20\r\n=09\r\n"
		     "=2D-\r\na=3Db\r\n" },
	{ TEXT "\r\na long text with\rin it",
	    TEXT CTE "quoted-printable\r\n"
		     "\r\na long text with=0Din it" },
	{ TEXT "\r\na long text with\r", TEXT CTE "quoted-printable\r\n"
						  "\r\na long text with=0D" },
	{ TEXT "\r\na\nb\n", TEXT "\r\na\r\nb\r\n" },
	{ "Content-Type: application/pdf\r\n" CTE "binary\r\n\r\n\n\r\n",
	    "Content-Type: application/pdf\r\n" CTE "base64\r\n\r\nCg0K" },
	{ "Content-Type: application/pdf\r\n" CTE "8bit\r\n\r\n\xff\n\r\n",
	    "Content-Type: application/pdf\r\n" CTE "base64\r\n\r\n/w0KDQo=" },
	{ TEXT CTE
	    "quoted-printable\r\n\r\n=3Da=  \r\nFrom=20\r\nFrom x =zz\r\n"
	    "b=C3=BC=0D=0A\xc3 \r\n",
	    TEXT CTE "quoted-printable\r\n\r\n=3DaFrom=20\r\n=46rom x =3Dzz\r\n"
		     "b=C3=BC=0D=0A=C3\r\n" },
	{ "Content-Type: image/png\r\n" CTE "base64\r\n\r\nAAAA \r\nAAAA\r\n",
	    "Content-Type: image/png\r\n" CTE "base64\r\n\r\nAAAAAAAA" },
	/* nested */
	{ MIXED "\r\n\xff\r\n--b 1 \t\r\n" TEXT "\r\n\xe6\x97\xa5\r\n"
		"--b 1\r\nContent-Type: multipart/alternative;\r\n"
		" boundary=c\r\n\r\n--c\r\n\r\nFrom \r\n--c\r\n\r\nok\r\n"
		"--c--\r\n\r\n--b 1--\r\n \r\n",
	    MIXED "\r\n\r\n--b 1\r\n" TEXT CTE "base64\r\n\r\n5pel\r\n"
		  "--b 1\r\nContent-Type: multipart/alternative;\r\n"
		  " boundary=c\r\n\r\n--c\r\n" CTE "quoted-printable\r\n\r\n"
		  "=46rom=20\r\n--c\r\n\r\nok\r\n--c--\r\n\r\n--b 1--\r\n" },
	{ "Content-Type: message/rfc822\r\n" CTE "8bit\r\n\r\n"
	  "From: J\xc3\xbcrgen <j@x.test>\r\nSubject: x \r\n\r\n\xe6\x97\xa5",
	    "Content-Type: message/rfc822\r\n" CTE "7bit\r\n\r\n"
	    "From: =?utf-8?B?SsO8cmdlbg==?= <j@x.test>\r\nSubject: x\r\n"
	    "MIME-Version: 1.0\r\n" CTE "base64\r\n\r\n5pel" },
	{ "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n"
	  "Subject: a\r\nMIME-Version: 1.0\r\n\r\nFrom x\r\n--d--\r\n",
	    "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\n"
	    "Subject: a\r\nMIME-Version: 1.0\r\n" CTE "quoted-printable\r\n\r\n"
	    "=46rom x\r\n--d--\r\n" },
	{ "Content-Type: multipart/mixed\r\n\r\nno boundary\r\n", NULL },
	{ MIXED "\r\n--b 1\r\n\r\n--b 1--x\r\n--b 1--\r\n", NULL },
	/* fields of parts */
	{ "Content-Type: text/plain; \r\n charset=utf-8\r\n\r\nx",
	    "Content-Type: text/plain;  charset=utf-8\r\n\r\nx" },
	{ "Content-Disposition: attachment; filename=\"a \xc3\xbc\\\".txt\"; x=y"
	  "\r\n\r\nx",
	    "Content-Disposition: attachment; "
	    "filename*=utf-8''a%20%C3%BC%22.txt; x=y\r\n\r\nx" },
	{ "Content-Description: see \xfc and \xfc there\r\n\r\nx",
	    "Content-Description: see =?unknown-8bit?B?/CBhbmQg/A==?= there"
	    "\r\n\r\nx" },
};

static void
test_rows(void **state)
{
	struct buf out, again;

	(void)state;
	buf_init(&out, OUT_MAX);
	buf_init(&again, OUT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *want =
		    rows[i].out != NULL ? rows[i].out : rows[i].in;

		run(rows[i].in, &out, 0);
		assert_string_equal(buf_text(&out), want);
		/* What is safe stays. */
		run(want, &again, 0);
		assert_string_equal(buf_text(&again), want);
	}
	buf_done(&out);
	buf_done(&again);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
		"Content-Type: multipart/mixed\r\n\r\n\xff\r\n",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\nFrom x\r\n",
		"Content-Type: multipart/mixed; boundary=\xfc\r\n\r\n--\xfc\r\n",
		"Content-Type: message/delivery-status\r\n\r\n\xff\r\n",
		"Content-Type: message/partial\r\n\r\nFrom x\r\n",
		TEXT CTE "x-uuencode\r\n\r\nFrom x\r\n",
		"Content-Type: t\xc3\xa9xt/plain\r\n\r\nx",
		"Content-Type: text/plain; n\xc3\xa9=x\r\n\r\nx",
		"Content-Type: message/rfc822\r\n\r\nFrom a@b Mon\r\nTo: x\r\n"
		"\r\nx",
	};
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		run(bad[i], &out, ERR_SYNTAX);
	buf_done(&out);
	buf_init(&out, 100);
	run(TEXT "\r\n" A998 A998 "\r\n", &out, ERR_LIMIT);
	buf_done(&out);
}

/* A message inside a message inside ... */
static void
test_depth(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, OUT_MAX);
	buf_init(&out, OUT_MAX);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(buf_add_text(&in,
				     "Content-Type: message/rfc822\r\n\r\n"),
		    0);
		if (i == MIME_SAFE_DEPTH - 1) {
			run(buf_text(&in), &out, 0);
			assert_string_equal(buf_text(&out), buf_text(&in));
		}
	}
	run(buf_text(&in), &out, ERR_LIMIT);
	buf_clear(&in);
	assert_int_equal(buf_add_text(&in, MIXED "\r\n"), 0);
	for (int i = 0; i < MIME_SAFE_PARTS; i++)
		assert_int_equal(buf_add_text(&in, "--b 1\r\n\r\nx\r\n"), 0);
	run(buf_text(&in), &out, 0);
	assert_string_equal(buf_text(&out), buf_text(&in));
	assert_int_equal(buf_add_text(&in, "--b 1\r\n\r\nx\r\n"), 0);
	run(buf_text(&in), &out, ERR_LIMIT);
	buf_done(&in);
	buf_done(&out);
}

static void
test_long_lines(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, OUT_MAX);
	buf_init(&out, OUT_MAX);
	for (size_t len = 990; len < 1010; len++) {
		buf_clear(&in);
		assert_int_equal(buf_add_text(&in, TEXT "\r\n"), 0);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(buf_add_char(&in, "From "[i % 5]), 0);
		assert_int_equal(buf_add_text(&in, "x\r\n"), 0);
		run(buf_text(&in), &out, 0);
		assert_int_equal(mime_unsafe(buf_slice(&out)), 0);
	}
	/* The bound itself. */
	for (size_t len = 998; len < 1000; len++) {
		buf_clear(&in);
		assert_int_equal(buf_add_text(&in, "\r\n"), 0);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(buf_add_char(&in, 'x'), 0);
		run(buf_text(&in), &out, 0);
		assert_int_equal(slice_eq(buf_slice(&in), buf_slice(&out)),
		    len == 998);
	}
	buf_done(&in);
	buf_done(&out);
}

static void
test_unsafe(void **state)
{
	static const struct {
		const char *text;
		unsigned found;
	} set[] = {
		{ "", 0 },
		{ "a\r\nb\r\n", 0 },
		{ "a\nb", MIME_UNSAFE_LINE_ENDS },
		{ "a \r\nb", MIME_UNSAFE_BLANKS },
		{ "b\t", MIME_UNSAFE_BLANKS },
		{ "From ", MIME_UNSAFE_FROM | MIME_UNSAFE_BLANKS },
		{ " From a", 0 },
		{ "12345678\xc3 45", MIME_UNSAFE_OCTETS },
		{ "1234567\r8", MIME_UNSAFE_OCTETS },
		{ "a\r\r\n", MIME_UNSAFE_OCTETS },
		{ "a\r", MIME_UNSAFE_OCTETS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		assert_int_equal(mime_unsafe(slice_of(set[i].text)),
		    set[i].found);
	for (size_t n = 0; n < 20; n++) { /* a NUL at each place of a word */
		char text[20];

		memset(text, 'x', sizeof(text));
		text[n] = '\0';
		assert_int_equal(mime_unsafe((struct slice){ text, 20 }),
		    MIME_UNSAFE_OCTETS);
	}
}

static void
test_fields(void **state)
{
	static const struct {
		const char *name, *value, *out; /* NULL: refused */
	} set[] = {
		{ "X", " a \r\n b\t\r\n", "X: a  b\r\n" },
		{ "X", "", "X:\r\n" },
		{ "X", " \r\n \r\n", "X:\r\n" },
		{ "Subject", " \xc3\xbc", "Subject: =?utf-8?B?w7w=?=\r\n" },
		{ "To", " \"\xc3\xbc, x\" <a@b>, \xc3\xbc (\xc3\xbc)<c@d>",
		    "To: =?utf-8?B?w7wsIHg=?= <a@b>, =?utf-8?B?w7w=?= ("
		    " =?utf-8?B?w7w=?=)<c@d>\r\n" },
		{ "Content-Type", " text/plain; name=\xfc; x=\"a;b\"",
		    "Content-Type: text/plain; name*=''%FC; x=\"a;b\"\r\n" },
		{ "Content-Type", " a/b; name*=\xfc", NULL },
		{ "Subject",
		    " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbb"
		    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb   c\r",
		    "Subject: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
		    " bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb   c\r\n" },
		{ "Content-Disposition",
		    " attachment; filename=\"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa"
		    "\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6"
		    "\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"
		    "\xe6\x97\xa5\xe6\x9c\xac\"",
		    "Content-Disposition: attachment;\r\n"
		    " filename*0*=utf-8''%E6%97%A5%E6%9C%AC%E8%AA%9E%E6%97%A5"
		    "%E6%9C%AC%E8%AA%9E;\r\n"
		    " filename*1*=%E6%97%A5%E6%9C%AC%E8%AA%9E%E6%97%A5%E6%9C"
		    "%AC%E8%AA%9E;\r\n"
		    " filename*2*=%E6%97%A5%E6%9C%AC\r\n" },
	};
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
		buf_clear(&out);
		assert_int_equal(mime_ascii_field(slice_of(set[i].name),
				     slice_of(set[i].value), &out),
		    set[i].out == NULL ? ERR_SYNTAX : 0);
		if (set[i].out != NULL)
			assert_string_equal(buf_text(&out), set[i].out);
	}
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_unsafe),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
