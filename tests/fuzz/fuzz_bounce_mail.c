/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any mail: bounded reports, statuses that exist, no line ends in reasons, what
 * is no failure without a status; memory, and so the work, in proportion to
 * its size.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/bounce_mail.h"

#define ARENA_MAX (1 << 26)
/* Octets made of a mail: texts of parts are kept decoded, in UTF-8 and, what
 * tells of a recipient, on one line. */
#define USED_BASE (512 * 1024)
#define USED_FACTOR 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool truth)
{
	if (!truth)
		abort();
}

static void
check_report(const struct bounce_mail *m, const struct bounce_report *r)
{
	const struct classify_verdict *v = &r->verdict;
	bool fails = r->kind == BOUNCE_FAILED;

	expect(r->kind <= BOUNCE_OTHER && m->kind <= r->kind);
	expect(fails == (v->status != STATUS_NONE));
	expect(!fails || (v->rule != NULL && v->class != CLASS_NONE));
	expect(v->status != STATUS_FORWARDED ||
	       (v->class == CLASS_FORWARDING && r->recipient.len > 0));
	expect(r->reason.len <= BOUNCE_REASON_MAX);
	expect(r->reason.len == 0 ||
	       memchr(r->reason.at, '\n', r->reason.len) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	struct arena *arena = arena_new(ARENA_MAX);
	struct bounce_mail m, again;

	if (arena == NULL)
		return 0;
	if (bounce_mail_read(in, NULL, arena, &m) == 0) {
		expect(m.count <= BOUNCE_REPORTS_MAX);
		for (size_t i = 0; i < m.count; i++)
			check_report(&m, &m.reports[i]);
		expect(arena_used(arena) <= USED_BASE + USED_FACTOR * size);
		/* Nothing is kept from one mail to the next. */
		expect(bounce_mail_read(in, NULL, arena, &again) == 0);
		expect(again.kind == m.kind && again.count == m.count);
	}
	arena_free(arena);
	return 0;
}
