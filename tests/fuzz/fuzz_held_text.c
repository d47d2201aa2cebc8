/* SPDX-License-Identifier: BSD-2-Clause */
/* A message of the queue as the helper hands it out. */
#include <stdint.h>
#include <stdlib.h>

#include "policyd/held_text.h"
#include "util/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4 << 20);
	struct slice text = { (const char *)data, size };
	struct held_text t;

	if (arena == NULL)
		return 0;
	if (size > 0 && held_text_parse(text, arena, &t) == 0) {
		if (t.sender.at == NULL ||
		    memchr(t.sender.at, '\n', t.sender.len) != NULL ||
		    t.recipient_count > HELD_RECIPIENTS_MAX ||
		    t.field_count > HELD_FIELDS_MAX)
			abort();
		for (size_t i = 0; i < t.recipient_count; i++)
			if (memchr(t.recipients[i].at, '\n',
				t.recipients[i].len) != NULL)
				abort();
		for (size_t i = 0; i < t.field_count; i++)
			if (!header_name_ok(t.fields[i].name))
				abort();
		(void)held_text_field(&t, SLICE("X-Postern-Held"));
	}
	arena_free(arena);
	return 0;
}
