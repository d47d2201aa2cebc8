/* SPDX-License-Identifier: BSD-2-Clause */
/* Names in a mail that came back: within their limits, and of their forms. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/returned_names.h"
#include "proto/trace_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct returned_names *n)
{
	if (n->trace_count > RETURNED_NAMES_MAX ||
	    n->sender_count > RETURNED_NAMES_MAX ||
	    n->id_count > RETURNED_NAMES_MAX)
		abort();
	for (size_t i = 0; i < n->trace_count; i++)
		if (!trace_looks(n->traces[i]))
			abort();
	for (size_t i = 0; i < n->sender_count; i++)
		if (memchr(n->senders[i].at, '@', n->senders[i].len) == NULL)
			abort();
	for (size_t i = 0; i < n->id_count; i++)
		if (n->ids[i].host.len == 0 ||
		    n->ids[i].queue_id.len > VERP_QUEUE_ID_MAX)
			abort();
	if (n->message_id.at != NULL &&
	    (n->message_id.len < 3 || n->message_id.at[0] != '<' ||
		n->message_id.at[n->message_id.len - 1] != '>'))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct arena *arena = arena_new(16 << 20);
	struct returned_names names;
	struct bounce_parts parts;

	if (arena == NULL)
		return 0;
	if (bounce_parts_read(in, NULL, arena, &parts) == 0) {
		returned_names_read(in, &parts, &names);
		check(&names);
	}
	arena_free(arena);
	return 0;
}
