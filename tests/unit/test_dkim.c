/* SPDX-License-Identifier: BSD-2-Clause */
/* Canonical forms at every split, the choice of fields, the signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/dkim.h"
#include "util/err.h"

static int
collect(void *ctx, const void *octets, size_t len)
{
	return buf_add(ctx, octets, len);
}

static const struct {
	const char *body, *simple, *relaxed;
} bodies[] = {
	/* RFC 6376, 3.4.5 */
	{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	{ "", "\r\n", "" },
	{ "\r\n", "\r\n", "" },
	{ "\r\n\r\n", "\r\n", "" },
	{ " \r\n\t\r\n", " \r\n\t\r\n", "" },
	{ "a", "a\r\n", "a\r\n" },
	{ "a\r\n  ", "a\r\n  \r\n", "a\r\n" },
	{ "a \t", "a \t\r\n", "a\r\n" },
	{ "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n" },
	{ "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n" },
	{ "a b  c\td\r\n", "a b  c\td\r\n", "a b c d\r\n" },
	{ "a\nb \nc\n\n", "a\r\nb \r\nc\r\n", "a\r\nb\r\nc\r\n" },
	{ "a\rb\r\n", "a\rb\r\n", "a\rb\r\n" },
	{ "a\r\r\nb", "a\r\r\nb\r\n", "a\r\r\nb\r\n" },
	{ "a\r", "a\r\r\n", "a\r\r\n" },
	{ "a \r b\r\n", "a \r b\r\n", "a \r b\r\n" },
	{ "a\r \n", "a\r \r\n", "a\r\r\n" },
	{ "a\377\001b\r\n", "a\377\001b\r\n", "a\377\001b\r\n" },
};

static void
body(enum dkim_canon canon, const char *text, const size_t cut[2],
    const char *want)
{
	struct dkim_body b;
	struct buf seen;
	size_t len = strlen(text), at = 0;

	buf_init(&seen, 1000);
	dkim_body_begin(&b, canon, collect, &seen);
	for (int i = 0; i < 3; i++) {
		size_t n = (i < 2 ? cut[i] : len) - at;
		char *exact = malloc(n + !n);

		assert_non_null(exact);
		memcpy(exact, text + at, n);
		assert_int_equal(dkim_body_add(&b, exact, n), 0);
		free(exact);
		at += n;
	}
	assert_int_equal(dkim_body_end(&b), 0);
	assert_string_equal(buf_text(&seen), want);
	buf_done(&seen);
}

static void
test_body(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		size_t len = strlen(bodies[i].body), cut[2];

		for (cut[0] = 0; cut[0] <= len; cut[0]++)
			for (cut[1] = cut[0]; cut[1] <= len; cut[1]++) {
				body(DKIM_SIMPLE, bodies[i].body, cut,
				    bodies[i].simple);
				body(DKIM_RELAXED, bodies[i].body, cut,
				    bodies[i].relaxed);
			}
	}
}

/* Whole bodies take the fast path, octets one by one never do. */
static void
test_long_bodies(void **state)
{
	static const char *const words[] = { "a", "word", " ", "  ", "\t",
		"\r\n", "\r\n\r\n", "\n", "\r", " \r\n", "longer-word",
		"0123456789012345678901234567890123456789", "b", "c " };
	struct buf text, one, two;
	unsigned seed = 6376;

	(void)state;
	buf_init(&text, 100000);
	buf_init(&one, 200000);
	buf_init(&two, 200000);
	for (int run = 0; run < 400; run++) {
		enum dkim_canon canon = run % 2 ? DKIM_RELAXED : DKIM_SIMPLE;
		/* Some have little but words. */
		unsigned kinds = run % 3 == 0 ? 14 : 2 + (unsigned)run % 4;
		struct dkim_body b;

		buf_clear(&text);
		buf_clear(&one);
		buf_clear(&two);
		for (int i = 0; i < 300; i++) {
			seed = seed * 1103515245 + 12345;
			(void)buf_add_text(&text, words[(seed >> 16) % kinds]);
		}
		dkim_body_begin(&b, canon, collect, &one);
		assert_int_equal(dkim_body_add(&b, text.at, text.len), 0);
		assert_int_equal(dkim_body_end(&b), 0);
		dkim_body_begin(&b, canon, collect, &two);
		for (size_t i = 0; i < text.len; i++)
			assert_int_equal(dkim_body_add(&b, text.at + i, 1), 0);
		assert_int_equal(dkim_body_end(&b), 0);
		assert_true(slice_eq(buf_slice(&one), buf_slice(&two)));
	}
	buf_done(&text);
	buf_done(&one);
	buf_done(&two);
}

static int
full(void *ctx, const void *octets, size_t len)
{
	(void)ctx;
	(void)octets;
	(void)len;
	return ERR_CRYPTO;
}

static void
test_sink_fails(void **state)
{
	struct dkim_body b;

	(void)state;
	dkim_body_begin(&b, DKIM_RELAXED, full, NULL);
	assert_int_equal(dkim_body_add(&b, "a", 1), ERR_CRYPTO);
	dkim_body_begin(&b, DKIM_SIMPLE, full, NULL);
	assert_int_equal(dkim_body_end(&b), ERR_CRYPTO);
}

