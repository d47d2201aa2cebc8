/* SPDX-License-Identifier: BSD-2-Clause */
/* Decoded values: never a control octet, never longer than allowed. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/encoded_word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct buf out, again;

	buf_init(&out, size > 0 ? data[0] * 8U : 0);
	buf_init(&again, 10000);
	if (encoded_word_decode(in, &out) < 0 || out.len > out.max)
		abort();
	for (size_t i = 0; i < out.len; i++)
		if ((unsigned char)out.at[i] < ' ' || out.at[i] == 127)
			abort();
	if (out.len > 0 && (out.at[0] == ' ' || out.at[out.len - 1] == ' '))
		abort();
	/* It is UTF-8: without further words it stays as it is. */
	if (slice_find(buf_slice(&out), SLICE("=?")) == NULL &&
	    (encoded_word_decode(buf_slice(&out), &again) < 0 ||
		!slice_eq(buf_slice(&out), buf_slice(&again))))
		abort();
	buf_done(&out);
	buf_done(&again);
	return 0;
}
