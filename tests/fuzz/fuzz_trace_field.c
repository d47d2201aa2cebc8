/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * X-Postern-Ref: what parses is what would be made again, letter by letter but
 * for case; what is made parses.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/trace_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[CRYPTO_SHA256_LEN];

static void
check(const struct trace_tag *tag, struct slice in)
{
	char room[TRACE_VALUE_MAX];
	struct slice value;

	if (tag->message.queue_id.len == 0 ||
	    tag->message.queue_id.len > VERP_QUEUE_ID_MAX)
		abort();
	if (trace_format(key, tag, room, &value) == 0 &&
	    !slice_eq_nocase(in, value))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	char queue_id[VERP_QUEUE_ID_MAX], room[TRACE_VALUE_MAX];
	struct trace_tag tag, again;
	struct slice value;

	if (trace_parse(key, in, UINT32_MAX, 0, queue_id, &tag) == 0)
		check(&tag, in);
	tag = (struct trace_tag){ .message = { .host = verp_host(in),
				      .sent_s = (int64_t)size,
				      .queue_id = in },
		.single = size % 2 == 1 };
	if (trace_recipient(key, in, tag.recipient) < 0 ||
	    trace_format(key, &tag, room, &value) < 0)
		return 0;
	if (trace_parse(key, value, (int64_t)size, 1, queue_id, &again) < 0 ||
	    !slice_eq(again.message.queue_id, in) ||
	    again.message.host != tag.message.host ||
	    again.single != tag.single)
		abort();
	return 0;
}
