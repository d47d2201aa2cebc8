/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_SCHEDULER_PLAN_H
#define POLICYD_SCHEDULER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many held messages may leave, and when to look again.  Pure: the caller
 * brings the time (the monotonic clock, in microseconds).
 *
 * Mail leaves in slots, per_second of them in a second.  A slot that nobody
 * wanted is gone: the end of a window does not flood.  One that could not be
 * used because the release itself took long, or failed, is made up for, within
 * PLAN_CATCH_UP_US.
 */
struct scheduler_settings; /* proto/settings.h */

#define PLAN_BATCH_MAX 500 /* messages of one release */
#define PLAN_CATCH_UP_US INT64_C(2000000)
/* What was released is taken as in flight for so long, as it may not be in the
 * active queue yet when that is counted. */
#define PLAN_SETTLE_US INT64_C(300000)
#define PLAN_TICK_MS 100  /* while mail waits for slots */
#define PLAN_IDLE_MS 1000 /* at most */

struct scheduler_plan {
	int64_t slot_us; /* the next one */
	struct {
		int64_t at_us;
		size_t count;
	} released[8]; /* a ring; those of PLAN_SETTLE_US are in it */
	unsigned last;
	bool bounded; /* the bound, not the rate, said how many */
	bool busy;    /* mail waited for slots: those missed are made up for */
};

/* What was released a moment ago. */
size_t plan_settling(const struct scheduler_plan *p, int64_t now_us);
/*
 * How many may be taken now.
 * in_flight  that were counted; looked at where there is a bound
 * late_us    how long ago the first that is taken became due, as far as it is
 *            known: those slots were not used because we slept
 */
size_t plan_room(struct scheduler_plan *p, const struct scheduler_settings *s,
    size_t in_flight, int64_t late_us, int64_t now_us);
/*
 * So many of those taken have left.  ret_slot_us: the slot of the first one;
 * each next one's is plan_interval_us() later.
 */
void plan_released(struct scheduler_plan *p, const struct scheduler_settings *s,
    size_t count, int64_t now_us, int64_t *ret_slot_us);
int64_t plan_interval_us(const struct scheduler_settings *s);
/*
 * After a round: when to look again, in ms.
 * more    mail is ready, and waits for slots or for the bound
 * due_ms  until the next message becomes due; < 0: none
 */
int64_t plan_wait_ms(struct scheduler_plan *p, bool more, int64_t due_ms,
    int64_t now_us);

/*
 * A message that was not in the hold queue when it was to leave: what now?
 * Its record is made before Postfix puts it there, so a young one is looked
 * for again, after that many ms; 0: it is gone, forget it.
 */
int64_t plan_absent_ms(int64_t age_ms);

#endif /* POLICYD_SCHEDULER_PLAN_H */
