/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_MAP_H
#define UTIL_MAP_H

#include <stddef.h>

#include "util/slice.h"

/*
 * A hash map from octets to pointers, with a maximum number of entries, seeded
 * from getrandom so that no sender can choose colliding keys.  Keys are
 * copied; values belong to the caller.
 */
struct map;

struct map *map_new(size_t max); /* NULL: no memory */
/* drop (may be NULL) is called for each value left. */
void map_free(struct map *m, void (*drop)(void *value));

void *map_get(const struct map *m, struct slice key); /* NULL: not there */
/*
 * ret_old (may be NULL) gets the value replaced, or NULL.
 * 0; ERR_LIMIT: full; ERR_NOMEM.
 */
int map_set(struct map *m, struct slice key, void *value, void **ret_old);
void *map_remove(struct map *m, struct slice key); /* the value, or NULL */
size_t map_count(const struct map *m);
/*
 * Walk: start with *pos = 0; false at the end.  Removing the entry just
 * handed out is allowed, no other change.
 */
bool map_next(const struct map *m, size_t *pos, struct slice *ret_key,
    void **ret_value);

#endif /* UTIL_MAP_H */
