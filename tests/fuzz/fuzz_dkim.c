/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Canonical forms: where the body is cut does not matter; doing it twice
 * changes nothing; relaxed bodies have no blank before a line end.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
collect(void *ctx, const void *octets, size_t len)
{
	return buf_add(ctx, octets, len);
}

static void
whole(enum dkim_canon canon, struct slice in, size_t piece, struct buf *out)
{
	struct dkim_body b;

	buf_clear(out);
	dkim_body_begin(&b, canon, collect, out);
	while (in.len > 0) {
		size_t n = piece < in.len ? piece : in.len;

		if (dkim_body_add(&b, in.at, n) < 0)
			abort();
		in = slice_skip(in, n);
	}
	if (dkim_body_end(&b) < 0)
		abort();
}

static void
check_body(enum dkim_canon canon, struct slice in)
{
	struct buf one, two;

	buf_init(&one, 4 << 20);
	buf_init(&two, 4 << 20);
	whole(canon, in, SIZE_MAX, &one);
	for (size_t piece = 1; piece < 8; piece += 3) {
		whole(canon, in, piece, &two);
		if (!slice_eq(buf_slice(&one), buf_slice(&two)))
			abort();
	}
	whole(canon, buf_slice(&one), 5, &two);
	if (!slice_eq(buf_slice(&one), buf_slice(&two)))
		abort();
	if (canon == DKIM_RELAXED &&
	    (slice_find(buf_slice(&one), SLICE(" \r\n")) != NULL ||
		slice_find(buf_slice(&one), SLICE("  ")) != NULL))
		abort();
	buf_done(&one);
	buf_done(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct header_field field = { SLICE("X-Y"), in };
	struct buf out;

	check_body(DKIM_SIMPLE, in);
	check_body(DKIM_RELAXED, in);
	buf_init(&out, 4 << 20);
	if (dkim_field(DKIM_RELAXED, &field, DKIM_LAST, &out) < 0 ||
	    memchr(out.at, '\n', out.len) != NULL)
		abort();
	buf_clear(&out);
	if (dkim_field(DKIM_SIMPLE, &field, DKIM_FIELD, &out) < 0)
		abort();
	buf_done(&out);
	return 0;
}
