/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots in which messages are taken. */
#include "policyd/interval.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/map.h"

struct intervals {
	struct map *next; /* key -> struct slot */
	size_t max;
};
struct slot {
	int64_t next_us;
};

struct intervals *
intervals_new(size_t max)
{
	struct intervals *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->max = max;
	v->next = map_new(max);
	if (v->next != NULL)
		return v;
	free(v);
	return NULL;
}

void
intervals_free(struct intervals *v)
{
	if (v == NULL)
		return;
	map_free(v->next, free);
	free(v);
}

int64_t
intervals_next(const struct intervals *v, struct slice key)
{
	const struct slot *slot = map_get(v->next, key);
	int64_t now = clock_mono_us();

	return slot != NULL && slot->next_us > now ? slot->next_us : now;
}

/* Keys that are not held back any more. */
static void
clean(struct intervals *v)
{
	int64_t now = clock_mono_us();
	size_t pos = 0;
	struct slice key;
	void *value;

	while (map_next(v->next, &pos, &key, &value)) {
		struct slot *slot = value;

		if (slot->next_us > now)
			continue;
		(void)map_remove(v->next, key);
		free(slot);
	}
}

void
intervals_take(struct intervals *v, struct slice key, int64_t slot_us,
    int64_t interval_us)
{
	struct slot *slot = map_get(v->next, key);

	if (slot == NULL) {
		if (map_count(v->next) >= v->max)
			clean(v);
		slot = calloc(1, sizeof(*slot));
		if (slot == NULL || map_set(v->next, key, slot, NULL) < 0) {
			free(slot);
			return;
		}
	}
	slot->next_us = slot_us + interval_us;
}
