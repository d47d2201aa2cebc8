/* SPDX-License-Identifier: BSD-2-Clause */
/* Any delivery status report: bounded, and no line ends in its values. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/dsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one_line(struct slice s)
{
	if (s.len > 0 && memchr(s.at, '\n', s.len) != NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct arena *arena = arena_new(1 << 22);
	struct dsn dsn;

	if (arena == NULL)
		return 0;
	if (dsn_parse(in, arena, &dsn) == 0) {
		if (dsn.count > DSN_RECIPIENTS_MAX)
			abort();
		for (size_t i = 0; i < dsn.count; i++) {
			one_line(dsn.recipients[i].original);
			one_line(dsn.recipients[i].final);
			one_line(dsn.recipients[i].diagnostic);
			one_line(dsn.recipients[i].remote_mta);
		}
	}
	arena_free(arena);
	return 0;
}
