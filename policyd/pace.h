/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_PACE_H
#define POLICYD_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/pace_store.h"
#include "util/slice.h"

/*
 * What this process knows of the pace of each shaping filter: whether it is
 * suspended, which leaves to send it has given, and its own share while Redis
 * is away.  The pace itself is in Redis (store/pace_store.h).
 */
struct policyd;

/*
 * Whether a filter is suspended now, from memory: new deliveries are kept off
 * (the map of transports answers "retry:").  All hosts learn it by a notice,
 * and look every half minute.  ret_left_us: for how long.
 */
bool pace_suspended(const struct policyd *d, struct slice filter,
    int64_t *ret_left_us);

/* ---- for map_pace.c ---- */

struct pace {
	char name[SHAPING_NAME_MAX];
	size_t name_len;
	int64_t suspended_us; /* until, monotonic clock; 0: not */
	unsigned leaves;      /* given, and not used yet */
	int64_t leave_us;     /* when the last one was */
	int64_t typical_us;   /* from a leave to the end of the delivery that
				 was made with it, when there is work */
	struct pace_local local;
};
/* Made at the first call; NULL: no memory. */
struct pace *pace_of(struct policyd *d, struct slice filter);

/* The last answer that a connection of smtp(8) got. */
struct pace_client {
	uint64_t client; /* 0: nobody */
	uint64_t mark;   /* of what was asked */
	int64_t answered_us;
};
/* Of few enough clients that each has its own; else one forgets another. */
struct pace_client *pace_client_of(uint64_t client);

/*
 * How old the leave is that a delivery was made with, less what deliveries
 * take; -1: there was none.  client: of this number, or another's.
 */
int64_t pace_leave_take(struct pace *p, const struct pace_client *client,
    uint64_t number);
void pace_leave_give(struct pace *p);
/* What Redis or the local share said: suspension, leaves that were none. */
void pace_learn(struct pace *p, const struct pace_answer *answer);

/* Every delivery that waits goes. */
void map_pace_drain(void);

/* On the daemon's loop; NULL: no memory. */
struct loop_timer *pace_timer_new(void (*fired)(void *ctx), void *ctx);

/* From postern.conf. */
extern struct pace_options {
	int64_t wait_us;     /* policyd_pace_wait */
	int64_t recovery_us; /* policyd_pace_recovery */
} pace_options;

#endif /* POLICYD_PACE_H */
