/* SPDX-License-Identifier: BSD-2-Clause */
/* How many held messages may leave, and when to look again. */
#include "policyd/scheduler_plan.h"

#include "proto/settings.h"

#define SECOND_US INT64_C(1000000)
#define RELEASED_MAX \
	(sizeof(((struct scheduler_plan *)0)->released) / \
	    sizeof(((struct scheduler_plan *)0)->released[0]))
/* A message that Postfix has accepted is in the hold queue by then. */
#define ABSENT_MS 16000
#define ABSENT_LEAST_MS 500

int64_t
plan_interval_us(const struct scheduler_settings *s)
{
	return s->release_per_second > 0 ? SECOND_US / s->release_per_second
					 : SECOND_US;
}

size_t
plan_settling(const struct scheduler_plan *p, int64_t now_us)
{
	size_t n = 0;

	for (size_t i = 0; i < RELEASED_MAX; i++)
		if (p->released[i].count > 0 &&
		    now_us - p->released[i].at_us < PLAN_SETTLE_US)
			n += p->released[i].count;
	return n;
}

/* Slots up to now. */
static size_t
slots(const struct scheduler_plan *p, const struct scheduler_settings *s,
    int64_t now_us)
{
	int64_t n;

	if (p->slot_us > now_us)
		return 0;
	n = (now_us - p->slot_us) / plan_interval_us(s) + 1;
	return n < PLAN_BATCH_MAX ? (size_t)n : PLAN_BATCH_MAX;
}

size_t
plan_room(struct scheduler_plan *p, const struct scheduler_settings *s,
    size_t in_flight, int64_t late_us, int64_t now_us)
{
	size_t room, bound;

	if (late_us < 0 || p->busy)
		late_us = p->busy ? PLAN_CATCH_UP_US : 0;
	if (late_us > PLAN_CATCH_UP_US)
		late_us = PLAN_CATCH_UP_US;
	if (p->slot_us < now_us - late_us)
		p->slot_us = now_us - late_us;
	room = slots(p, s, now_us);
	p->bounded = false;
	if (s->max_in_flight == 0)
		return room;
	in_flight += plan_settling(p, now_us);
	bound = in_flight < s->max_in_flight ? s->max_in_flight - in_flight : 0;
	p->bounded = bound < room;
	return p->bounded ? bound : room;
}

void
plan_released(struct scheduler_plan *p, const struct scheduler_settings *s,
    size_t count, int64_t now_us, int64_t *ret_slot_us)
{
	*ret_slot_us = p->slot_us;
	if (count == 0)
		return;
	p->slot_us += (int64_t)count * plan_interval_us(s);
	p->last = (p->last + 1) % RELEASED_MAX;
	p->released[p->last].at_us = now_us;
	p->released[p->last].count = count;
}

int64_t
plan_wait_ms(struct scheduler_plan *p, bool more, int64_t due_ms,
    int64_t now_us)
{
	int64_t wait = PLAN_IDLE_MS;

	p->busy = more && !p->bounded;
	if (more) {
		wait = (p->slot_us - now_us) / 1000;
		if (wait < PLAN_TICK_MS)
			wait = PLAN_TICK_MS;
	} else if (due_ms >= 0) {
		wait = due_ms;
	}
	return wait < PLAN_IDLE_MS ? wait : PLAN_IDLE_MS;
}

int64_t
plan_absent_ms(int64_t age_ms)
{
	/* A clock that was put back must not keep it for ever. */
	if (age_ms >= ABSENT_MS || age_ms < -ABSENT_MS)
		return 0;
	return age_ms > ABSENT_LEAST_MS ? age_ms : ABSENT_LEAST_MS;
}
