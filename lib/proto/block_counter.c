/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting errors towards a block, without Redis. */
#include "proto/block_counter.h"

#include <stdlib.h>
#include <string.h>

#include "proto/status.h"
#include "util/err.h"
#include "util/map.h"

#define DAY_S 86400

/* ---- one address ---- */

/* FNV-1a, folded. */
static uint32_t
id_of(struct slice message)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < message.len; i++) {
		h ^= (unsigned char)message.at[i];
		h *= UINT64_C(1099511628211);
	}
	return (uint32_t)(h ^ (h >> 32));
}

static void
remember(struct block_counter *c, uint32_t id)
{
	if (c->id_count == BLOCK_COUNTER_IDS) {
		memmove(c->ids, c->ids + 1,
		    (BLOCK_COUNTER_IDS - 1) * sizeof(c->ids[0]));
		c->id_count--;
	}
	c->ids[c->id_count++] = id;
}

/* The message is remembered; true: it was before. */
static bool
is_known(struct block_counter *c, uint32_t id)
{
	for (unsigned i = 0; i < c->id_count; i++)
		if (c->ids[i] == id)
			return true;
	remember(c, id);
	return false;
}

enum counter_result
block_counter_error(struct block_counter *c,
    const struct blocking_condition *condition, struct slice message,
    int64_t at_s)
{
	enum counter_result result = COUNTER_COUNTED;
	int64_t forget_s = (int64_t)condition->forget_days * DAY_S;
	int64_t watch_s = (int64_t)condition->watch_days * DAY_S;

	if (c->blocked) {
		if (c->expires_s == 0 || at_s < c->expires_s)
			return COUNTER_ALREADY;
		c->blocked = c->any = false;
		c->count = 0;
	}
	if (is_known(c, id_of(message)))
		return COUNTER_ALREADY;
	if (c->any && forget_s > 0 && at_s - c->last_s >= forget_s) {
		c->any = false;
		c->count = 0;
	}
	if (condition->once_per_day && c->any &&
	    at_s / DAY_S == c->last_s / DAY_S)
		result = COUNTER_ALREADY;
	else
		c->count++;
	if (!c->any || at_s > c->last_s)
		c->last_s = at_s;
	c->any = true;
	if (result != COUNTER_COUNTED || c->count < condition->count)
		return result;
	if (condition->observe)
		return COUNTER_WOULD;
	c->blocked = true;
	c->since_s = at_s;
	c->expires_s = watch_s > 0 ? at_s + watch_s : 0;
	return COUNTER_BLOCKED;
}

bool
block_counter_success(struct block_counter *c, int64_t at_s)
{
	bool lifted = false;

	if (c->blocked) {
		if (at_s < c->since_s)
			return false;
		lifted = c->expires_s == 0 || at_s < c->expires_s;
		c->blocked = false;
		if (lifted) /* in Redis, the lift itself is remembered */
			remember(c, 0);
	} else if (c->last_s > at_s) {
		return false;
	}
	c->any = false;
	c->count = 0;
	return lifted;
}

/* ---- many ---- */

struct block_trial {
	struct blocking_condition condition;
	int status;
	struct map *addresses; /* struct block_counter */
	struct block_trial_sum sum;
};

struct block_trial *
block_trial_new(const struct blocking_condition *condition, int status,
    size_t max_addresses)
{
	struct block_trial *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->condition = *condition;
	t->condition.observe = false;
	t->status = status;
	t->addresses = map_new(max_addresses);
	if (t->addresses == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void
block_trial_free(struct block_trial *t)
{
	if (t == NULL)
		return;
	map_free(t->addresses, free);
	free(t);
}

unsigned
block_trial_types(const struct block_trial *t)
{
	unsigned types = t->status == STATUS_NONE
			     ? 1U << EVENT_COMPLAINED
			     : 1U << EVENT_FAILED | 1U << EVENT_BOUNCED;

	if (t->condition.lift_on_success)
		types |= 1U << EVENT_SUCCEEDED;
	return types;
}

static bool
counts(struct block_trial *t, const struct event *e)
{
	if (t->status == STATUS_NONE) {
		if (e->type != EVENT_COMPLAINED)
			return false;
		t->sum.errors++;
		return !e->repeated && e->origin.len == 0;
	}
	if ((e->type != EVENT_FAILED && e->type != EVENT_BOUNCED) ||
	    e->status != t->status)
		return false;
	t->sum.errors++;
	return !e->repeated && e->origin.len == 0 &&
	       (t->condition.any_fault || bounce_class_may_block(e->class));
}

static int
counter_of(struct block_trial *t, struct slice address,
    struct block_counter **ret_counter)
{
	struct block_counter *c = map_get(t->addresses, address);
	int rc;

	if (c == NULL) {
		c = calloc(1, sizeof(*c));
		if (c == NULL)
			return ERR_NOMEM;
		rc = map_set(t->addresses, address, c, NULL);
		if (rc < 0) {
			free(c);
			return rc;
		}
		t->sum.addresses++;
	}
	*ret_counter = c;
	return 0;
}

int
block_trial_add(struct block_trial *t, const struct event *e, bool *ret_blocks)
{
	struct slice message = e->message.len > 0 ? e->message : e->queue_id;
	struct block_counter *c;
	int rc;

	*ret_blocks = false;
	if (e->type == EVENT_SUCCEEDED && t->condition.lift_on_success) {
		c = map_get(t->addresses, e->recipient);
		if (c != NULL && block_counter_success(c, e->created_ms / 1000))
			t->sum.lifted++;
		return 0;
	}
	if (!counts(t, e))
		return 0;
	if ((rc = counter_of(t, e->recipient, &c)) < 0)
		return rc;
	t->sum.counted++;
	if (block_counter_error(c, &t->condition,
		message.len > 0 ? message : e->id,
		e->created_ms / 1000) != COUNTER_BLOCKED)
		return 0;
	t->sum.blocked++;
	if (e->class < BOUNCE_CLASS_COUNT)
		t->sum.by_class[e->class]++;
	*ret_blocks = true;
	return 0;
}

const struct block_trial_sum *
block_trial_sum(const struct block_trial *t)
{
	return &t->sum;
}
