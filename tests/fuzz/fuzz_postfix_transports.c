/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of transports: any text is judged; what is read is written the same
 * again, and changes nothing that is not ours. */
#include <stdint.h>
#include <stdlib.h>

#include "postfix-conf/transports.h"
#include "util/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge_edit(const struct postfix_edit *e)
{
	const struct slice unix_type = SLICE("/unix"),
			   limit = SLICE("_destination_concurrency_limit");
	struct slice name = e->name,
		     suffix = e->file == POSTFIX_MAIN_CF ? limit : unix_type;

	if (e->file == POSTFIX_MASTER_CF || name.len < suffix.len)
		abort();
	if (!slice_eq(slice_skip(name, name.len - suffix.len), suffix))
		abort();
	name.len -= suffix.len;
	if (!postfix_transport_name_ok(name))
		abort();
	for (size_t i = 0; i < e->value.len; i++)
		if (e->value.at[i] == '\n' || e->value.at[i] == '\0')
			abort();
}

static void
use(struct arena *arena, const struct postfix_transports *t)
{
	struct postfix_value values[] = {
		{ SLICE("queue_directory"), SLICE("/var/spool/postfix") },
		{ SLICE("syslog_name"), SLICE("postfix") },
	};
	struct postfix_transports_now now = {
		.values = { values, 2 },
		.config_directory = SLICE("/etc/postfix"),
	};
	struct postfix_edits edits;

	if (postfix_transports_plan(arena, &now, t, &edits) < 0)
		return;
	if (edits.count != 2 * t->count)
		abort();
	for (size_t i = 0; i < edits.count; i++)
		judge_edit(&edits.at[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct arena *arena = arena_new((size_t)16 * 1024 * 1024);
	struct postfix_transports t;
	struct buf again;
	size_t line = 0;

	if (arena == NULL)
		return 0;
	buf_init(&again, size + 1);
	if (postfix_transports_parse(arena, text, &t, &line) == 0) {
		if (postfix_transports_format(&t, &again) < 0 ||
		    !slice_eq(buf_slice(&again), text))
			abort();
		use(arena, &t);
	} else if (line == 0) {
		abort();
	}
	buf_done(&again);
	arena_free(arena);
	return 0;
}