static void
field(enum dkim_canon canon, const char *name, const char *value,
    enum dkim_place place, const char *want)
{
	struct header_field f = { slice_of(name), slice_of(value) };
	struct buf out;

	buf_init(&out, 1000);
	assert_int_equal(dkim_field(canon, &f, place, &out), 0);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void
test_field(void **state)
{
	(void)state;
	/* RFC 6376, 3.4.5 */
	field(DKIM_RELAXED, "A", " X", DKIM_FIELD, "a:X\r\n");
	field(DKIM_RELAXED, "B", " Y\t\r\n\tZ  \r\n", DKIM_FIELD, "b:Y Z\r\n");
	field(DKIM_RELAXED, "B", "Y\n\tZ", DKIM_LAST, "b:Y Z");
	field(DKIM_RELAXED, "Sub-Ject", "", DKIM_FIELD, "sub-ject:\r\n");
	field(DKIM_SIMPLE, "B", " Y\t\r\n\tZ  ", DKIM_FIELD,
	    "B: Y\t\r\n\tZ  \r\n");
	field(DKIM_SIMPLE, "B", "Y\n\tZ", DKIM_LAST, "B:Y\r\n\tZ");
	field(DKIM_SIMPLE, "B", "", DKIM_FIELD, "B:\r\n");
	field(DKIM_SIMPLE, "B", "\n\n\n", DKIM_LAST, "B:\r\n\r\n\r\n");
}

static void
test_pick(void **state)
{
	static const char *const names[] = { "Received", "TO", "from", "X-Api",
		"Subject", "to", "List-Unsubscribe", "Date" };
	struct header_field fields[2000];
	struct dkim_pick picks[DKIM_PICKS_MAX];
	char seen[500] = "";
	size_t n, len = 0;

	(void)state;
	for (size_t i = 0; i < 8; i++)
		fields[i].name = slice_of(names[i]);
	n = dkim_pick(fields, 8, picks);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(seen + len, sizeof(seen) - len, "%s%d ",
		    picks[i].name, (int)picks[i].field);
	assert_string_equal(seen, "From2 From-1 Reply-To-1 Subject4 Subject-1 "
				  "Date7 Date-1 To5 To1 To-1 "
				  "List-Unsubscribe6 ");
	/* Many: the lowest ones, and none listed that is not signed. */
	for (size_t i = 0; i < 2000; i++)
		fields[i].name = SLICE("To");
	n = dkim_pick(fields, 2000, picks);
	assert_int_equal(n, DKIM_INSTANCES_MAX + 2 * 4 - 4);
	for (size_t i = 0; i < n; i++)
		if (picks[i].field != DKIM_NO_FIELD)
			assert_true(picks[i].field >= 1980);
	/* The most there can be. */
	for (size_t i = 0; i < 2000; i++)
		fields[i].name = slice_of((const char *[]){ "From", "To", "Cc",
		    "Subject", "Date", "Reply-To", "References", "List-Id",
		    "Sender", "In-Reply-To" }[i % 10]);
	assert_true(dkim_pick(fields, 2000, picks) <= DKIM_PICKS_MAX);
	assert_int_equal(dkim_pick(fields, 0, picks), 5);
}

static void
test_signature(void **state)
{
	static const uint8_t hash[CRYPTO_SHA256_LEN] = { 1, 2, 3 };
	static const char raw[256] = { 7 };
	struct dkim_pick picks[DKIM_PICKS_MAX];
	struct dkim_signature s = { .header = DKIM_RELAXED,
		.body = DKIM_SIMPLE,
		.algorithm = "rsa-sha256",
		.domain = SLICE("example.com"),
		.selector = SLICE("s1"),
		.time_s = 1795411200,
		.picks = picks,
		.pick_count = dkim_pick(NULL, 0, picks),
		.body_hash = hash };
	struct buf out;

	(void)state;
	buf_init(&out, 2000);
	assert_int_equal(dkim_signature_begin(&s, &out), 0);
	assert_string_equal(buf_text(&out),
	    "v=1; a=rsa-sha256; c=relaxed/simple; d=example.com; s=s1;\n"
	    "\tt=1795411200; h=From:Reply-To:Subject:Date:To;\n"
	    "\tbh=AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;\n"
	    "\tb=");
	assert_int_equal(dkim_signature_end((struct slice){ raw, sizeof(raw) },
			     &out),
	    0);
	/* No line is longer than RFC 5322, 2.1.1 recommends. */
	size_t column = 16;
	for (size_t i = 0; i < out.len; i++) {
		column = out.at[i] == '\n'   ? 0
			 : out.at[i] == '\t' ? 8
					     : column + 1;
		assert_true(column <= 78);
	}
	buf_clear(&out);
	s.identity = SLICE("@news.example.com");
	assert_int_equal(dkim_signature_begin(&s, &out), 0);
	assert_non_null(slice_find(buf_slice(&out),
	    SLICE("s=s1;\n\ti=@news.example.com; t=1795411200;")));
	buf_done(&out);
	buf_init(&out, 100);
	assert_int_equal(dkim_signature_begin(&s, &out), ERR_LIMIT);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_long_bodies),
		cmocka_unit_test(test_sink_fails),
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
