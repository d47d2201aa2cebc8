/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_SEEN_H
#define POLICYD_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Marks of what was done lately, so that it is not done twice: a message with
 * several recipients is booked once.  Of a fixed size: where there is no room
 * the mark used longest ago in its set of four is forgotten.
 */
struct seen;

/* sets: a power of two; four marks of 8 octets each.  NULL: no memory. */
struct seen *seen_new(size_t sets);
void seen_free(struct seen *s); /* takes NULL */

/* The mark of these parts; parts that differ give other marks. */
uint64_t seen_mark(const struct seen *s, const struct slice *parts,
    size_t count);
bool seen_has(struct seen *s, uint64_t mark);
void seen_add(struct seen *s, uint64_t mark);

#endif /* POLICYD_SEEN_H */
