/* SPDX-License-Identifier: BSD-2-Clause */
/* Mails as header, texts and files; parameters and names of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mail_view.h"
#include "proto/mime_name.h"
#include "util/err.h"
#include "util/utf8.h"

#define BAD "\xef\xbf\xbd"

static void
test_parameters(void **state)
{
	static const struct {
		const char *field, *want; /* NULL: there is none */
	} cases[] = {
		{ "attachment; filename=a.txt", "a.txt" },
		{ "attachment; FileName=\"a b;.txt\"; size=1", "a b;.txt" },
		{ "attachment; filename=\"say \\\"hi\\\".txt\"",
		    "say \"hi\".txt" },
		{ "attachment; filename=\"C:\\temp\\x.txt\"",
		    "C:\\temp\\x.txt" },
		/* RFC 2231's own examples. */
		{ "a; filename*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
		    "This is ***fun***" },
		{ "a; filename*0*=us-ascii'en'This%20is%20even%20more%20;"
		  " filename*1*=%2A%2A%2Afun%2A%2A%2A%20;"
		  " filename*2=\"isn't it!\"",
		    "This is even more ***fun*** isn't it!" },
		/* In another order, and one that does not belong there. */
		{ "a; filename*1=b; filename*0=a; filename*3=d", "ab" },
		{ "a; filename*=iso-2022-jp'ja'%1B%24B2hA%7C%1B%28B.jpg",
		    "\xe7\x94\xbb\xe5\x83\x8f.jpg" },
		{ "a; filename*=shift_jis''%89%E6%91%9C.jpg",
		    "\xe7\x94\xbb\xe5\x83\x8f.jpg" },
		/* The better of two. */
		{ "a; filename=x.txt; filename*=utf-8''%C3%BC.txt",
		    "\xc3\xbc.txt" },
		/* Encoded words do not belong there, but are there. */
		{ "a; filename=\"=?utf-8?B?55S75YOPMS5qcGc=?=\"",
		    "\xe7\x94\xbb\xe5\x83\x8f\x31.jpg" },
		{ "a; filename=\"=?utf-8?Q?=C3=BC?=\r\n =?utf-8?Q?b?=\"",
		    "\xc3\xbc"
		    "b" },
		/* Raw octets: UTF-8, Shift_JIS, ISO-2022-JP, none of them. */
		{ "a; filename=\"\xc3\xbc.txt\"", "\xc3\xbc.txt" },
		{ "a; filename=\"\x89\xe6\x91\x9c.jpg\"",
		    "\xe7\x94\xbb\xe5\x83\x8f.jpg" },
		{ "a; filename=\"\x1b$B2hA|\x1b(B.jpg\"",
		    "\xe7\x94\xbb\xe5\x83\x8f.jpg" },
		{ "a; filename=\"\xff\xfe.x\"", BAD BAD ".x" },
		/* Broken ones. */
		{ "a; filename*=utf-8''%ZZ%e", "%ZZ%e" },
		{ "a; filename*=nosuch''%FF", BAD },
		{ "a; filename*=utf-8", "utf-8" },
		{ "a; filename*=''", "" },
		{ "a; filename=", "" },
		{ "a; filename=\"", "" },
		{ "a; filename", NULL },
		{ "a; xfilename=b; filename2=c", NULL },
		{ "a; filename*999999999999=b; filename*x=c", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].field);
		char *exact = malloc(len + 1);
		struct buf out;
		int rc;

		assert_non_null(exact);
		memcpy(exact, cases[i].field, len);
		buf_init(&out, 1000);
		rc = mime_parameter_text((struct slice){ exact, len },
		    "filename", &out);
		free(exact);
		if (rc != (cases[i].want == NULL ? ERR_NOTFOUND : 0) ||
		    (rc == 0 && strcmp(buf_text(&out), cases[i].want) != 0))
			fail_msg("case %zu: %d \"%s\"", i, rc, buf_text(&out));
		buf_done(&out);
	}
}

