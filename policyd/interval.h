/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_INTERVAL_H
#define POLICYD_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Slots in which messages are taken: one each interval, for each key (a
 * tenant, or a client of one).  A slot that nobody took is gone.  On this host
 * only; bounded: without room a key is not held back.
 */
struct intervals;

struct intervals *intervals_new(size_t max); /* NULL: no memory */
void intervals_free(struct intervals *v);    /* takes NULL */

/* When the next slot of key is, on the monotonic clock; not before now. */
int64_t intervals_next(const struct intervals *v, struct slice key);
/* The slots behind that one begin an interval later. */
void intervals_take(struct intervals *v, struct slice key, int64_t slot_us,
    int64_t interval_us);

#endif /* POLICYD_INTERVAL_H */
