/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text in any set: within the limit; nothing at all where it stays. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/charset.h"
#include "util/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size }, charset;
	struct buf b;

	if (size == 0)
		return 0;
	(void)slice_split(&text, '\n', &charset);
	if (text.at == NULL)
		text = SLICE("");
	buf_init(&b, 1000);
	int rc = charset_to_utf8(text, charset, &b);
	if (b.len > 1000 || (rc == ERR_NOTFOUND && b.len > 0))
		abort();

	buf_done(&b);
	return 0;
}
