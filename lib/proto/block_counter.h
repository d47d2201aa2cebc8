/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BLOCK_COUNTER_H
#define PROTO_BLOCK_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bounce_class.h"
#include "proto/event.h"
#include "proto/settings.h"
#include "util/slice.h"

/*
 * How errors of one status count towards a block: what block_count.lua and
 * block_success.lua do in Redis, as a pure function, for trying a condition on
 * what has happened.  A test holds one against the other.
 */
#define BLOCK_COUNTER_IDS 8 /* messages remembered, as in Redis */
struct block_counter {
	uint64_t count;
	int64_t last_s; /* the last error; 0 with count 0: none */
	bool any, blocked;
	int64_t since_s, expires_s;
	uint32_t ids[BLOCK_COUNTER_IDS];
	unsigned id_count;
};
enum counter_result {
	COUNTER_COUNTED,
	COUNTER_BLOCKED, /* by this very error */
	COUNTER_ALREADY, /* is blocked, or the message counted before */
	COUNTER_WOULD,   /* observe: it would be blocked */
};
/* Begins zeroed.  message: its id; counts once. */
enum counter_result block_counter_error(struct block_counter *c,
    const struct blocking_condition *condition, struct slice message,
    int64_t at_s);
/* A delivery, where the condition has lift_on_success: true, it ended a block.
 */
bool block_counter_success(struct block_counter *c, int64_t at_s);

/*
 * A condition tried on events, oldest first: as if it were the only one, and
 * nobody blocked before.  Outbreaks are not looked for.
 */
struct block_trial;

#define BLOCK_TRIAL_ADDRESSES 1000000 /* with such errors; about 200 MB */
/*
 * status  whose errors it counts; STATUS_NONE: complaints
 * NULL: no memory.
 */
struct block_trial *block_trial_new(const struct blocking_condition *condition,
    int status, size_t max_addresses);
void block_trial_free(struct block_trial *t); /* takes NULL */
/* Which events it wants: bits 1 << enum event_type. */
unsigned block_trial_types(const struct block_trial *t);
/* Would this event block its address?  ERR_LIMIT: too many addresses;
 * ERR_NOMEM. */
int block_trial_add(struct block_trial *t, const struct event *e,
    bool *ret_blocks);

struct block_trial_sum {
	uint64_t errors;    /* of that status, whether they count or not */
	uint64_t counted;   /* those that do */
	uint64_t addresses; /* with one that counts */
	uint64_t blocked;   /* times that an address would be blocked */
	uint64_t lifted;    /* blocks that a delivery would end */
	uint64_t by_class[BOUNCE_CLASS_COUNT]; /* of blocked */
};
const struct block_trial_sum *block_trial_sum(const struct block_trial *t);

#endif /* PROTO_BLOCK_COUNTER_H */
