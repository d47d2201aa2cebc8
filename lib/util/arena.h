/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_ARENA_H
#define UTIL_ARENA_H

#include <stddef.h>

#include "util/slice.h"

/*
 * Memory that lives as long as one request, message or document, with a cap;
 * one free at its end.  Not thread-safe: one arena, one thread at a time.
 */
struct arena;

/* max: octets it may ever hand out.  NULL: no memory. */
struct arena *arena_new(size_t max);
void arena_free(struct arena *a); /* takes NULL */
/* Forgets everything handed out, keeps the first block for the next use. */
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type.  NULL: cap reached or no memory. */
void *arena_alloc(struct arena *a, size_t size);
/* count * size, overflow checked. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* A copy with a NUL behind it (not counted).  .at == NULL: no room. */
struct slice arena_dup(struct arena *a, struct slice s);
/* The same as text; NULL: no room. */
char *arena_text(struct arena *a, struct slice s);
/* Octets handed out so far. */
size_t arena_used(const struct arena *a);

#endif /* UTIL_ARENA_H */
