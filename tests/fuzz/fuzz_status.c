/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies in text: codes in their bounds, the rest inside the text. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct smtp_reply reply;
	struct enhanced_code code;

	if (enhanced_code_parse(in, &code) > size)
		abort();
	smtp_reply_parse(in, &reply);
	if (reply.code != 0 && (reply.code < 200 || reply.code > 599))
		abort();
	if (reply.enhanced.class > 5 || reply.enhanced.subject > 999 ||
	    reply.enhanced.detail > 999)
		abort();
	if (reply.text.len > 0 &&
	    (reply.text.at < in.at ||
		reply.text.at + reply.text.len > in.at + size))
		abort();
	return 0;
}
