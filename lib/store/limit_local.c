/* SPDX-License-Identifier: BSD-2-Clause */
/* Rate limits of this process alone, bounded, oldest keys forgotten. */
#include "store/limit_store.h"

#include <stdlib.h>

#include "store/keys.h"
#include "store/limit_gcra.h"
#include "util/clock.h"
#include "util/map.h"

/* Ten years: sums of two such times stay far from the end of int64_t. */
#define TIME_MAX_US INT64_C(315360000000000)
#define TIME_MAX ((uint64_t)TIME_MAX_US)

struct entry {
	struct entry *older, *newer;
	struct key key;
	int64_t tat_us[SETTINGS_RATES_MAX];
};

struct limit_local {
	struct map *map;
	struct entry *oldest, *newest;
	size_t max;
};

struct gcra
gcra_of(const struct rate *rate, unsigned hosts)
{
	uint64_t quantity = rate->quantity > 0 ? rate->quantity : 1;
	uint64_t burst = (rate->burst > 0 ? rate->burst : 1) / hosts;
	uint64_t period = rate->period_us > 0 ? (uint64_t)rate->period_us : 1;
	uint64_t interval, ahead;

	if (period > TIME_MAX / hosts)
		period = TIME_MAX / hosts;
	interval = (period * hosts + quantity - 1) / quantity;
	if (__builtin_mul_overflow(interval, burst > 0 ? burst : 1, &ahead) ||
	    ahead > TIME_MAX)
		ahead = TIME_MAX;
	return (struct gcra){ (int64_t)interval, (int64_t)ahead };
}

struct limit_local *
limit_local_new(size_t max_keys)
{
	struct limit_local *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->max = max_keys;
	l->map = map_new(max_keys);
	if (l->map == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
limit_local_free(struct limit_local *l)
{
	if (l == NULL)
		return;
	map_free(l->map, free);
	free(l);
}

static void
list_remove(struct limit_local *l, struct entry *e)
{
	*(e->older != NULL ? &e->older->newer : &l->oldest) = e->newer;
	*(e->newer != NULL ? &e->newer->older : &l->newest) = e->older;
}

static void
list_add(struct limit_local *l, struct entry *e)
{
	e->older = l->newest;
	e->newer = NULL;
	*(l->newest != NULL ? &l->newest->newer : &l->oldest) = e;
	l->newest = e;
}

static void
forget(struct limit_local *l, struct entry *e)
{
	list_remove(l, e);
	(void)map_remove(l->map, key_slice(&e->key));
	free(e);
}

/* The entry of a key, made when it is new; NULL: no memory. */
static struct entry *
entry_for(struct limit_local *l, const struct limit *limit)
{
	struct key key = key_limit(limit->tenant, limit->rule, limit->value);
	struct entry *e = map_get(l->map, key_slice(&key));

	if (e != NULL) {
		list_remove(l, e);
		list_add(l, e);
		return e;
	}
	while (l->oldest != NULL && map_count(l->map) >= l->max)
		forget(l, l->oldest);
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return NULL;
	e->key = key;
	if (map_set(l->map, key_slice(&key), e, NULL) < 0) {
		free(e);
		return NULL;
	}
	list_add(l, e);
	return e;
}

/* As in script/limit_take.lua; cost < 0 gives back. */
static int64_t
book(struct entry *e, const struct limit *limit, int64_t cost, unsigned hosts)
{
	int64_t tat[SETTINGS_RATES_MAX], now = clock_mono_us(), wait = 0;

	for (size_t i = 0; i < limit->rate_count; i++) {
		struct gcra g = gcra_of(&limit->rates[i], hosts);
		int64_t used = e->tat_us[i] - now, cost_us;

		if (used < 0)
			used = 0;
		if (used > g.ahead_us)
			used = g.ahead_us;
		if (__builtin_mul_overflow(cost, g.interval_us, &cost_us) ||
		    cost_us > TIME_MAX_US)
			cost_us = TIME_MAX_US;
		used = used + cost_us > 0 ? used + cost_us : 0;
		if (used - g.ahead_us > wait)
			wait = used - g.ahead_us;
		tat[i] = now + used;
	}
	if (wait > 0 && cost > 0)
		return wait;
	for (size_t i = 0; i < limit->rate_count; i++)
		e->tat_us[i] = tat[i];
	return 0;
}

int64_t
limit_local_take(struct limit_local *l, const struct limit *limit,
    unsigned hosts)
{
	struct entry *e = entry_for(l, limit);

	if (e == NULL)
		return 0;
	return book(e, limit, (int64_t)limit->cost, hosts > 0 ? hosts : 1);
}

void
limit_local_refund(struct limit_local *l, const struct limit *limit,
    unsigned hosts)
{
	struct entry *e = entry_for(l, limit);

	if (e != NULL)
		(void)book(e, limit, -(int64_t)limit->cost,
		    hosts > 0 ? hosts : 1);
}
