/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/mime.h"
#include "util/err.h"

#define REPORT \
	"From: a\r\nContent-Type: multipart/report;\r\n" \
	"\treport-type=delivery-status; boundary=\"b (1)\"\r\n\r\n" \
	"preamble\r\n--b (1)\r\n\r\nhello\r\n--b (1)\r\n" \
	"Content-Type: message/delivery-status\r\n\r\nA: b\r\n\r\n" \
	"--b (1)--\r\nepilogue\r\n"

/* want: for each part "depth:type:body;" */
static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "one part", "A: b\r\n\r\nx\r\n", "0:text/plain:x\r\n;" },
	{ "nothing", "", "0:text/plain:;" },
	{ "no body", "A: b\n", "0:text/plain:;" },
	{ "a report", REPORT,
	    "0:multipart/report:preamble;1:text/plain:hello;"
	    "1:message/delivery-status:A: b\r\n;" },
	{ "bare LF",
	    "Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x\n\nb\n",
	    "0:multipart/mixed:;1:text/plain:a;1:text/plain:b\n;" },
	{ "an inner multipart that is never closed",
	    "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: "
	    "multipart/alternative; boundary=y\n\n--y\n\na\n--x\n\nb\n--x--\n",
	    "0:multipart/mixed:;1:multipart/alternative:;2:text/plain:a;"
	    "1:text/plain:b;" },
	{ "a boundary that begins like another",
	    "Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--xx\nb\n"
	    "--x--\n",
	    "0:multipart/mixed:;1:text/plain:a\n--xx\nb;" },
	{ "a boundary in the pieces of RFC 2231",
	    "Content-Type: multipart/mixed; boundary*0=x; "
	    "boundary*1*=\"y\"\n\n--xy\n\na\n--xy--\n",
	    "0:multipart/mixed:;1:text/plain:a;" },
	{ "a boundary with a language",
	    "Content-Type: multipart/mixed; boundary*=us-ascii'en'x\n\n"
	    "--x\n\na\n--x--\n",
	    "0:multipart/mixed:;1:text/plain:a;" },
	{ "no boundary", "Content-Type: multipart/mixed\n\n--x\n\na\n",
	    "0:multipart/mixed:--x\n\na\n;" },
	{ "lines that are no fields", "From a\nA: b\nnonsense\n\nx",
	    "0:text/plain:x;" },
};

static void
test_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *arena = arena_new(1 << 20);
		size_t len = strlen(cases[i].in), n = 0;
		char *exact = malloc(len + !len), got[1024] = "";
		struct mime mime;

		assert_non_null(arena);
		assert_non_null(exact);
		memcpy(exact, cases[i].in, len);
		assert_int_equal(mime_parse((struct slice){ exact, len }, arena,
				     &mime),
		    0);
		for (size_t j = 0; j < mime.count; j++)
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    "%u:%.*s:%.*s;", mime.parts[j].depth,
			    SLICE_F(mime.parts[j].type),
			    SLICE_F(mime.parts[j].body));
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].name, got);
		free(exact);
		arena_free(arena);
	}
}

/* Cut anywhere, a message still has its first part, and nothing breaks. */
static void
test_cut(void **state)
{
	(void)state;
	for (size_t n = 1; n < sizeof(REPORT) - 1; n++) {
		struct arena *arena = arena_new(1 << 20);
		char *exact = malloc(n);
		struct mime mime;

		assert_non_null(arena);
		assert_non_null(exact);
		memcpy(exact, REPORT, n);
		assert_int_equal(mime_parse((struct slice){ exact, n }, arena,
				     &mime),
		    0);
		assert_true(mime.count >= 1);
		free(exact);
		arena_free(arena);
	}
}

static void
test_limits(void **state)
{
	struct arena *arena = arena_new(1 << 20);
	struct buf b;
	struct mime mime;

	(void)state;
	assert_non_null(arena);
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 100; i++)
		(void)buf_addf(&b,
		    "Content-Type: multipart/mixed; boundary=b%d.\n\n--b%d.\n",
		    i, i);
	assert_int_equal(mime_parse(buf_slice(&b), arena, &mime), 0);
	assert_int_equal(mime.count, MIME_DEPTH_MAX + 1);
	buf_clear(&b);
	(void)buf_add_text(&b, "Content-Type: multipart/x; boundary=b\n\n");
	for (int i = 0; i < 1000; i++)
		(void)buf_add_text(&b, "--b\n\n");
	assert_int_equal(mime_parse(buf_slice(&b), arena, &mime), 0);
	assert_int_equal(mime.count, MIME_PARTS_MAX);
	buf_done(&b);
	arena_free(arena);
}

static void
test_decode(void **state)
{
	static const struct {
		enum mime_encoding encoding;
		const char *in, *want;
	} t[] = {
		{ MIME_QUOTED_PRINTABLE, "a=3Db=\r\nc=\nd=ZZ=", "a=bcd=ZZ=" },
		{ MIME_BASE64, "aGVs\r\nbG8=", "hello" },
		{ MIME_BASE64, "a*GVsbG8", "hello" },
		{ MIME_IDENTITY, "=3D", "=3D" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct mime_part part = { .encoding = t[i].encoding,
			.body = slice_of(t[i].in) };
		struct buf out;

		buf_init(&out, 100);
		assert_int_equal(mime_decode(&part, &out), 0);
		assert_string_equal(buf_text(&out), t[i].want);
		buf_done(&out);
		buf_init(&out, 2);
		assert_int_equal(mime_decode(&part, &out), ERR_LIMIT);
		assert_int_equal(out.len, 2);
		buf_done(&out);
	}
}

static void
test_fields(void **state)
{
	struct slice h = SLICE("A: 1\r\nB :\r\n two\r\n\t three\r\nA: 4\r\n");
	struct slice ct = SLICE("text/plain; a=\"x;\\\"y\"; Charset=utf-8 ;b");
	struct arena *arena = arena_new(1000);

	(void)state;
	assert_non_null(arena);
	assert_true(slice_eq(mime_field(h, "a"), SLICE("1")));
	assert_true(slice_eq(mime_unfold(mime_field(h, "b"), arena),
	    SLICE("two three")));
	assert_null(mime_field(h, "C").at);
	assert_true(slice_eq(mime_parameter(ct, "charset"), SLICE("utf-8")));
	assert_true(slice_eq(mime_parameter(ct, "a"), SLICE("x;\\\"y")));
	assert_null(mime_parameter(ct, "b").at);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
