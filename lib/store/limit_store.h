/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LIMIT_STORE_H
#define STORE_LIMIT_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Rate limits by GCRA (generic cell rate algorithm; ITU-T I.371), one Lua call
 * each, on Redis's own clock in microseconds, so that all hosts agree.
 * Checking and booking are one step: parallel takers never overshoot.
 */
struct rate; /* proto/settings.h: quantity in period, burst at once */
struct store;

struct limit {
	struct slice tenant, rule, value; /* value: of the counted key */
	const struct rate *rates;         /* all of them must allow it */
	size_t rate_count;                /* 1..SETTINGS_RATES_MAX */
	uint64_t cost;                    /* usually 1 */
};

/*
 * rc 0: allowed and booked with every rate (wait_us == 0), or refused and
 * booked with none (wait_us: until it would be allowed).  Else Redis trouble;
 * after ERR_TIMEOUT it may have been booked.
 */
typedef void limit_answer(int rc, int64_t wait_us, void *ctx);
/* Exactly one answer, by the deadline, never from inside. */
void limit_take(struct store *s, const struct limit *limit, int64_t deadline_us,
    limit_answer *answer, void *ctx);
/* Give a booking back (a later stage refused the message).  Nobody waits. */
void limit_refund(struct store *s, const struct limit *limit);

/*
 * The same algorithm in this process, for when Redis is away: this host's
 * share of the limit.  Bounded: the keys used longest ago are forgotten.
 */
struct limit_local;
struct limit_local *limit_local_new(size_t max_keys); /* NULL: no memory */
void limit_local_free(struct limit_local *l);         /* takes NULL */
/*
 * hosts: among how many the limit is divided, at least 1; a share of the burst
 * is at least one message.  Returns wait_us; 0: allowed and booked (also when
 * there is no memory to remember it).
 */
int64_t limit_local_take(struct limit_local *l, const struct limit *limit,
    unsigned hosts);
void limit_local_refund(struct limit_local *l, const struct limit *limit,
    unsigned hosts);

#endif /* STORE_LIMIT_STORE_H */
