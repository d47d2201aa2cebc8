/* SPDX-License-Identifier: BSD-2-Clause */
/* The field of held messages: what was read is written, and read the same. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/held_field.h"
#include "util/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct arena *arena = arena_new(65536);
	struct held_field f, again;
	struct buf out;

	buf_init(&out, 4 * HELD_FIELD_MAX);
	if (arena != NULL && held_field_parse(text, arena, &f) == 0 &&
	    held_field_format(&f, &out) == 0 && out.len <= HELD_FIELD_MAX &&
	    (held_field_parse(buf_slice(&out), arena, &again) < 0 ||
		f.reason != again.reason || f.priority != again.priority ||
		f.arrived_ms != again.arrived_ms ||
		f.release_ms != again.release_ms ||
		!slice_eq(f.tenant, again.tenant) ||
		!slice_eq(f.rule, again.rule)))
		abort();
	buf_done(&out);
	arena_free(arena);
	return 0;
}
