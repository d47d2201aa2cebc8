/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_CIVIL_H
#define PROTO_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Days of the proleptic Gregorian calendar, counted from 1970-01-01, without
 * a time zone (zone.h has those).  Good for the years 0 to 9999 and beyond.
 */
#define CIVIL_DAY_S INT64_C(86400)

struct civil {
	int64_t year;
	unsigned month, day; /* from 1 */
};

bool civil_leap_year(int64_t year);
unsigned civil_month_days(int64_t year, unsigned month);
int64_t civil_days(int64_t year, unsigned month, unsigned day);
struct civil civil_of(int64_t days);
/* yyyymmdd */
unsigned civil_number(int64_t days);
/* Monday is 0. */
unsigned civil_weekday(int64_t days);
/* The day of a second, for negative ones, too. */
int64_t civil_day_of(int64_t seconds);

#endif /* PROTO_CIVIL_H */
