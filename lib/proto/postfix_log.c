/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix's log lines: deliveries, queueing, expiry, removal. */
#include "proto/postfix_log.h"

#include <stdlib.h>
#include <time.h>

#define QUEUE_ID_MIN 6
#define QUEUE_ID_MAX 24
#define TRADITIONAL_LEN 15 /* "Nov 23 07:00:00" */

/* Take literal off the head of *s. */
#define TAKE(s, literal) take(s, literal, sizeof(literal) - 1)
static inline bool
take(struct slice *s, const char *literal, size_t len)
{
	if (s->len < len || memcmp(s->at, literal, len) != 0)
		return false;
	s->at += len;
	s->len -= len;
	return true;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_alnum(char c)
{
	return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Two digits, or -1; a blank may stand for a leading zero. */
static int
two_digits(const char *p)
{
	if (!is_digit(p[1]) || (!is_digit(p[0]) && p[0] != ' '))
		return -1;
	return (p[0] == ' ' ? 0 : p[0] - '0') * 10 + p[1] - '0';
}

void
postfix_log_clock_init(struct postfix_log_clock *clock, int64_t now_s)
{
	memset(clock, 0, sizeof(*clock));
	clock->now_s = now_s;
}

static int
month_number(const char *p)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (memcmp(names + 3 * i, p, 3) == 0)
			return i;
	return -1;
}

/* The beginning of the hour "Nov 23 07" in the year that fits. */
static bool
hour_base(struct postfix_log_clock *clock, const char *p)
{
	time_t now = (time_t)clock->now_s;
	int mon = month_number(p), day = two_digits(p + 4);
	int hour = two_digits(p + 7);
	struct tm tm;

	if (mon < 0 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
	    p[3] != ' ' || p[6] != ' ' || localtime_r(&now, &tm) == NULL)
		return false;
	/* The 29th of February may lie eight years back. */
	for (int year = tm.tm_year + 1; year > tm.tm_year - 9; year--) {
		struct tm t = { .tm_year = year,
			.tm_mon = mon,
			.tm_mday = day,
			.tm_hour = hour,
			.tm_isdst = -1 };
		time_t base = mktime(&t);

		if (base == (time_t)-1 || t.tm_mon != mon || t.tm_mday != day)
			continue;
		if ((int64_t)base > clock->now_s + 86400)
			continue;
		memcpy(clock->hour, p, sizeof(clock->hour));
		clock->base_s = base;
		return true;
	}
	return false;
}

static bool
take_traditional(struct slice *s, struct postfix_log_clock *clock,
    int64_t *ret_ms)
{
	const char *p = s->at;

	if (s->len < TRADITIONAL_LEN || p[9] != ':' || p[12] != ':')
		return false;
	if (memcmp(clock->hour, p, sizeof(clock->hour)) != 0 &&
	    !hour_base(clock, p))
		return false;
	int min = two_digits(p + 10), sec = two_digits(p + 13);
	if (min < 0 || min > 59 || sec < 0 || sec > 60)
		return false;
	*ret_ms = (clock->base_s + min * 60 + sec) * 1000;
	*s = slice_skip(*s, TRADITIONAL_LEN);
	return true;
}

/* Days since 1970-01-01 in the Gregorian calendar, without a time zone. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 1 - 719468;
}

/* "Z", "+09:00" or "+0900": seconds east of Greenwich. */
static bool
take_zone(struct slice *s, int *ret_s)
{
	if (TAKE(s, "Z")) {
		*ret_s = 0;
		return true;
	}
	if (s->len < 5 || (s->at[0] != '+' && s->at[0] != '-'))
		return false;
	size_t minutes = s->at[3] == ':' ? 4 : 3;
	if (s->len < minutes + 2)
		return false;
	int h = two_digits(s->at + 1), m = two_digits(s->at + minutes);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return false;
	*ret_s = (h * 3600 + m * 60) * (s->at[0] == '-' ? -1 : 1);
	*s = slice_skip(*s, minutes + 2);
	return true;
}

/* RFC 3339, 5.6: "2026-11-23T07:00:00.123456+09:00". */
static bool
take_rfc3339(struct slice *s, int64_t *ret_ms)
{
	const char *p = s->at;

	if (s->len < 20 || p[4] != '-' || p[7] != '-' ||
	    (p[10] != 'T' && p[10] != ' ') || p[13] != ':' || p[16] != ':')
		return false;
	int century = two_digits(p), year = two_digits(p + 2);
	int month = two_digits(p + 5), day = two_digits(p + 8);
	int h = two_digits(p + 11), min = two_digits(p + 14);
	int sec = two_digits(p + 17), zone, ms = 0, unit = 100;
	if (century < 19 || year < 0 || month < 1 || month > 12 || day < 1 ||
	    day > 31 || h < 0 || h > 23 || min < 0 || min > 59 || sec < 0 ||
	    sec > 60)
		return false;
	struct slice rest = slice_skip(*s, 19);
	if (TAKE(&rest, "."))
		for (; rest.len > 0 && is_digit(rest.at[0]); unit /= 10) {
			ms += (rest.at[0] - '0') * unit;
			rest = slice_skip(rest, 1);
		}
	if (!take_zone(&rest, &zone))
		return false;
	*ret_ms = (days_of(century * 100 + year, month, day) * 86400 +
		      h * 3600 + min * 60 + sec - zone) *
		      1000 +
		  ms;
	*s = rest;
	return true;
}

/* " HOST TAG[PID]: " */
static bool
take_tag(struct slice *s, struct slice *ret_tag)
{
	const char *blank, *colon;

	if (!TAKE(s, " "))
		return false;
	if ((blank = memchr(s->at, ' ', s->len)) == NULL)
		return false;
	*s = slice_skip(*s, (size_t)(blank - s->at) + 1);
	if ((colon = memchr(s->at, ':', s->len)) == NULL)
		return false;
	struct slice tag = { s->at, (size_t)(colon - s->at) };
	*s = slice_skip(*s, tag.len + 1);
	if (!TAKE(s, " "))
		return false;
	const char *bracket = memchr(tag.at, '[', tag.len);
	if (bracket != NULL)
		tag.len = (size_t)(bracket - tag.at);
	*ret_tag = tag;
	return true;
}

/*
 * "<ADDRESS>": to the first '>' that no quoted string holds, so that an
 * address can not forge the fields behind it.
 */
static bool
take_address(struct slice *s, struct slice *ret_address)
{
	size_t i = 0;

	if (s->len > 0 && s->at[0] == '"') {
		for (i = 1; i < s->len && s->at[i] != '"'; i++)
			if (s->at[i] == '\\')
				i++;
		if (i >= s->len)
			return false;
	}
	const char *end = memchr(s->at + i, '>', s->len - i);
	if (end == NULL)
		return false;
	*ret_address = (struct slice){ s->at, (size_t)(end - s->at) };
	*s = slice_skip(*s, ret_address->len + 1);
	return true;
}

/* A value up to ", ", which is dropped. */
static bool
take_value(struct slice *s, struct slice *ret_value)
{
	const char *comma = memchr(s->at, ',', s->len);

	if (comma == NULL)
		return false;
	*ret_value = (struct slice){ s->at, (size_t)(comma - s->at) };
	*s = slice_skip(*s, ret_value->len + 1);
	return TAKE(s, " ");
}

static bool
take_result(struct slice *s, enum postfix_log_result *ret_result)
{
	if (TAKE(s, "sent"))
		*ret_result = POSTFIX_SENT;
	else if (TAKE(s, "deferred") || TAKE(s, "SOFTBOUNCE"))
		*ret_result = POSTFIX_DEFERRED;
	else if (TAKE(s, "bounced"))
		*ret_result = POSTFIX_BOUNCED;
	else /* "deliverable", "undeliverable": probes, not mail */
		return false;
	return s->len == 0 || s->at[0] == ' ';
}

/* Behind "to=<". */
static bool
parse_delivery(struct slice s, struct postfix_log *log)
{
	struct slice skipped;

	if (!take_address(&s, &log->recipient) || !TAKE(&s, ", "))
		return false;
	if (TAKE(&s, "orig_to=<") &&
	    (!take_address(&s, &log->original) || !TAKE(&s, ", ")))
		return false;
	if (!TAKE(&s, "relay=") || !take_value(&s, &log->relay))
		return false;
	if (TAKE(&s, "conn_use=") && !take_value(&s, &skipped))
		return false;
	if (!TAKE(&s, "delay=") || !take_value(&s, &skipped))
		return false;
	if (TAKE(&s, "delays=") && !take_value(&s, &skipped))
		return false;
	if (!TAKE(&s, "dsn=") || !take_value(&s, &log->dsn) ||
	    !TAKE(&s, "status=") || !take_result(&s, &log->result))
		return false;
	log->text = (struct slice){ s.at, 0 };
	if (TAKE(&s, " (")) {
		/* syslog may have cut the end off */
		if (s.len > 0 && s.at[s.len - 1] == ')')
			s.len--;
		log->text = s;
	}
	log->kind = POSTFIX_LOG_DELIVERY;
	return true;
}

/* qmgr, behind "from=<". */
static bool
parse_queue(struct slice s, struct postfix_log *log)
{
	if (!take_address(&s, &log->sender) || !TAKE(&s, ", "))
		return false;
	if (TAKE(&s, "size="))
		log->kind = POSTFIX_LOG_QUEUED;
	else if (TAKE(&s, "status=expired") || TAKE(&s, "status=force-expired"))
		log->kind = POSTFIX_LOG_EXPIRED;
	else
		return false;
	return true;
}

/*
 * cleanup, behind "milter-hold: ": "END-OF-MESSAGE from NAME[IP]: milter
 * triggers HOLD action; from=<SENDER> to=<RECIPIENT> proto=...".  A newer
 * Postfix (seen with 3.10) has the milter's reason where "milter triggers ..."
 * stands.
 */
static bool
parse_hold(struct slice s, struct postfix_log *log)
{
	const char *p;

	/* The client's name comes from the DNS, and has no blank. */
	if (!TAKE(&s, "END-OF-MESSAGE from ") ||
	    (p = slice_find(s, SLICE("]: "))) == NULL)
		return false;
	s = slice_skip(s, (size_t)(p - s.at) + 3);
	p = slice_find(s, SLICE("; from=<"));
	if (p == NULL)
		return false;
	s = slice_skip(s, (size_t)(p - s.at) + 8);
	if (!take_address(&s, &log->sender))
		return false;
	log->kind = POSTFIX_LOG_QUEUED;
	return true;
}

static bool
take_queue_id(struct slice *s, struct slice *ret_id)
{
	size_t n = 0;

	while (n < s->len && n <= QUEUE_ID_MAX && is_alnum(s->at[n]))
		n++;
	if (n < QUEUE_ID_MIN || n > QUEUE_ID_MAX || n >= s->len)
		return false;
	*ret_id = (struct slice){ s->at, n };
	*s = slice_skip(*s, n);
	return TAKE(s, ": ");
}

bool
postfix_log_message(struct slice tag, struct slice message, int64_t at_ms,
    struct postfix_log *ret_log)
{
	struct postfix_log log = { .at_ms = at_ms, .tag = tag };
	const char *slash = tag.len > 0 ? memrchr(tag.at, '/', tag.len) : NULL;
	bool found = false;

	if (slash == NULL || !take_queue_id(&message, &log.queue_id))
		return false;
	log.program = slice_skip(tag, (size_t)(slash - tag.at) + 1);
	bool qmgr = slice_eq(log.program, SLICE("qmgr"));
	if (TAKE(&message, "to=<")) {
		found = parse_delivery(message, &log);
	} else if (qmgr && TAKE(&message, "from=<")) {
		found = parse_queue(message, &log);
	} else if (slice_eq(log.program, SLICE("cleanup")) &&
		   TAKE(&message, "milter-hold: ")) {
		found = parse_hold(message, &log);
	} else if (slice_eq(message, SLICE("removed")) &&
		   (qmgr || slice_eq(log.program, SLICE("postsuper")))) {
		log.kind = POSTFIX_LOG_REMOVED;
		found = true;
	}
	if (found)
		*ret_log = log;
	return found;
}

bool
postfix_log_parse(struct slice line, struct postfix_log_clock *clock,
    struct postfix_log *ret_log)
{
	struct slice tag;
	int64_t at_ms;

	if (line.len == 0)
		return false;
	if (is_digit(line.at[0]) ? !take_rfc3339(&line, &at_ms)
				 : !take_traditional(&line, clock, &at_ms))
		return false;
	return take_tag(&line, &tag) &&
	       postfix_log_message(tag, line, at_ms, ret_log);
}

bool
postfix_log_tag_in(struct slice tag, struct slice names)
{
	while (names.len > 0) {
		size_t n = 0;

		while (n < names.len && names.at[n] != ' ' &&
		       names.at[n] != ',' && names.at[n] != '\t')
			n++;
		if (n > 0 && tag.len > n && tag.at[n] == '/' &&
		    memcmp(tag.at, names.at, n) == 0)
			return true;
		names = slice_skip(names, n + 1);
	}
	return false;
}

/* The last occurrence: what stands before it may quote the same words. */
static const char *
find_last(struct slice s, struct slice needle)
{
	if (s.len < needle.len)
		return NULL;
	for (size_t i = s.len - needle.len + 1; i-- > 0;)
		if (memcmp(s.at + i, needle.at, needle.len) == 0)
			return s.at + i;
	return NULL;
}

struct slice
postfix_log_remote(struct slice text, struct slice *ret_stage)
{
	static const struct slice lead[] = { SLICE(" said: "),
		SLICE(" refused to talk to me: ") };
	struct slice stage = { NULL, 0 };

	for (size_t i = 0; i < sizeof(lead) / sizeof(*lead); i++) {
		const char *p = slice_find(text, lead[i]);

		/* "host NAME[IP] said:", with or without a wrapping text */
		if (p == NULL || p == text.at || p[-1] != ']')
			continue;
		text = slice_skip(text, (size_t)(p - text.at) + lead[i].len);
		break;
	}
	const char *reply = find_last(text, SLICE(" (in reply to "));
	if (reply != NULL) {
		stage = slice_skip(text, (size_t)(reply - text.at) + 14);
		text.len = (size_t)(reply - text.at);
		const char *end = slice_find(stage, SLICE(" command"));
		if (end != NULL)
			stage.len = (size_t)(end - stage.at);
	}
	if (ret_stage != NULL)
		*ret_stage = stage;
	return text;
}
