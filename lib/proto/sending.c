/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending addresses: a stable share of the domains, and warm-up plans. */
#include "proto/sending.h"

#include <string.h>

#define MINUTE_MS 60000

/* ---- the plan ---- */

/* Days since 1 March of year 0: the calendar without a table. */
static int64_t
day_number(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2 ? 1 : 0),
		m = (int64_t)month + (month <= 2 ? 9 : -3);

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	       (int64_t)day - 1;
}

uint64_t
sending_ceiling(const struct sending_address *a, unsigned yyyymmdd)
{
	int64_t day;

	if (!a->warming)
		return UINT64_MAX;
	day =
	    day_number(yyyymmdd / 10000, yyyymmdd / 100 % 100, yyyymmdd % 100) -
	    day_number(a->start_year, a->start_month, a->start_day);
	if (day < 0)
		return 0;
	return (uint64_t)day < a->days ? a->per_day[day] : UINT64_MAX;
}

/* ---- which one ---- */

static uint64_t
hash(uint64_t h, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		h ^= (unsigned char)text.at[i];
		h *= UINT64_C(1099511628211); /* FNV-1a */
	}
	return h;
}

/* Names of addresses differ in one digit: all bits must come of it. */
static uint64_t
score(struct slice address, struct slice domain)
{
	uint64_t h = hash(UINT64_C(14695981039346656037), address);

	h = hash(h ^ 0xff, domain);
	h ^= h >> 30;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	h ^= h >> 27;
	h *= UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

bool
sending_pick(const struct shaping *s, const struct shaping_filter *f,
    struct slice host, struct slice domain, const bool *full,
    size_t *ret_address)
{
	size_t at = shaping_address_next(s, f, host, 0),
	       best = SHAPING_NO_ADDRESS;
	uint64_t best_score = 0;

	if (at == SHAPING_NO_ADDRESS) {
		*ret_address = SHAPING_NO_ADDRESS;
		return true;
	}
	for (; at != SHAPING_NO_ADDRESS;
	     at = shaping_address_next(s, f, host, at + 1)) {
		unsigned i = f->addresses[at];
		uint64_t n = score(s->addresses[i].name, domain);

		if (full != NULL && full[i])
			continue;
		if (best != SHAPING_NO_ADDRESS && n <= best_score)
			continue;
		best = at;
		best_score = n;
	}
	if (best == SHAPING_NO_ADDRESS)
		return false;
	*ret_address = best;
	return true;
}

/* ---- what was used ---- */

void
sending_use_day(struct sending_use *u, unsigned yyyymmdd)
{
	if (u->yyyymmdd == yyyymmdd)
		return;
	u->yyyymmdd = yyyymmdd;
	u->told = 0;
	u->under_way = 0;
	u->untold = 0;
}

/* Minutes that are over move on; a clock that went back changes nothing. */
static void
turn(struct sending_use *u, int64_t now_ms)
{
	int64_t minute = now_ms / MINUTE_MS, passed = minute - u->minute;

	if (passed <= 0)
		return;
	if (passed > SENDING_MINUTES)
		passed = SENDING_MINUTES;
	size_t by = (size_t)passed, left = SENDING_MINUTES - by;

	memmove(u->given + by, u->given, left * sizeof(u->given[0]));
	memmove(u->ended + by, u->ended, left * sizeof(u->ended[0]));
	memset(u->given, 0, by * sizeof(u->given[0]));
	memset(u->ended, 0, by * sizeof(u->ended[0]));
	u->minute = minute;
}

void
sending_use_given(struct sending_use *u, int64_t now_ms)
{
	turn(u, now_ms);
	u->given[0]++;
}

void
sending_use_ended(struct sending_use *u, int64_t now_ms)
{
	turn(u, now_ms);
	u->ended[0]++;
	u->untold++;
}

bool
sending_use_full(struct sending_use *u, uint64_t ceiling, unsigned hosts,
    int64_t now_ms)
{
	uint64_t given = 0, ended = 0, used = u->under_way + u->untold;

	turn(u, now_ms);
	for (size_t i = 0; i < SENDING_MINUTES; i++) {
		given += u->given[i];
		ended += u->ended[i];
	}
	if (given > ended)
		used += given - ended;
	if (u->told >= ceiling)
		return true;
	return used >= (ceiling - u->told) / (hosts > 0 ? hosts : 1);
}
