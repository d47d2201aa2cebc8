/* SPDX-License-Identifier: BSD-2-Clause */
/* Points in time as the exports of mail services have them. */
#include "proto/import_time.h"

#include <stdio.h>

#include "proto/civil.h"
#include "proto/rfc3339.h"
#include "util/err.h"
#include "util/number.h"

#define MILLISECONDS_FROM INT64_C(100000000000) /* as seconds: year 5138 */
#define TEXT_MAX 64

/* "2026-10-06 23:47:56", and "UTC" or an offset maybe. */
static int
parse_blanks(struct slice text, int64_t *ret_us)
{
	struct slice rest = text, day, time, zone = { NULL, 0 };
	char room[TEXT_MAX + 4];
	const char *offset = "Z";

	if (!slice_split(&rest, ' ', &day) || !slice_split(&rest, ' ', &time) ||
	    day.len != 10)
		return ERR_SYNTAX;
	if (rest.at != NULL)
		zone = slice_trim(rest);
	if (time.len > 0 && (time.at[time.len - 1] == 'Z' ||
				memchr(time.at, '+', time.len) != NULL))
		offset = "";
	if (zone.len > 0 && !slice_eq(zone, SLICE("UTC")) &&
	    !slice_eq(zone, SLICE("GMT")) && !slice_eq(zone, SLICE("+0000")) &&
	    !slice_eq(zone, SLICE("+00:00")))
		return ERR_SYNTAX;
	(void)snprintf(room, sizeof(room), "%.*sT%.*s%s", SLICE_F(day),
	    SLICE_F(time), offset);
	return rfc3339_parse(slice_of(room), ret_us);
}

static int
month_of(struct slice word)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12 && word.len == 3; i++)
		if (strncasecmp(months + 3 * (ptrdiff_t)i, word.at, 3) == 0)
			return i + 1;
	return 0;
}

static int
offset_of(struct slice zone, int64_t *ret_s)
{
	uint64_t n;

	*ret_s = 0;
	if (zone.len == 0 || slice_eq(zone, SLICE("GMT")) ||
	    slice_eq(zone, SLICE("UTC")) || slice_eq(zone, SLICE("UT")) ||
	    slice_eq(zone, SLICE("Z")))
		return 0;
	if (zone.len != 5 || (zone.at[0] != '+' && zone.at[0] != '-') ||
	    number_parse(slice_skip(zone, 1), 0, 2359, &n) < 0)
		return ERR_SYNTAX;
	*ret_s = ((int64_t)n / 100 * 3600 + (int64_t)n % 100 * 60) *
		 (zone.at[0] == '-' ? -1 : 1);
	return 0;
}

/* "11:02:55" or "11:02" */
static int
clock_of(struct slice text, int64_t *ret_s)
{
	struct slice part;
	uint64_t n, most = 23;
	int64_t s = 0;
	int count = 0;

	while (count < 3 && slice_split(&text, ':', &part)) {
		if (part.len != 2 || number_parse(part, 0, most, &n) < 0)
			return ERR_SYNTAX;
		s = s * 60 + (int64_t)n;
		most = ++count == 1 ? 59 : 60; /* a leap second */
	}
	*ret_s = count == 2 ? s * 60 : s;
	return count < 2 || text.at != NULL ? ERR_SYNTAX : 0;
}

/* RFC 5322, 3.3: "[day-name,] day month year time zone" */
static int
parse_mail(struct slice text, int64_t *ret_s)
{
	struct slice rest = text, f[5] = { { NULL, 0 } };
	const char *comma =
	    text.len > 0 ? memchr(text.at, ',', text.len) : NULL;
	uint64_t day, year;
	int64_t seconds, offset;
	size_t n = 0;

	if (comma != NULL)
		rest =
		    slice_trim(slice_skip(text, (size_t)(comma - text.at) + 1));
	while (n < 5 && slice_split(&rest, ' ', &f[n]))
		n += f[n].len > 0;
	int month = n >= 4 ? month_of(f[1]) : 0;
	if (month == 0 || number_parse(f[0], 1, 31, &day) < 0 ||
	    number_parse(f[2], 1970, 9999, &year) < 0 ||
	    day > civil_month_days((int64_t)year, (unsigned)month) ||
	    clock_of(f[3], &seconds) < 0 ||
	    offset_of(n > 4 ? f[4] : SLICE(""), &offset) < 0)
		return ERR_SYNTAX;
	*ret_s = civil_days((int64_t)year, (unsigned)month, (unsigned)day) *
		     CIVIL_DAY_S +
		 seconds - offset;
	return *ret_s < 0 ? ERR_SYNTAX : 0;
}

int
import_time_parse(struct slice text, int64_t *ret_s)
{
	struct slice s = slice_trim(text);
	int64_t us, mail_s;
	uint64_t n;

	if (s.len == 0 || s.len > TEXT_MAX)
		return ERR_SYNTAX;
	if (number_parse(s, 1, INT64_MAX / 1000, &n) == 0) {
		*ret_s = (int64_t)n >= MILLISECONDS_FROM ? (int64_t)n / 1000
							 : (int64_t)n;
		return 0;
	}
	if (rfc3339_parse(s, &us) == 0 || parse_blanks(s, &us) == 0) {
		*ret_s = us / 1000000;
		return 0;
	}
	if (parse_mail(s, &mail_s) < 0)
		return ERR_SYNTAX;
	*ret_s = mail_s;
	return 0;
}
