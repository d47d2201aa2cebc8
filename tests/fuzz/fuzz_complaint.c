/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Complaints: recipients have an "@" and come once; what is read of a mail with
 * a report of deliveries is read of it without, too.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/complaint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct complaint *c)
{
	if (c->count > COMPLAINT_RECIPIENTS_MAX ||
	    complaint_word(c->type) == NULL)
		abort();
	for (size_t i = 0; i < c->count; i++) {
		if (memchr(c->recipients[i].at, '@', c->recipients[i].len) ==
		    NULL)
			abort();
		for (size_t n = 0; n < i; n++)
			if (slice_eq_nocase(c->recipients[i], c->recipients[n]))
				abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct arena *arena = arena_new(16 << 20);
	struct complaint c, strict;
	struct bounce_parts parts;

	if (arena == NULL)
		return 0;
	if (bounce_parts_read(in, NULL, arena, &parts) == 0) {
		int any = complaint_read(&parts, false, &c);
		int some = complaint_read(&parts, true, &strict);

		if (any == 1)
			check(&c);
		if (some == 1) {
			check(&strict);
			if (any != 1 || c.type != strict.type)
				abort();
		}
	}
	arena_free(arena);
	return 0;
}
