/* SPDX-License-Identifier: BSD-2-Clause */
/* A set-associative memory of marks, replaced in order of last use. */
#include "policyd/seen.h"

#include <stdlib.h>
#include <sys/random.h>

#define WAYS 4

struct set {
	uint64_t mark[WAYS]; /* the one used last first; 0: free */
};

struct seen {
	size_t mask;
	uint64_t seed; /* nobody outside can choose colliding values */
	struct set at[];
};

struct seen *
seen_new(size_t sets)
{
	struct seen *s = calloc(1, sizeof(*s) + sets * sizeof(s->at[0]));

	if (s == NULL)
		return NULL;
	s->mask = sets - 1;
	if (getrandom(&s->seed, sizeof(s->seed), 0) != sizeof(s->seed)) {
		free(s);
		return NULL;
	}
	return s;
}

void
seen_free(struct seen *s)
{
	free(s);
}

/* A step of a multiplicative hash, folded so that high bits come down. */
static uint64_t
mix(uint64_t h, uint64_t word)
{
	__extension__ unsigned __int128 product =
	    (unsigned __int128)(h ^ word) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t
seen_mark(const struct seen *s, const struct slice *parts, size_t count)
{
	uint64_t h = s->seed;

	for (size_t i = 0; i < count; i++) {
		struct slice part = parts[i];

		h = mix(h, part.len + 1);
		while (part.len > 0) {
			uint64_t word = 0;
			size_t n = part.len < 8 ? part.len : 8;

			memcpy(&word, part.at, n);
			h = mix(h, word);
			part = slice_skip(part, n);
		}
	}
	h = mix(h, s->seed);
	return h != 0 ? h : 1;
}

/* Where the mark is in its set, or the last place. */
static size_t
place(const struct set *set, uint64_t mark)
{
	size_t i = 0;

	while (i < WAYS - 1 && set->mark[i] != mark)
		i++;
	return i;
}

static void
to_front(struct set *set, size_t i, uint64_t mark)
{
	for (; i > 0; i--)
		set->mark[i] = set->mark[i - 1];
	set->mark[0] = mark;
}

bool
seen_has(struct seen *s, uint64_t mark)
{
	struct set *set = &s->at[mark & s->mask];
	size_t i = place(set, mark);

	if (set->mark[i] != mark)
		return false;
	to_front(set, i, mark);
	return true;
}

void
seen_add(struct seen *s, uint64_t mark)
{
	struct set *set = &s->at[mark & s->mask];

	to_front(set, place(set, mark), mark);
}
