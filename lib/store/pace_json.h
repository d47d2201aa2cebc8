/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_PACE_JSON_H
#define STORE_PACE_JSON_H

#include "store/pace_store.h"
#include "util/buf.h"

/* A shaping filter's pace as the API and the command line show it. */

/* "normal", "slow" or "suspended" at that time (wall clock). */
const char *pace_condition(const struct shaping_filter *f,
    const struct pace_state *state, int64_t now_us);
/* The interval in force; where nothing is known yet: as set. */
int64_t pace_interval_us(const struct shaping_filter *f,
    const struct pace_state *state);
/*
 * {"name", "connections", "interval_ms", "interval_now_ms", "fixed",
 * "condition", "suspended_until", "change", "changed", "reply", "sent",
 * "sent_per_minute"}; one line.  rc of buf_add.
 */
int pace_to_json(const struct shaping_filter *f, const struct pace_state *state,
    int64_t now_us, struct buf *out);

#endif /* STORE_PACE_JSON_H */
