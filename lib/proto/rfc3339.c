/* SPDX-License-Identifier: BSD-2-Clause */
/* Points in time as text: RFC 3339. */
#include "proto/rfc3339.h"

#include "proto/civil.h"
#include "util/err.h"
#include "util/number.h"

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
	    take_number(s, 2, 1, civil_month_days((int64_t)y, (unsigned)m),
		&d) < 0)
		return ERR_SYNTAX;
	*ret_days = civil_days((int64_t)y, (unsigned)m, (unsigned)d);
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
	all = (days * CIVIL_DAY_S - zone_s) * 1000000 + us;
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
	struct civil c;
	int64_t rest;
	char *at = room;

	if (us < 0)
		us = 0;
	c = civil_of(us / 1000000 / CIVIL_DAY_S);
	rest = us / 1000000 % CIVIL_DAY_S;

	at = put_number(at, 4, c.year > 9999 ? 9999 : c.year);
	*at++ = '-';
	at = put_number(at, 2, c.month);
	*at++ = '-';
	at = put_number(at, 2, c.day);
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
