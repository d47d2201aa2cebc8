/* SPDX-License-Identifier: BSD-2-Clause */
/* Days of the calendar as numbers, and back. */
#include "proto/civil.h"

#define ERA_DAYS 146097 /* 400 years */
#define EPOCH 719468    /* 1970-01-01, counted from 0000-03-01 */

bool
civil_leap_year(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

unsigned
civil_month_days(int64_t year, unsigned month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };

	return days[month - 1] + (month == 2 && civil_leap_year(year) ? 1U : 0);
}

/* Years that begin in March end with the day that not all of them have. */
int64_t
civil_days(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400, in_era = y - era * 400;
	int64_t m = (int64_t)month + (month > 2 ? -3 : 9);
	int64_t in_year = (153 * m + 2) / 5 + (int64_t)day - 1;

	return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 +
	       in_year - EPOCH;
}

struct civil
civil_of(int64_t days)
{
	int64_t all = days + EPOCH;
	int64_t era = (all >= 0 ? all : all - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t in_era = all - era * ERA_DAYS;
	int64_t y =
	    (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * in_year + 2) / 153;
	int64_t d = in_year - (153 * m + 2) / 5 + 1;

	m += m < 10 ? 3 : -9;
	return (
	    struct civil){ y + era * 400 + (m <= 2), (unsigned)m, (unsigned)d };
}

unsigned
civil_number(int64_t days)
{
	struct civil c = civil_of(days);

	return (unsigned)c.year * 10000 + c.month * 100 + c.day;
}

unsigned
civil_weekday(int64_t days)
{
	return (unsigned)(((days + 3) % 7 + 7) % 7);
}

int64_t
civil_day_of(int64_t seconds)
{
	int64_t days = seconds / CIVIL_DAY_S;

	return seconds % CIVIL_DAY_S < 0 ? days - 1 : days;
}
