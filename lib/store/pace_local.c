/* SPDX-License-Identifier: BSD-2-Clause */
/* The pace of this process alone, as in script/pace_take.lua but for coming
 * back by steps: that waits for Redis. */
#include "store/pace_store.h"

#include "util/clock.h"

static void
complaint(struct pace_local *l, const struct pace_attempt *t, int64_t now,
    struct pace_answer *a)
{
	int64_t most = t->max_interval_us > t->interval_us ? t->max_interval_us
							   : t->interval_us;

	if (l->slow_us == 0 || now - l->slow_us >= t->recovery_us / 4) {
		/* Nothing was measured here: a second is a beginning. */
		int64_t from = a->interval_us > 0 ? a->interval_us : 500000;

		l->interval_us = from <= most / 2 ? from * 2 : most;
		l->slow_us = now;
		if (l->interval_us > a->interval_us)
			a->change = PACE_SLOWER;
		a->interval_us = l->interval_us;
	}
	if (t->temper == TEMPER_SUSPEND &&
	    now + t->suspend_us > l->suspended_us + 1000000) {
		l->suspended_us = now + t->suspend_us;
		a->change = PACE_SUSPENDED;
	}
}

static void
book(struct pace_local *l, const struct pace_attempt *t, unsigned hosts,
    int64_t now, struct pace_answer *a)
{
	int64_t interval = a->interval_us * (int64_t)hosts;
	int64_t end = now + a->suspended_us;

	if (l->slot_us <= now) {
		l->slot_us = now;
		l->busy_us = now;
	} else if (t->leave_us < 0 || now - t->leave_us < l->busy_us) {
		l->slot_us += interval;
		a->owed = true;
	}
	if (l->slot_us < end)
		l->slot_us = end;
	if (l->slot_us > end + t->wait_max_us)
		l->slot_us = end + t->wait_max_us;
	a->wait_us = l->slot_us - now;
	if (a->wait_us > t->wait_max_us)
		a->wait_us = t->wait_max_us;
	l->slot_us += interval;
}

void
pace_local_take(struct pace_local *local, const struct pace_attempt *t,
    unsigned hosts, struct pace_answer *ret_answer)
{
	struct pace_answer a = { 0 };
	int64_t now = clock_mono_us();
	bool complains =
	    t->temper == TEMPER_SLOW || t->temper == TEMPER_SUSPEND;

	a.interval_us = t->interval_us;
	if (!t->fixed && local->interval_us > a.interval_us)
		a.interval_us = local->interval_us;
	a.before_us = a.interval_us;
	if (complains && !t->fixed)
		complaint(local, t, now, &a);
	if (local->suspended_us > now)
		a.suspended_us = local->suspended_us - now;
	if (t->used && (a.interval_us > 0 || a.suspended_us > 0))
		book(local, t, hosts > 0 ? hosts : 1, now, &a);
	*ret_answer = a;
}
