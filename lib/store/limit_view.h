/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_LIMIT_VIEW_H
#define STORE_LIMIT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/settings.h"
#include "store/limit_store.h"

/*
 * One value of a rate limit as people see and change it.  An override stands
 * in the same key as what is used, so that taking from a limit asks for nothing
 * more.  While Redis is away hosts have their shares of the rule, and know of
 * no override.
 */
struct limit_view {
	struct {
		uint64_t used;   /* messages that count now, rounded up */
		int64_t wait_us; /* until one more is allowed; 0: now */
	} rates[SETTINGS_RATES_MAX];
	size_t rate_count; /* those of the rule, or 1: the override's */
	int64_t wait_us;   /* the longest of them */
	bool overridden, unlimited;
	struct rate rate; /* overridden, but not unlimited */
	int64_t until_us; /* overridden: wall clock */
};

/* cost of the limit is not looked at. */
typedef void limit_shown(int rc, const struct limit_view *view, void *ctx);
void limit_show(struct store *s, const struct limit *limit, int64_t deadline_us,
    limit_shown *shown, void *ctx);

/* changed: whether there was something to change. */
typedef void limit_changed(int rc, bool changed, void *ctx);
/* Nothing is used; an override stays. */
void limit_reset(struct store *s, const struct limit *limit,
    int64_t deadline_us, limit_changed *changed, void *ctx);
/* rate NULL: no limit at all.  Until then this goes for all of the rule's. */
void limit_override(struct store *s, const struct limit *limit,
    const struct rate *rate, int64_t until_us, int64_t deadline_us,
    limit_changed *changed, void *ctx);
void limit_override_end(struct store *s, const struct limit *limit,
    int64_t deadline_us, limit_changed *changed, void *ctx);

/*
 * What the store has for a value (empty: nothing), seen at now_us.  Text that
 * is not understood is nothing.  Pure; limit_show() uses it.
 */
void limit_view_of(const struct limit *limit, struct slice text, int64_t now_us,
    struct limit_view *ret_view);

#endif /* STORE_LIMIT_VIEW_H */
