/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Return paths: what parses is what would be made again, letter by letter
 * but for case; what is made parses.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/verp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[CRYPTO_SHA256_LEN];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	char queue_id[VERP_QUEUE_ID_MAX], room[VERP_LOCAL_MAX];
	struct verp_tag tag, again;
	struct slice local;

	if (verp_parse(key, in, UINT32_MAX, 0, queue_id, &tag) == 0) {
		if (tag.queue_id.len == 0 ||
		    tag.queue_id.len > VERP_QUEUE_ID_MAX)
			abort();
		if (verp_format(key, &tag, room, &local) == 0 &&
		    !slice_eq_nocase(in, local))
			abort();
	}
	tag = (struct verp_tag){ .host = verp_host(in),
		.sent_s = (int64_t)size,
		.queue_id = in };
	if (verp_format(key, &tag, room, &local) == 0 &&
	    (verp_parse(key, local, (int64_t)size, 1, queue_id, &again) < 0 ||
		!slice_eq(again.queue_id, in) || again.host != tag.host))
		abort();
	return 0;
}
