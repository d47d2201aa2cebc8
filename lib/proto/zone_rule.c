/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX TZ strings, as at the end of TZif files: RFC 9636, 3.3.1. */
#include "proto/zone_rule.h"

#include "proto/civil.h"
#include "util/err.h"
#include "util/number.h"

#define HOUR_S 3600

/* ---- reading ---- */

static bool
take_char(struct slice *s, char c)
{
	if (s->len == 0 || s->at[0] != c)
		return false;
	*s = slice_skip(*s, 1);
	return true;
}

static int
take_number(struct slice *s, unsigned min, unsigned max, unsigned *ret_n)
{
	uint64_t n;
	size_t len = 0;

	while (len < s->len && s->at[len] >= '0' && s->at[len] <= '9')
		len++;
	if (number_parse((struct slice){ s->at, len }, min, max, &n) < 0)
		return ERR_SYNTAX;
	*s = slice_skip(*s, len);
	*ret_n = (unsigned)n;
	return 0;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "CET", or "<+0330>". */
static int
take_name(struct slice *s)
{
	size_t len = 0;

	if (take_char(s, '<')) {
		while (len < s->len &&
		       (is_letter(s->at[len]) || s->at[len] == '+' ||
			   s->at[len] == '-' ||
			   (s->at[len] >= '0' && s->at[len] <= '9')))
			len++;
		*s = slice_skip(*s, len);
		return len >= 3 && take_char(s, '>') ? 0 : ERR_SYNTAX;
	}
	while (len < s->len && is_letter(s->at[len]))
		len++;
	*s = slice_skip(*s, len);
	return len >= 3 ? 0 : ERR_SYNTAX;
}

/* "2", "-3:30", "26:59:59": hours up to most. */
static int
take_time(struct slice *s, unsigned most, int32_t *ret_s)
{
	bool negative = take_char(s, '-');
	unsigned h, m = 0, sec = 0;

	if (!negative)
		(void)take_char(s, '+');
	if (take_number(s, 0, most, &h) < 0 ||
	    (take_char(s, ':') &&
		(take_number(s, 0, 59, &m) < 0 ||
		    (take_char(s, ':') && take_number(s, 0, 59, &sec) < 0))))
		return ERR_SYNTAX;
	*ret_s = (int32_t)(h * HOUR_S + m * 60 + sec) * (negative ? -1 : 1);
	return 0;
}

/* "M3.5.0/2", "J60", "59/-1": a day, and a time of it. */
static int
take_day(struct slice *s, struct zone_day *ret_day)
{
	struct zone_day d = { .kind = ZONE_DAY, .at_s = 2 * HOUR_S };
	int rc;

	if (take_char(s, 'J')) {
		d.kind = ZONE_JULIAN;
		rc = take_number(s, 1, 365, &d.day);
	} else if (take_char(s, 'M')) {
		d.kind = ZONE_WEEKDAY;
		rc = take_number(s, 1, 12, &d.month);
		if (rc == 0)
			rc = take_char(s, '.') ? take_number(s, 1, 5, &d.week)
					       : ERR_SYNTAX;
		if (rc == 0)
			rc = take_char(s, '.') ? take_number(s, 0, 6, &d.day)
					       : ERR_SYNTAX;
	} else {
		rc = take_number(s, 0, 365, &d.day);
	}
	if (rc == 0 && take_char(s, '/'))
		rc = take_time(s, 167, &d.at_s);
	*ret_day = d;
	return rc;
}

int
zone_rule_parse(struct slice text, struct zone_rule *ret_rule)
{
	struct zone_rule r = { .given = text.len > 0 };
	int32_t west;

	if (text.len == 0) {
		*ret_rule = r;
		return 0;
	}
	if (take_name(&text) < 0 || take_time(&text, 24, &west) < 0)
		return ERR_SYNTAX;
	r.standard = r.daylight = -west;
	if (text.len > 0) {
		if (take_name(&text) < 0)
			return ERR_SYNTAX;
		r.daylight = r.standard + HOUR_S;
		if (text.len > 0 && text.at[0] != ',') {
			if (take_time(&text, 24, &west) < 0)
				return ERR_SYNTAX;
			r.daylight = -west;
		}
		/* Without its days the rule would be the system's own. */
		if (!take_char(&text, ',') || take_day(&text, &r.begin) < 0 ||
		    !take_char(&text, ',') || take_day(&text, &r.end) < 0 ||
		    text.len > 0)
			return ERR_SYNTAX;
		r.changes = r.standard != r.daylight;
	}
	*ret_rule = r;
	return 0;
}

/* ---- computing ---- */

static int64_t
day_in(const struct zone_day *d, int64_t year)
{
	int64_t first;
	unsigned day;

	switch (d->kind) {
	case ZONE_JULIAN: /* 1..365; there is no 29th of February */
		return civil_days(year, 1, 1) + d->day - 1 +
		       (civil_leap_year(year) && d->day > 59);
	case ZONE_DAY: /* 0..365 */
		return civil_days(year, 1, 1) + d->day;
	case ZONE_WEEKDAY:
		break;
	}
	first = civil_days(year, d->month, 1);
	/* Here Sunday is 0. */
	day = (d->day + 7 - (civil_weekday(first) + 1) % 7) % 7 +
	      7 * (d->week - 1);
	/* Week 5 is the last one that the month has. */
	while (day >= civil_month_days(year, d->month))
		day -= 7;
	return first + day;
}

struct change {
	int64_t at;
	int32_t offset;
};
#define YEARS 4
#define CHANGES (2 * YEARS)

/*
 * The changes of the years around utc_s, in order.  Where daylight saving time
 * ends when it begins again (it is all year), the beginning comes last.
 */
static void
changes_around(const struct zone_rule *r, int64_t utc_s,
    struct change ret_changes[CHANGES])
{
	int64_t year = civil_of(civil_day_of(utc_s)).year - 1;
	size_t n = 0;

	for (int64_t y = year; y < year + YEARS; y++) {
		ret_changes[n++] =
		    (struct change){ day_in(&r->end, y) * CIVIL_DAY_S +
					 r->end.at_s - r->daylight,
			    r->standard };
		ret_changes[n++] =
		    (struct change){ day_in(&r->begin, y) * CIVIL_DAY_S +
					 r->begin.at_s - r->standard,
			    r->daylight };
	}
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0; k--) {
			struct change *a = &ret_changes[k - 1], *b = a + 1, c;

			if (a->at < b->at ||
			    (a->at == b->at && b->offset == r->daylight))
				break;
			c = *a;
			*a = *b;
			*b = c;
		}
}

int32_t
zone_rule_offset(const struct zone_rule *r, int64_t utc_s)
{
	struct change changes[CHANGES];
	int32_t offset;

	if (!r->changes)
		return r->standard;
	changes_around(r, utc_s, changes);
	offset = changes[0].offset == r->standard ? r->daylight : r->standard;
	for (size_t i = 0; i < CHANGES && changes[i].at <= utc_s; i++)
		offset = changes[i].offset;
	return offset;
}

int64_t
zone_rule_next(const struct zone_rule *r, int64_t utc_s)
{
	struct change changes[CHANGES];
	size_t i = 0;

	changes_around(r, utc_s, changes);
	while (i < CHANGES - 1 && changes[i].at <= utc_s)
		i++;
	return changes[i].at;
}
