/* SPDX-License-Identifier: BSD-2-Clause */
/* Policy replies: whatever the text holds, one attribute leaves, or none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/policy_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out;

	if (size < 6)
		return 0;
	struct policy_reply reply = {
		.action = (enum policy_action)(data[0] % 3),
		.code = 400 + data[1],
		.enhanced = { data[2] % 8, data[3], data[4] * 5U },
		.text = { (const char *)data + 5, size - 5 },
	};
	buf_init(&out, 1024);
	if (policy_reply_format(&reply, &out) < 0) {
		if (out.len != 0)
			abort();
	} else if (out.len < 9 || memcmp(out.at, "action=", 7) != 0 ||
		   memchr(out.at, '\n', out.len) != out.at + out.len - 2 ||
		   memchr(out.at, '\0', out.len) != NULL ||
		   memcmp(out.at + 7, "OK", 2) == 0) {
		abort();
	}
	buf_done(&out);
	return 0;
}
