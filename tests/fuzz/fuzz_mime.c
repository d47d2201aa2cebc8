/* SPDX-License-Identifier: BSD-2-Clause */
/* Any message: its parts lie inside it, in order, within their limits. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct arena *arena = arena_new(1 << 20);
	const char *last = in.at;
	struct mime mime;
	struct buf out;

	if (arena == NULL)
		return 0;
	buf_init(&out, 1 << 16);
	if (mime_parse(in, arena, &mime) < 0 || mime.count == 0 ||
	    mime.count > MIME_PARTS_MAX)
		abort();
	for (size_t i = 0; i < mime.count; i++) {
		struct mime_part *p = &mime.parts[i];

		if (size > 0 &&
		    (p->header.at < last || p->body.at < p->header.at ||
			p->body.at + p->body.len > in.at + in.len))
			abort();
		last = p->header.at;
		if (p->depth > MIME_DEPTH_MAX)
			abort();
		buf_clear(&out);
		(void)mime_decode(p, &out);
		if (out.len > p->body.len)
			abort();
		(void)mime_unfold(mime_field(p->header, "Subject"), arena);
	}
	buf_done(&out);
	arena_free(arena);
	return 0;
}
