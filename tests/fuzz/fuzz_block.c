/* SPDX-License-Identifier: BSD-2-Clause */
/* Block records: what is read is written the same way again. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct block b, c;
	struct buf out, again;

	if (block_parse(text, &b) < 0)
		return 0;
	if (b.counts.at < text.at ||
	    b.counts.at + b.counts.len > text.at + size)
		abort(); /* a slice leaves its record */
	buf_init(&out, 1 << 16);
	buf_init(&again, 1 << 16);
	if (block_format(&b, &out) < 0 ||
	    block_parse(buf_slice(&out), &c) < 0 ||
	    block_format(&c, &again) < 0 ||
	    !slice_eq(buf_slice(&out), buf_slice(&again)))
		abort();
	buf_done(&out);
	buf_done(&again);
	return 0;
}
