/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_REPORT_TIME_H
#define PROTO_REPORT_TIME_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Points in time of reports: as people write and read them, in a time zone.
 * Milliseconds since 1970.  Pure: the present is an argument.
 */
struct zone;

struct report_span {
	int64_t from_ms, to_ms; /* both included */
};

/*
 * What a person writes, as the span that it means: a day, an hour, a minute,
 * a second or one millisecond.  A search from it begins with from_ms, one
 * until it ends with to_ms.
 *	2026-01-31                   the day
 *	2026-01-31 12                the hour ("T" as good as the blank)
 *	2026-01-31 12:30[:05[.250]]  and, with "Z" or "+09:00" behind it, the
 *	                             same in that zone
 *	12:30[:05]                   of today
 *	today, yesterday, now
 *	90s, 15m, 2h, 3d, 1w         so long ago, to the millisecond; "ago" may
 *	                             follow
 * ERR_SYNTAX: none of these, or no such day; years 1970 to 9999.
 */
int report_time_parse(struct slice text, const struct zone *zone,
    int64_t now_ms, struct report_span *ret_span);
/*
 * The same from parts: "2026-01-31", an hour of it (-1: the whole day), and a
 * minute of that (-1).  ERR_SYNTAX.
 */
int report_time_of_day(struct slice date, int hour, int minute,
    const struct zone *zone, struct report_span *ret_span);
/* The span of a day counted from 1970-01-01, as clocks of the zone show it. */
struct report_span report_time_day(int64_t days, const struct zone *zone);
/* The day an instant is of. */
int64_t report_time_day_of(int64_t ms, const struct zone *zone);

#define REPORT_TIME_MAX 40
/* "2026-01-31 12:30:05", without the zone; returns its length. */
size_t report_time_format(int64_t ms, const struct zone *zone,
    char room[REPORT_TIME_MAX]);
/* RFC 3339 with the zone's offset: "2026-01-31T12:30:05.250+09:00". */
size_t report_time_format_full(int64_t ms, const struct zone *zone,
    char room[REPORT_TIME_MAX]);

#endif /* PROTO_REPORT_TIME_H */