static void
test_file_names(void **state)
{
	static const char *const cases[][2] = {
		{ "a.txt", "a.txt" },
		{ "C:\\temp\\x.txt", "x.txt" },
		{ "../../etc/passwd", "passwd" },
		{ "a/", "" },
		{ "..", "" },
		{ " . ", "" },
		{ "a\r\nb", "a??b" },
		{ "x\xe2\x80\xaegpj.exe", "x?gpj.exe" },
		{ "\xff", BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf out;

		buf_init(&out, 255);
		assert_int_equal(mime_file_name(slice_of(cases[i][0]), &out),
		    0);
		assert_string_equal(buf_text(&out), cases[i][1]);
		buf_done(&out);
	}
}

/* "subject|text|html|name type octets inline;..." */
static void
check(const char *mail, const char *want)
{
	size_t len = strlen(mail);
	char *exact = malloc(len + 1);
	struct arena *arena = arena_new(MAIL_VIEW_ROOM(len));
	struct mail_view v;
	struct buf got;

	assert_non_null(exact);
	memcpy(exact, mail, len);
	assert_int_equal(mail_view_read((struct slice){ exact, len }, arena,
			     &v),
	    0);
	buf_init(&got, 10000);
	(void)buf_addf(&got, "%.*s|%.*s|%.*s|", SLICE_F(v.subject),
	    SLICE_F(v.text.at != NULL ? v.text : SLICE("-")),
	    SLICE_F(v.html.at != NULL ? v.html : SLICE("-")));
	for (size_t i = 0; i < v.file_count; i++)
		(void)buf_addf(&got, "%.*s %.*s %.*s%s;",
		    SLICE_F(v.files[i].name), SLICE_F(v.files[i].type),
		    SLICE_F(v.files[i].content),
		    v.files[i].is_inline ? " inline" : "");
	assert_string_equal(buf_text(&got), want);
	buf_done(&got);
	arena_free(arena);
	free(exact);
}

#define MIXED(parts) \
	"Content-Type: multipart/mixed; boundary=b\n\n" parts "--b--\n"
#define PART(header, body) "--b\n" header "\n" body "\n"

static void
test_mails(void **state)
{
	(void)state;
	check("Subject: =?utf-8?q?h=C3=A9?=\n\nHello\n",
	    "h\xc3\xa9|Hello\n|-|");
	check("", "||-|");
	check("X: y\n\n", "||-|");
	check("Content-Type: text/html\n\n<p>\n", "|-|<p>\n|");
	check("Content-Type: text\n\nold\n", "|old\n|-|");
	/* Both, and a file. */
	check("Subject: s\n" MIXED(PART("Content-Type: text/plain\n", "a")
		      PART("Content-Type: text/html\n", "<b>")
			  PART("Content-Type: application/pdf; name=x.pdf\n"
			       "Content-Transfer-Encoding: base64\n",
			      "UERG")),
	    "s|a|<b>|x.pdf application/pdf PDF;");
	/* A footer goes behind the text; a text with a name is a file. */
	check(MIXED(PART("", "a") PART("Content-Type: text/plain\n", "b")
		      PART("Content-Type: text/plain; name=n.txt\n", "c")
			  PART("Content-Disposition: attachment\n", "d")),
	    "|a\r\nb|-|n.txt text/plain c;attachment-2.txt text/plain d;");
	/* Pictures in the text, and a mail in the mail, which stays whole. */
	check(MIXED(PART("Content-Type: image/PNG\nContent-ID: <c@x>\n"
			 "Content-Disposition: inline\n",
		  "P") PART("Content-Type: message/rfc822\n",
		  "Subject: inner\n\nx")),
	    "|-|-|attachment-1.png image/png P inline;"
	    "attachment-2.eml message/rfc822 Subject: inner\n\nx;");
	/* What is wrong: charsets, types, boundaries, encodings. */
	check("Content-Type: text/plain; charset=nosuch\n\n\xff"
	      "a\n",
	    "|" BAD "a\n|-|");
	check("Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B%",
	    "|" BAD "|-|");
	check("Content-Type: multipart/mixed; boundary=lost\n\nbody\n",
	    "|body\n|-|");
	check("Content-Type: a b/\"c\n\nx", "|-|-|attachment-1.bin "
					    "application/octet-stream x;");
	check("Content-Transfer-Encoding: quoted-printable\n\na=3Db=\nc=ZZ",
	    "|a=bc=ZZ|-|");
}

static void
test_header(void **state)
{
	const struct slice mail =
	    SLICE("Received: a\r\n by b\r\nX-A: \xff\r\nno field\r\n"
		  "received: c\r\n\r\nbody");
	struct arena *arena = arena_new(MAIL_VIEW_ROOM(1000));
	struct mail_view v;

	(void)state;
	assert_int_equal(mail_view_read(mail, arena, &v), 0);
	assert_int_equal(v.field_count, 3);
	assert_true(slice_eq(v.fields[0].name, SLICE("received")));
	assert_true(slice_eq(v.fields[0].value, SLICE("a by b")));
	assert_true(slice_eq(v.fields[1].name, SLICE("x-a")));
	assert_true(slice_eq(v.fields[1].value, SLICE(BAD)));
	assert_true(slice_eq(v.fields[2].value, SLICE("c")));
	arena_free(arena);
}

static void
test_many_parts_are_cut(void **state)
{
	struct buf mail;
	struct arena *arena;
	struct mail_view v;

	(void)state;
	buf_init(&mail, 1 << 20);
	(void)buf_add_text(&mail,
	    "Content-Type: multipart/mixed; boundary=b\n\n");
	for (int i = 0; i < MAIL_VIEW_PARTS_MAX + 10; i++)
		(void)buf_add_text(&mail, "--b\nContent-Type: a/b\n\nx\n");
	arena = arena_new(MAIL_VIEW_ROOM(mail.len));
	assert_int_equal(mail_view_read(buf_slice(&mail), arena, &v), 0);
	assert_true(v.cut);
	assert_int_equal(v.file_count, MAIL_VIEW_PARTS_MAX - 1);
	arena_free(arena);
	buf_done(&mail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_mails),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_many_parts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
