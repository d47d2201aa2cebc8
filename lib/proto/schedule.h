/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_SCHEDULE_H
#define PROTO_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * When a message may leave: prohibited times, priority, day caps.  The rules
 * are a tenant's; the decision is pure, its clock is an argument, so that the
 * milter, the scheduler and tests decide the same.  Time zones: the system's
 * tz database (zone.c).
 */
struct filter;
struct filter_values;
struct zone;

#define PRIORITY_DEFAULT 50
#define PRIORITY_MAX 99

enum holidays {
	HOLIDAYS_AS_OTHERS,
	HOLIDAYS_SKIP,
	HOLIDAYS_ONLY,
	HOLIDAYS_ALSO
};

struct prohibition {
	struct slice name;
	const struct filter *const *apply, *const *exclude;
	size_t apply_count, exclude_count;
	unsigned from_min, to_min; /* minutes of the day */
	unsigned weekdays;         /* bits, Monday is 1; 0: all */
	enum holidays holidays;
	bool retries;
};
struct priority_rule {
	struct slice name;
	const struct filter *filter;
	unsigned priority;
};
struct day_cap {
	struct slice name;
	const struct filter *const *conditions;
	size_t condition_count; /* 0: all mail */
	uint64_t quantity;
};
struct calendar {
	const struct zone *zone;
	const unsigned *holidays; /* yyyymmdd, sorted */
	size_t holiday_count;
};
struct schedule_rules { /* part of struct tenant */
	const struct prohibition *prohibitions;
	size_t prohibition_count;
	const struct priority_rule *priorities;
	size_t priority_count;
	const struct day_cap *day_caps;
	size_t day_cap_count;
	struct calendar calendar;
	/* Whether any of them looks at the recipient. */
	bool prohibitions_by_recipient, priorities_by_recipient;
	bool day_caps_by_recipient;
};

/*
 * A prohibition is in force from the first instant of its day at which clocks
 * show "from" or a later time, until they show "to" or a later time for good:
 * a time that clocks skip is the instant of the skip, and where they are put
 * back a window takes in both passes.  "to" before "from", or the same, is of
 * the next day.
 */
/* Whether it is about this message and recipient, whatever the time: 1, 0,
 * ERR_LIMIT (an expression gave up), ERR_NOMEM. */
int schedule_concerns(const struct prohibition *p, struct filter_values *values,
    struct slice recipient);
/* Whether it is in force: until when, ms; or now_ms itself. */
int64_t schedule_in_force(const struct calendar *c, const struct prohibition *p,
    int64_t now_ms);
/*
 * The first instant from now on at which no prohibition that matches this
 * recipient of the message is in force (now_ms itself: it may leave).
 * ret_name: the one that holds it longest; ret_retries: whether one in force
 * stops retries, too; both may be NULL.  0, ERR_LIMIT (an expression gave up;
 * or no free instant within a year), ERR_NOMEM.
 */
int schedule_window(const struct schedule_rules *r,
    struct filter_values *values, struct slice recipient, int64_t now_ms,
    int64_t *ret_free_ms, struct slice *ret_name, bool *ret_retries);
/* 1..PRIORITY_MAX, by the first rule that matches; < 0: ERR_*. */
int schedule_priority(const struct schedule_rules *r,
    struct filter_values *values, struct slice recipient);
/* Whether a day cap is about this message: 1, 0, ERR_* as above. */
int schedule_capped(const struct day_cap *cap, struct filter_values *values,
    struct slice recipient);
/* The day of an instant as yyyymmdd, and when the next one begins. */
unsigned schedule_day(const struct calendar *c, int64_t now_ms,
    int64_t *ret_next_ms);

#endif /* PROTO_SCHEDULE_H */
