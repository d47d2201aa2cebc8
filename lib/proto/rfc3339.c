/* SPDX-License-Identifier: BSD-2-Clause */
/* Points in time as text: RFC 3339. */
#include "proto/rfc3339.h"

#include "util/err.h"
#include "util/number.h"

#define DAY_S 86400

static bool
leap_year(uint64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static uint64_t
days_in_month(uint64_t y, uint64_t m)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };

	return (uint64_t)days[m - 1] + (m == 2 && leap_year(y) ? 1 : 0);
}

/* Days from 1970-01-01, in the proleptic Gregorian calendar. */
static int64_t
days_from_civil(uint64_t year, uint64_t month, uint64_t day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = y / 400, in_era = y - era * 400;
	int64_t m = (int64_t)month + (month > 2 ? -3 : 9);
	int64_t in_year = (153 * m + 2) / 5 + (int64_t)day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 +
	       in_year - 719468;
}

/* Exactly digits at the head of *s, taken off. */
static int
take_number(struct slice *s, size_t digits, uint64_t min, uint64_t max,
    uint64_t *ret)
{
	if (s->len < digits ||
	    number_parse((struct slice){ s->at, digits }, min, max, ret) < 0)
		return ERR_SYNTAX;
	*s = slice_skip(*s, digits);
	return 0;
}

static bool
take_char(struct slice *s, const char *any)
{
	if (s->len == 0 || s->at[0] == '\0' || strchr(any, s->at[0]) == NULL)
		return false;
	*s = slice_skip(*s, 1);
	return true;
}

static int
take_date(struct slice *s, int64_t *ret_days)
{
	uint64_t y, m, d;

	if (take_number(s, 4, 1970, 9999, &y) < 0 || !take_char(s, "-") ||
	    take_number(s, 2, 1, 12, &m) < 0 || !take_char(s, "-") ||
	    take_number(s, 2, 1, days_in_month(y, m), &d) < 0)
		return ERR_SYNTAX;
	*ret_days = days_from_civil(y, m, d);
	return 0;
}

/* "12:00:00.5"; a leap second counts as the second after it. */
static int
take_time(struct slice *s, int64_t *ret_us)
{
	uint64_t h, m, sec;
	int64_t unit = 100000, us = 0;

	if (take_number(s, 2, 0, 23, &h) < 0 || !take_char(s, ":") ||
	    take_number(s, 2, 0, 59, &m) < 0 || !take_char(s, ":") ||
	    take_number(s, 2, 0, 60, &sec) < 0)
		return ERR_SYNTAX;
	if (take_char(s, ".")) {
		size_t digits = 0;

		for (; s->len > 0 && s->at[0] >= '0' && s->at[0] <= '9';
		     digits++, unit /= 10) {
			us += (s->at[0] - '0') * unit;
			*s = slice_skip(*s, 1);
		}
		if (digits == 0)
			return ERR_SYNTAX;
	}
	*ret_us = (int64_t)(h * 3600 + m * 60 + sec) * 1000000 + us;
	return 0;
}

static int
take_zone(struct slice *s, int64_t *ret_s)
{
	uint64_t h, m;
	bool west;

	if (take_char(s, "Zz")) {
		*ret_s = 0;
		return 0;
	}
	west = s->len > 0 && s->at[0] == '-';
	if (!take_char(s, "+-") || take_number(s, 2, 0, 23, &h) < 0 ||
	    !take_char(s, ":") || take_number(s, 2, 0, 59, &m) < 0)
		return ERR_SYNTAX;
	*ret_s = (int64_t)(h * 3600 + m * 60) * (west ? -1 : 1);
	return 0;
}

int
rfc3339_parse(struct slice text, int64_t *ret_us)
{
	int64_t days, us = 0, zone_s = 0, all;

	if (take_date(&text, &days) < 0)
		return ERR_SYNTAX;
	if (text.len > 0 &&
	    (!take_char(&text, "Tt ") || take_time(&text, &us) < 0 ||
		take_zone(&text, &zone_s) < 0 || text.len > 0))
		return ERR_SYNTAX;
	all = (days * DAY_S - zone_s) * 1000000 + us;
	if (all < 0)
		return ERR_SYNTAX;
	*ret_us = all;
	return 0;
}

static char *
put_number(char *at, unsigned digits, int64_t n)
{
	for (unsigned i = digits; i > 0; i--, n /= 10)
		at[i - 1] = (char)('0' + n % 10);
	return at + digits;
}

size_t
rfc3339_format(int64_t us, char room[RFC3339_MAX])
{
	int64_t days, rest, era, in_era, in_year, y, m, d;
	char *at = room;

	if (us < 0)
		us = 0;
	days = us / 1000000 / DAY_S;
	rest = us / 1000000 % DAY_S;
	days += 719468;
	era = days / 146097;
	in_era = days % 146097;
	y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	in_year = in_era - (365 * y + y / 4 - y / 100);
	m = (5 * in_year + 2) / 153;
	d = in_year - (153 * m + 2) / 5 + 1;
	m += m < 10 ? 3 : -9;
	y += era * 400 + (m <= 2);

	at = put_number(at, 4, y > 9999 ? 9999 : y);
	*at++ = '-';
	at = put_number(at, 2, m);
	*at++ = '-';
	at = put_number(at, 2, d);
	*at++ = 'T';
	at = put_number(at, 2, rest / 3600);
	*at++ = ':';
	at = put_number(at, 2, rest / 60 % 60);
	*at++ = ':';
	at = put_number(at, 2, rest % 60);
	*at++ = '.';
	at = put_number(at, 3, us / 1000 % 1000);
	*at++ = 'Z';
	*at = '\0';
	return (size_t)(at - room);
}
