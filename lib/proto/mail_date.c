/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates of header fields: RFC 5322, 3.3. */
#include "proto/mail_date.h"

#include <stdio.h>
#include <time.h>

size_t
mail_date_format(int64_t wall_ms, char room[MAIL_DATE_MAX])
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	room[0] = '\0';
	if (gmtime_r(&seconds, &tm) == NULL)
		return 0;
	int n =
	    snprintf(room, MAIL_DATE_MAX, "%s, %d %s %d %02d:%02d:%02d +0000",
		days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return n > 0 && n < MAIL_DATE_MAX ? (size_t)n : 0;
}
