/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Broken lines: none is too long, where the text is cut does not matter, and
 * without the breaks it is the text again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/line_break.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
collect(void *ctx, const void *octets, size_t len)
{
	return buf_add(ctx, octets, len);
}

/* Lines are at most max long, but for the CR of their line end. */
static void
check_lines(struct slice text, size_t max)
{
	struct slice line;

	while (slice_split(&text, '\n', &line))
		if (line.len > max + 1 ||
		    (line.len == max + 1 &&
			(line.at[max] != '\r' || text.at == NULL)))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t max = size > 0 ? 3 + data[0] % 9 : 3;
	struct slice in = { size > 0 ? (const char *)data + 1 : "",
		size > 0 ? size - 1 : 0 };
	struct buf one, two;

	buf_init(&one, 4 << 20);
	buf_init(&two, 4 << 20);
	if (line_break_text(max, 0, in, &one) < 0)
		abort();
	check_lines(buf_slice(&one), max);
	if (line_break_needed(max, 0, in) == slice_eq(in, buf_slice(&one)))
		abort();
	for (size_t piece = 1; piece < 8; piece += 3) {
		struct line_break l = { .max = max };

		buf_clear(&two);
		for (size_t at = 0; at < in.len; at += piece) {
			struct slice s = slice_skip(in, at);

			if (s.len > piece)
				s.len = piece;
			if (line_break_add(&l, s, collect, &two) < 0)
				abort();
		}
		if (line_break_end(&l, collect, &two) < 0 ||
		    !slice_eq(buf_slice(&one), buf_slice(&two)))
			abort();
	}
	if (one.len < in.len || (one.len - in.len) % 3 != 0)
		abort();
	buf_done(&one);
	buf_done(&two);
	return 0;
}
