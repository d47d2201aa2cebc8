/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expositions of two hosts, with a NUL between: what comes out is lines of
 * that format, each sample names its host, and no family begins twice.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "service/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct slice text)
{
	struct slice rest = text, line, again, other;

	while (slice_split(&rest, '\n', &line)) {
		if (line.len == 0 || slice_starts(line, SLICE("# TYPE ")))
			continue;
		if (!slice_starts(line, SLICE("# HELP "))) {
			if (slice_find(line, SLICE("{host=\"m")) == NULL)
				abort();
			continue;
		}
		again = rest;
		while (slice_split(&again, '\n', &other))
			if (slice_eq(other, line))
				abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size }, piece;
	struct metrics_text texts[2];
	struct buf out;
	size_t count = 0;

	if (size > 4096)
		return 0;
	while (count < 2 && slice_split(&rest, '\0', &piece)) {
		texts[count].host = count == 0 ? SLICE("m1") : SLICE("m2");
		texts[count++].text = piece;
	}
	buf_init(&out, METRICS_TEXT_MAX);
	if (metrics_merge(texts, count, &out) == 0)
		check(buf_slice(&out));
	buf_done(&out);
	return 0;
}
