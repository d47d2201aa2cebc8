/* SPDX-License-Identifier: BSD-2-Clause */
/* Block records: what is read is written the same way again. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Written, read and written once more: the same text. */
static void
check_again(const struct block *b,
    int (*format)(const struct block *b, struct buf *out),
    int (*parse)(struct slice text, struct block *ret_block))
{
	struct block c = { .state = BLOCK_BLOCKED };
	struct buf out, again;

	buf_init(&out, 1 << 16);
	buf_init(&again, 1 << 16);
	if (format(b, &out) < 0 ||
	    (out.len > 0 &&
		(parse(buf_slice(&out), &c) < 0 || format(&c, &again) < 0)) ||
	    !slice_eq(buf_slice(&out), buf_slice(&again)))
		abort();
	buf_done(&out);
	buf_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct block b;

	if (block_entry_parse(text, &b) == 0)
		check_again(&b, block_entry_format, block_entry_parse);
	b = (struct block){ .state = BLOCK_BLOCKED };
	if (block_evidence_parse(text, &b) == 0) {
		if (b.counts.at < text.at ||
		    b.counts.at + b.counts.len > text.at + size)
			abort(); /* a slice leaves its record */
		check_again(&b, block_evidence_format, block_evidence_parse);
	}
	(void)block_counting_parse(text, &b);
	return 0;
}
