/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LIMIT_STORE_H
#define STORE_LIMIT_STORE_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Rate limits by GCRA (generic cell rate algorithm), one Lua call each, on
 * Redis's own clock in microseconds, so that all hosts agree.
 */
struct store;

struct limit {
	struct slice tenant, rule, value; /* value: of the counted key */
	uint64_t quantity;                /* messages ... */
	int64_t period_us;                /* ... in this time */
	uint64_t burst;                   /* may come at once; 1..quantity */
	uint64_t cost;                    /* usually 1 */
};
/*
 * rc 0: allowed and booked (wait_us == 0), or refused and nothing booked
 * (wait_us: until it would be allowed).
 */
typedef void limit_answer(int rc, int64_t wait_us, void *ctx);
void limit_take(struct store *s, const struct limit *limit, int64_t deadline_us,
    limit_answer *answer, void *ctx);
/* Give a booking back (a later stage refused the message).  Nobody waits. */
void limit_refund(struct store *s, const struct limit *limit);

/*
 * The same algorithm in this process, for when Redis is away: this host's
 * share of the limit.  Bounded: the oldest keys are forgotten.
 */
struct limit_local;
struct limit_local *limit_local_new(size_t max_keys);
void limit_local_free(struct limit_local *l);
/* Returns wait_us, 0: allowed and booked. */
int64_t limit_local_take(struct limit_local *l, const struct limit *limit,
    unsigned hosts);

#endif /* STORE_LIMIT_STORE_H */
