/* SPDX-License-Identifier: BSD-2-Clause */
/* Any reply text gets one known status, the same for the same text. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct classify_input in = { .text = text,
		.dsn = { text.at, size < 8 ? size : 8 } };
	struct classify_verdict a, b;
	char room[CLASSIFY_TEXT_MAX];

	classify_reply(&in, &a);
	classify_reply(&in, &b);
	if (!status_known(a.status) || a.status == STATUS_NONE ||
	    a.rule == NULL || a.status != b.status || a.rule != b.rule)
		abort();
	size_t n = classify_normalize(text, room);
	if (n > CLASSIFY_TEXT_MAX || n > size + 1)
		abort();
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)room[i] < ' ' ||
		    (room[i] >= 'A' && room[i] <= 'Z'))
			abort();
	return 0;
}
