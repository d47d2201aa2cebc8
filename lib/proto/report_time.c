/* SPDX-License-Identifier: BSD-2-Clause */
/* Points in time of reports, in a time zone; RFC 3339 where it is exact. */
#include "proto/report_time.h"

#include <stdio.h>

#include "proto/civil.h"
#include "proto/zone.h"
#include "util/err.h"
#include "util/number.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_S 60
#define HOUR_S 3600
#define AGO_MAX 100000

/* Exactly digits at the head of *s, taken off. */
static bool
take_number(struct slice *s, size_t digits, uint64_t min, uint64_t max,
    uint64_t *ret)
{
	if (s->len < digits ||
	    number_parse((struct slice){ s->at, digits }, min, max, ret) < 0)
		return false;
	*s = slice_skip(*s, digits);
	return true;
}

static bool
take_char(struct slice *s, const char *any)
{
	if (s->len == 0 || s->at[0] == '\0' || strchr(any, s->at[0]) == NULL)
		return false;
	*s = slice_skip(*s, 1);
	return true;
}

static bool
take_date(struct slice *s, int64_t *ret_days)
{
	uint64_t y, m, d;

	if (!take_number(s, 4, 1970, 9999, &y) || !take_char(s, "-") ||
	    !take_number(s, 2, 1, 12, &m) || !take_char(s, "-") ||
	    !take_number(s, 2, 1, civil_month_days((int64_t)y, (unsigned)m),
		&d))
		return false;
	*ret_days = civil_days((int64_t)y, (unsigned)m, (unsigned)d);
	return true;
}

/* What clocks show: a moment of a day, and how much of it is meant. */
struct moment {
	int64_t local_s;
	int64_t ms;      /* of the second */
	int64_t unit_ms; /* length of what is meant */
	bool has_zone;
	int64_t zone_s;
};

/* "12", "12:30", "12:30:05", "12:30:05.25"; true: all of it was that. */
static bool
take_clock(struct slice *s, struct moment *m)
{
	uint64_t n;
	int64_t digit = 100;

	if (!take_number(s, 2, 0, 23, &n))
		return false;
	m->local_s += (int64_t)n * HOUR_S;
	m->unit_ms = HOUR_S * SECOND_MS;
	if (!take_char(s, ":"))
		return true;
	if (!take_number(s, 2, 0, 59, &n))
		return false;
	m->local_s += (int64_t)n * MINUTE_S;
	m->unit_ms = MINUTE_S * SECOND_MS;
	if (!take_char(s, ":"))
		return true;
	if (!take_number(s, 2, 0, 59, &n))
		return false;
	m->local_s += (int64_t)n;
	m->unit_ms = SECOND_MS;
	if (!take_char(s, "."))
		return true;
	if (s->len == 0 || s->at[0] < '0' || s->at[0] > '9')
		return false;
	m->unit_ms = 1;
	for (; s->len > 0 && s->at[0] >= '0' && s->at[0] <= '9'; digit /= 10) {
		m->ms += (s->at[0] - '0') * digit;
		*s = slice_skip(*s, 1);
	}
	return true;
}

static bool
take_zone(struct slice *s, struct moment *m)
{
	uint64_t h, min;
	bool west;

	if (s->len == 0)
		return true;
	m->has_zone = true;
	if (take_char(s, "Zz"))
		return s->len == 0;
	west = s->at[0] == '-';
	if (!take_char(s, "+-") || !take_number(s, 2, 0, 23, &h) ||
	    !take_char(s, ":") || !take_number(s, 2, 0, 59, &min))
		return false;
	m->zone_s = (int64_t)(h * HOUR_S + min * MINUTE_S) * (west ? -1 : 1);
	return s->len == 0;
}

static struct report_span
span_of(const struct moment *m, const struct zone *zone)
{
	int64_t end_s = m->local_s + m->unit_ms / SECOND_MS;
	struct report_span span;

	if (m->has_zone) {
		span.from_ms = (m->local_s - m->zone_s) * SECOND_MS + m->ms;
		span.to_ms = span.from_ms + m->unit_ms - 1;
		return span;
	}
	span.from_ms = zone_first(zone, m->local_s) * SECOND_MS + m->ms;
	span.to_ms = m->unit_ms < SECOND_MS
			 ? span.from_ms
			 : zone_last(zone, end_s) * SECOND_MS - 1;
	/* Of an hour that clocks skip. */
	if (span.to_ms < span.from_ms)
		span.to_ms = span.from_ms;
	return span;
}

struct report_span
report_time_day(int64_t days, const struct zone *zone)
{
	return (struct report_span){
		zone_first(zone, days * CIVIL_DAY_S) * SECOND_MS,
		zone_first(zone, (days + 1) * CIVIL_DAY_S) * SECOND_MS - 1,
	};
}

int64_t
report_time_day_of(int64_t ms, const struct zone *zone)
{
	int64_t s = ms / SECOND_MS;

	return civil_day_of(s + zone_offset(zone, s));
}

