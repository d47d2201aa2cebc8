/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of any content: an item that was added is there, is added once, and
 * goes again without a trace. */
#include <stdint.h>
#include <stdlib.h>

#include "postfix-conf/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
items(struct slice list)
{
	struct slice item;
	size_t n = 0;

	while (postfix_list_next(&list, &item)) {
		if (item.len == 0)
			abort();
		n++;
	}
	return n;
}

static void
check_list(struct arena *arena, struct slice list)
{
	const struct slice ours = SLICE("$postern_milter");
	struct slice one, without;

	if (postfix_list_has(list, ours)) {
		without = postfix_list_remove(arena, list, ours);
		if (without.at != NULL && postfix_list_has(without, ours))
			abort();
		return;
	}
	one = postfix_list_add(arena, list, ours, POSTFIX_LIST_FIRST);
	if (one.at == NULL)
		return;
	if (!postfix_list_has(one, ours) || items(one) != items(list) + 1)
		abort();
	without = postfix_list_remove(arena, one, ours);
	if (without.at != NULL && items(without) != items(list))
		abort();
}

static void
check_plan(struct arena *arena, const struct postfix_values *values,
    const struct postfix_values *entries)
{
	const struct postfix_wanted wanted = { .policyd = SLICE("unix:p"),
		.milter = SLICE("unix:m"),
		.map = SLICE("unix:t"),
		.shaping_known = true,
		.shaping = true,
		.bounced = SLICE("unix:b"),
		.reinject = SLICE("127.0.0.1:1") };
	const struct postfix_now now = { .main = *values,
		.services = *values,
		.entries = *entries };
	struct postfix_edits edits;

	if (postfix_plan_enable(arena, &now, &wanted, &edits) < 0)
		return;
	for (size_t i = 0; i < edits.count; i++)
		if (edits.at[i].value.at == NULL &&
		    edits.at[i].file != POSTFIX_MASTER_ENTRY)
			abort();
	(void)postfix_plan_disable(arena, &now, NULL, &edits);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct arena *arena = arena_new(4 << 20);
	struct postfix_values values, entries = { .count = 0 };
	size_t line;

	if (arena == NULL)
		return 0;
	(void)postfix_entries_parse(arena, text, &entries, &line);
	if (postfix_values_parse(arena, text, &values, &line) == 0) {
		for (size_t i = 0; i < values.count; i++)
			check_list(arena, values.at[i].value);
		check_plan(arena, &values, &entries);
	}
	arena_free(arena);
	return 0;
}
