/* SPDX-License-Identifier: BSD-2-Clause */
/* Request-long memory: blocks in a list, freed together. */
#include "util/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 4096

struct block {
	struct block *next;
	size_t cap, used;
	alignas(max_align_t) char at[];
};

struct arena {
	struct block *head; /* the one being filled; older ones behind it */
	size_t max, used;
};

struct arena *
arena_new(size_t max)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a != NULL)
		a->max = max;
	return a;
}

static void
free_blocks(struct block *b)
{
	while (b != NULL) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	free_blocks(a->head);
	free(a);
}

void
arena_reset(struct arena *a)
{
	struct block *keep = a->head;

	a->used = 0;
	if (keep == NULL)
		return;
	while (keep->next != NULL) {
		struct block *older = keep->next;

		free(keep);
		keep = older;
	}
	keep->used = 0;
	a->head = keep;
}

static struct block *
add_block(struct arena *a, size_t size)
{
	size_t cap = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct block *b;

	if (cap > SIZE_MAX - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + cap);
	if (b == NULL)
		return NULL;
	*b = (struct block){ .next = a->head, .cap = cap };
	a->head = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct block *b = a->head;

	if (size > a->max || a->used > a->max - size)
		return NULL;
	size_t room = (size + align - 1) / align * align;
	if (b == NULL || b->cap - b->used < room)
		b = add_block(a, room);
	if (b == NULL)
		return NULL;
	void *p = b->at + b->used;

	b->used += room;
	a->used += size;
	memset(p, 0, room);
	return p;
}

void *
arena_calloc(struct arena *a, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc(a, total);
}

struct slice
arena_dup(struct arena *a, struct slice s)
{
	char *p = s.len == SIZE_MAX ? NULL : arena_alloc(a, s.len + 1);

	if (p != NULL && s.len > 0)
		memcpy(p, s.at, s.len);
	return (struct slice){ p, p != NULL ? s.len : 0 };
}

char *
arena_text(struct arena *a, struct slice s)
{
	char *p = s.len == SIZE_MAX ? NULL : arena_alloc(a, s.len + 1);

	if (p != NULL && s.len > 0)
		memcpy(p, s.at, s.len);
	return p;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}
