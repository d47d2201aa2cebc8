/* SPDX-License-Identifier: BSD-2-Clause */
/* Where one deferred message stands on its retry curve. */
#include "proto/retry_state.h"

#include <stdio.h>
#include <string.h>

#include "util/err.h"
#include "util/number.h"

#define GIVE_UP_MS 1000
#define ASK_MIN_MS (60 * INT64_C(1000))
#define ASK_MAX_MS (3600 * INT64_C(1000))

uint64_t
retry_mark(struct slice address)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (size_t i = 0; i < address.len; i++) {
		h ^= (unsigned char)address.at[i];
		h *= UINT64_C(1099511628211);
	}
	return h != 0 ? h : 1;
}

/* What this deferral alone would have for a next step. */
static void
next_step(struct retry_state *s, const struct retry_attempt *a)
{
	int64_t due;

	if (a->curve == NULL) {
		s->step = RETRY_REST;
		s->due_ms = 0;
	} else if (retry_next(a->curve, s->queued_ms, a->at_ms, s->tries,
		       &due)) {
		s->step = RETRY_TRY;
		s->due_ms = due;
	} else if (a->keeps_trying) {
		s->step = RETRY_REST;
		s->due_ms = 0;
	} else {
		s->step = RETRY_GIVE_UP;
		/* One of the other recipients may go on. */
		s->due_ms = a->at_ms + GIVE_UP_MS;
	}
	s->owner = a->owner;
}

/* Log lines know whole seconds, perhaps. */
static bool
is_next_attempt(const struct retry_state *s, const struct retry_attempt *a)
{
	return s->tries == 0 || s->first == 0 || s->first == a->recipient ||
	       (s->step == RETRY_TRY && a->at_ms / 1000 >= s->due_ms / 1000);
}

void
retry_state_deferred(struct retry_state *s, const struct retry_attempt *a)
{
	struct retry_state other = *s;

	if (is_next_attempt(s, a)) {
		s->tries++;
		s->asked = 0;
		s->held = false;
		s->first = a->recipient;
		next_step(s, a);
		return;
	}
	/* The same curve counts from the end of the attempt; of different
	 * ones the earliest try goes. */
	next_step(&other, a);
	if (!slice_eq(other.owner, s->owner) &&
	    (other.step != RETRY_TRY ||
		(s->step == RETRY_TRY && s->due_ms <= other.due_ms)))
		return;
	*s = other;
}

bool
retry_state_final(struct retry_state *s, uint64_t recipient)
{
	if (s->first != recipient)
		return false;
	s->first = 0;
	return true;
}

int64_t
retry_state_asked(struct retry_state *s, const struct retry_curve *c,
    int64_t now_ms)
{
	int64_t next = now_ms + ASK_MAX_MS;
	unsigned asked = s->asked++, n = s->tries + asked;

	if (s->held)
		next = now_ms + (ASK_MIN_MS << (asked < 6 ? asked : 6));
	else if (s->step == RETRY_GIVE_UP)
		next = now_ms + ASK_MIN_MS;
	else if (c != NULL)
		(void)retry_next(c, s->queued_ms, now_ms, n, &next);
	return next > now_ms + ASK_MIN_MS ? next : now_ms + ASK_MIN_MS;
}

static struct slice
cut(struct slice s, size_t max)
{
	if (s.len > max)
		s.len = max;
	return s;
}

size_t
retry_state_format(const struct retry_state *s, char room[RETRY_STATE_MAX])
{
	int n = snprintf(room, RETRY_STATE_MAX,
	    "1\t%u\t%u\t%llu\t%llu\t%u\t%llu\t%.*s\t%.*s\t%c%.*s", s->tries,
	    (unsigned)s->step, (unsigned long long)s->queued_ms,
	    (unsigned long long)s->due_ms, s->asked,
	    (unsigned long long)s->first,
	    SLICE_F(cut(s->tenant, RETRY_OWNER_MAX)),
	    SLICE_F(cut(s->owner, RETRY_OWNER_MAX)),
	    s->held     ? 'h'
	    : s->looked ? 'w'
			: '?',
	    SLICE_F(cut(s->windows, RETRY_WINDOWS_MAX)));

	return n > 0 && n < RETRY_STATE_MAX ? (size_t)n : 0;
}

int
retry_state_parse(struct slice text, struct retry_state *ret_state)
{
	static const uint64_t most[] = { 1, UINT32_MAX, RETRY_REST, INT64_MAX,
		INT64_MAX, UINT32_MAX, UINT64_MAX };
	uint64_t n[7];
	struct slice field;
	struct retry_state s = { 0 };

	for (size_t i = 0; i < 7; i++)
		if (!slice_split(&text, '\t', &field) ||
		    number_parse(field, 0, most[i], &n[i]) < 0)
			return ERR_SYNTAX;
	if (n[0] != 1 || !slice_split(&text, '\t', &s.tenant) ||
	    !slice_split(&text, '\t', &s.owner) || text.len == 0 ||
	    memchr("hw?", text.at[0], 3) == NULL)
		return ERR_SYNTAX;
	s.tries = (unsigned)n[1];
	s.step = (enum retry_step)n[2];
	s.queued_ms = (int64_t)n[3];
	s.due_ms = (int64_t)n[4];
	s.asked = (unsigned)n[5];
	s.first = n[6];
	s.held = text.at[0] == 'h';
	s.looked = text.at[0] != '?';
	s.windows = slice_skip(text, 1);
	*ret_state = s;
	return 0;
}

/* ---- queue ids ---- */

/* Digits, then consonants: no words come out of it. */
static int
digit52(char c)
{
	static const char digits[] =
	    "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

#define SECONDS_LEN 6
#define MICROSECONDS_LEN 4

int64_t
retry_queue_id_ms(struct slice queue_id)
{
	int64_t n[2] = { 0, 0 };

	/* "z" stands between the time and the inode's number. */
	if (queue_id.len <= SECONDS_LEN + MICROSECONDS_LEN + 1 ||
	    queue_id.at[SECONDS_LEN + MICROSECONDS_LEN] != 'z')
		return 0;
	for (size_t i = 0; i < SECONDS_LEN + MICROSECONDS_LEN; i++) {
		int digit = digit52(queue_id.at[i]);
		int64_t *to = &n[i >= SECONDS_LEN];

		if (digit < 0)
			return 0;
		*to = *to * 52 + digit;
	}
	return n[1] < 1000000 ? n[0] * 1000 + n[1] / 1000 : 0;
}
