/* SPDX-License-Identifier: BSD-2-Clause */
/* TZif files and their rules: what is computed from them holds together. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/zone.h"
#include "proto/zone_rule.h"
#include "util/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct zone *z)
{
	int64_t t = INT64_C(-2500000000), next;

	for (unsigned i = 0; i < 50 && zone_next(z, t, &next); i++) {
		int64_t local = next + zone_offset(z, next);
		int64_t first = zone_first(z, local),
			last = zone_last(z, local);

		if (next <= t || first > last ||
		    first + zone_offset(z, first) < local ||
		    last + zone_offset(z, last) < local || first > next ||
		    last < first)
			abort();
		t = next;
		if (t > INT64_C(10000000000))
			break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct arena *arena = arena_new(4 << 20);
	const struct zone *z;
	struct zone_rule r;

	if (arena != NULL && zone_parse(text, arena, &z) == 0)
		check(z);
	if (zone_rule_parse(text, &r) == 0 && r.given && r.changes &&
	    zone_rule_next(&r, 1800000000) <= 1800000000)
		abort();
	arena_free(arena);
	return 0;
}
