/* SPDX-License-Identifier: BSD-2-Clause */
/* Any mail: bounded reports, statuses that exist, no line ends in reasons. */
#include <stdint.h>
#include <stdlib.h>

#include "proto/bounce_mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct arena *arena = arena_new(1 << 24);
	struct bounce_mail m;

	if (arena == NULL)
		return 0;
	if (bounce_mail_read(in, NULL, arena, &m) == 0) {
		if (m.count > BOUNCE_REPORTS_MAX)
			abort();
		for (size_t i = 0; i < m.count; i++) {
			struct bounce_report *r = &m.reports[i];

			if ((r->kind == BOUNCE_FAILED) !=
			    (r->verdict.status != STATUS_NONE))
				abort();
			if (r->reason.len > BOUNCE_REASON_MAX ||
			    (r->reason.len > 0 &&
				memchr(r->reason.at, '\n', r->reason.len)))
				abort();
		}
	}
	arena_free(arena);
	return 0;
}
