/* SPDX-License-Identifier: BSD-2-Clause */
/* When a message may leave. */
#include "proto/schedule.h"

#include <stdlib.h>

#include "proto/civil.h"
#include "proto/filter.h"
#include "proto/zone.h"
#include "util/err.h"

#define SECOND_MS INT64_C(1000)
#define AHEAD_S (366 * CIVIL_DAY_S)

/* Any of them: 1, 0, ERR_*. */
static int
any_matches(const struct filter *const *filters, size_t count,
    struct filter_values *values, struct slice recipient)
{
	for (size_t i = 0; i < count; i++) {
		int rc = filter_match(filters[i], values, recipient);

		if (rc != 0)
			return rc;
	}
	return 0;
}

int
schedule_concerns(const struct prohibition *p, struct filter_values *values,
    struct slice recipient)
{
	int rc = any_matches(p->apply, p->apply_count, values, recipient);

	if (rc <= 0)
		return rc;
	rc = any_matches(p->exclude, p->exclude_count, values, recipient);
	return rc < 0 ? rc : rc == 0;
}

/* ---- windows ---- */

static int64_t
local_day(const struct calendar *c, int64_t utc_s)
{
	return civil_day_of(utc_s + zone_offset(c->zone, utc_s));
}

static int
compare_days(const void *key, const void *entry)
{
	const unsigned *x = key, *y = entry;

	return (*x > *y) - (*x < *y);
}

static bool
is_holiday(const struct calendar *c, int64_t day)
{
	unsigned number = civil_number(day);

	return c->holiday_count > 0 &&
	       bsearch(&number, c->holidays, c->holiday_count, sizeof(number),
		   compare_days) != NULL;
}

/* Does a window begin on this day? */
static bool
begins_on(const struct calendar *c, const struct prohibition *p, int64_t day)
{
	bool as_weekday =
	    p->weekdays == 0 || (p->weekdays & 1U << civil_weekday(day)) != 0;

	switch (p->holidays) {
	case HOLIDAYS_AS_OTHERS:
		break;
	case HOLIDAYS_SKIP:
		return as_weekday && !is_holiday(c, day);
	case HOLIDAYS_ONLY:
		return as_weekday && is_holiday(c, day);
	case HOLIDAYS_ALSO:
		return as_weekday || is_holiday(c, day);
	}
	return as_weekday;
}

static int64_t
window_begin(const struct calendar *c, const struct prohibition *p, int64_t day)
{
	return zone_first(c->zone,
	    day * CIVIL_DAY_S + (int64_t)p->from_min * 60);
}

static int64_t
window_end(const struct calendar *c, const struct prohibition *p, int64_t day)
{
	if (p->to_min <= p->from_min)
		day++;
	return zone_last(c->zone, day * CIVIL_DAY_S + (int64_t)p->to_min * 60);
}

/* Until when it is in force; utc_s: it is not. */
static int64_t
in_force_until(const struct calendar *c, const struct prohibition *p,
    int64_t utc_s)
{
	int64_t today = local_day(c, utc_s), until = utc_s;

	/* Clocks that go back, even over a whole day (Samoa, Alaska once),
	 * bring one more day on either side. */
	for (int64_t day = today - 2; day <= today + 1; day++) {
		int64_t end;

		if (!begins_on(c, p, day) || window_begin(c, p, day) > utc_s)
			continue;
		end = window_end(c, p, day);
		if (end > until)
			until = end;
	}
	return until;
}

int64_t
schedule_in_force(const struct calendar *c, const struct prohibition *p,
    int64_t now_ms)
{
	int64_t now_s = now_ms / SECOND_MS;
	int64_t until_s = in_force_until(c, p, now_s);

	return until_s > now_s ? until_s * SECOND_MS : now_ms;
}

/* Indices of the prohibitions that are about it. */
static int
find_concerned(const struct schedule_rules *r, struct filter_values *values,
    struct slice recipient, size_t *indices)
{
	int count = 0;

	for (size_t i = 0; i < r->prohibition_count; i++) {
		int rc =
		    schedule_concerns(&r->prohibitions[i], values, recipient);

		if (rc < 0)
			return rc;
		if (rc > 0)
			indices[count++] = i;
	}
	return count;
}

int
schedule_window(const struct schedule_rules *r, struct filter_values *values,
    struct slice recipient, int64_t now_ms, int64_t *ret_free_ms,
    struct slice *ret_name, bool *ret_retries)
{
	int64_t now_s = now_ms / SECOND_MS, free_s = now_s, before_s;
	size_t *indices = calloc(r->prohibition_count + 1, sizeof(*indices));
	struct slice name = { NULL, 0 };
	bool retries = false;
	int count;

	if (indices == NULL)
		return ERR_NOMEM;
	count = find_concerned(r, values, recipient, indices);
	for (int i = 0; i < count; i++) {
		const struct prohibition *p = &r->prohibitions[indices[i]];

		if (p->retries &&
		    in_force_until(&r->calendar, p, now_s) > now_s)
			retries = true;
	}
	do {
		before_s = free_s;
		for (int i = 0; i < count; i++) {
			const struct prohibition *p =
			    &r->prohibitions[indices[i]];
			int64_t until_s =
			    in_force_until(&r->calendar, p, free_s);

			if (until_s > free_s)
				name = p->name;
			free_s = until_s;
		}
	} while (free_s > before_s && free_s <= now_s + AHEAD_S);
	free(indices);
	if (count < 0)
		return count;
	if (free_s > now_s + AHEAD_S)
		return ERR_LIMIT;
	*ret_free_ms = free_s > now_s ? free_s * SECOND_MS : now_ms;
	if (ret_name != NULL)
		*ret_name = name;
	if (ret_retries != NULL)
		*ret_retries = retries;
	return 0;
}

/* ---- order and quantity ---- */

int
schedule_priority(const struct schedule_rules *r, struct filter_values *values,
    struct slice recipient)
{
	for (size_t i = 0; i < r->priority_count; i++) {
		int rc =
		    filter_match(r->priorities[i].filter, values, recipient);

		if (rc < 0)
			return rc;
		if (rc > 0)
			return (int)r->priorities[i].priority;
	}
	return PRIORITY_DEFAULT;
}

int
schedule_capped(const struct day_cap *cap, struct filter_values *values,
    struct slice recipient)
{
	if (cap->condition_count == 0)
		return 1;
	return any_matches(cap->conditions, cap->condition_count, values,
	    recipient);
}

unsigned
schedule_day(const struct calendar *c, int64_t now_ms, int64_t *ret_next_ms)
{
	int64_t day = local_day(c, now_ms / SECOND_MS);
	int64_t next_s = zone_first(c->zone, (day + 1) * CIVIL_DAY_S);

	/* It had begun already when clocks were put back into this one. */
	if (next_s * SECOND_MS <= now_ms)
		next_s = zone_last(c->zone, (day + 1) * CIVIL_DAY_S);
	*ret_next_ms = next_s * SECOND_MS;
	return civil_number(day);
}