/* "15m", "15m ago". */
static bool
parse_ago(struct slice text, int64_t now_ms, struct report_span *ret_span)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', MINUTE_S }, { 'h', HOUR_S },
		{ 'd', CIVIL_DAY_S }, { 'w', 7 * CIVIL_DAY_S } };
	uint64_t n;

	if (text.len > 4 &&
	    slice_eq(slice_skip(text, text.len - 4), SLICE(" ago")))
		text.len -= 4;
	if (text.len < 2)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text.at[text.len - 1] != units[i].letter)
			continue;
		if (number_parse((struct slice){ text.at, text.len - 1 }, 0,
			AGO_MAX, &n) < 0)
			return false;
		now_ms -= (int64_t)n * units[i].seconds * SECOND_MS;
		if (now_ms < 0)
			return false;
		*ret_span = (struct report_span){ now_ms, now_ms };
		return true;
	}
	return false;
}

static bool
parse_word(struct slice text, const struct zone *zone, int64_t now_ms,
    struct report_span *ret_span)
{
	int64_t today = report_time_day_of(now_ms, zone);

	if (slice_eq(text, SLICE("now")))
		*ret_span = (struct report_span){ now_ms, now_ms };
	else if (slice_eq(text, SLICE("today")))
		*ret_span = report_time_day(today, zone);
	else if (slice_eq(text, SLICE("yesterday")))
		*ret_span = report_time_day(today - 1, zone);
	else
		return parse_ago(text, now_ms, ret_span);
	return true;
}

int
report_time_parse(struct slice text, const struct zone *zone, int64_t now_ms,
    struct report_span *ret_span)
{
	struct moment m = { .local_s = 0 };
	struct slice rest = text;
	int64_t days;

	if (parse_word(text, zone, now_ms, ret_span))
		return 0;
	if (take_date(&rest, &days)) {
		if (rest.len == 0) {
			*ret_span = report_time_day(days, zone);
			return 0;
		}
		if (!take_char(&rest, "Tt "))
			return ERR_SYNTAX;
	} else {
		rest = text;
		days = report_time_day_of(now_ms, zone);
		/* "12" alone could be anything. */
		if (rest.len < 5)
			return ERR_SYNTAX;
	}
	m.local_s = days * CIVIL_DAY_S;
	if (!take_clock(&rest, &m) || !take_zone(&rest, &m))
		return ERR_SYNTAX;
	*ret_span = span_of(&m, zone);
	return span_of(&m, zone).from_ms < 0 ? ERR_SYNTAX : 0;
}

int
report_time_of_day(struct slice date, int hour, int minute,
    const struct zone *zone, struct report_span *ret_span)
{
	struct moment m = { .local_s = 0 };
	int64_t days;

	if (!take_date(&date, &days) || date.len > 0 ||
	    (hour < 0 && minute >= 0) || hour > 23 || minute > 59)
		return ERR_SYNTAX;
	if (hour < 0) {
		*ret_span = report_time_day(days, zone);
		return 0;
	}
	m.local_s = days * CIVIL_DAY_S + (int64_t)hour * HOUR_S;
	m.unit_ms = HOUR_S * SECOND_MS;
	if (minute >= 0) {
		m.local_s += (int64_t)minute * MINUTE_S;
		m.unit_ms = MINUTE_S * SECOND_MS;
	}
	*ret_span = span_of(&m, zone);
	return 0;
}

/* What clocks show; zone's offset into *ret_offset. */
static struct civil
local(int64_t ms, const struct zone *zone, int64_t *ret_clock_s,
    int64_t *ret_offset)
{
	int64_t s = ms / SECOND_MS;

	*ret_offset = zone_offset(zone, s);
	s += *ret_offset;
	*ret_clock_s = s - civil_day_of(s) * CIVIL_DAY_S;
	return civil_of(civil_day_of(s));
}

size_t
report_time_format(int64_t ms, const struct zone *zone,
    char room[REPORT_TIME_MAX])
{
	int64_t clock, offset;
	struct civil c = local(ms, zone, &clock, &offset);
	int n = snprintf(room, REPORT_TIME_MAX, "%04d-%02u-%02u %02d:%02d:%02d",
	    (int)c.year, c.month, c.day, (int)(clock / HOUR_S),
	    (int)(clock / MINUTE_S % 60), (int)(clock % 60));

	return (size_t)n;
}

size_t
report_time_format_full(int64_t ms, const struct zone *zone,
    char room[REPORT_TIME_MAX])
{
	int64_t clock, offset;
	struct civil c = local(ms, zone, &clock, &offset);
	int n = snprintf(room, REPORT_TIME_MAX,
	    "%04d-%02u-%02uT%02d:%02d:%02d.%03d", (int)c.year, c.month, c.day,
	    (int)(clock / HOUR_S), (int)(clock / MINUTE_S % 60),
	    (int)(clock % 60), (int)(ms % SECOND_MS));
	int west = offset < 0;

	offset = west ? -offset : offset;
	if (offset == 0)
		n += snprintf(room + n, REPORT_TIME_MAX - (size_t)n, "Z");
	else
		n += snprintf(room + n, REPORT_TIME_MAX - (size_t)n,
		    "%c%02d:%02d", west ? '-' : '+', (int)(offset / HOUR_S),
		    (int)(offset / MINUTE_S % 60));
	return (size_t)n;
}
