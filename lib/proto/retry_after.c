/* SPDX-License-Identifier: BSD-2-Clause */
/* "Try again in 5 minutes": how long a reply asks to wait. */
#include "proto/retry_after.h"

#include "util/number.h"

#define TIME_GAP 24 /* octets from the words to the number */
#define TIME_MAX UINT64_C(1000000000)

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The unit that begins at s, in ms; 0: none that is known. */
static int64_t
unit_at(struct slice s)
{
	static const struct {
		struct slice word;
		int64_t ms;
	} units[] = {
		{ SLICE("ms"), 1 },
		{ SLICE("millisec"), 1 },
		{ SLICE("mn"), 60000 },
		{ SLICE("min"), 60000 },
		{ SLICE("h"), 3600000 },
		{ SLICE("stunde"), 3600000 },
		{ SLICE("ore"), 3600000 },
		{ SLICE("tag"), 86400000 },
		{ SLICE("d"), 86400000 },
		{ SLICE("sec"), 1000 },
		{ SLICE("sek"), 1000 },
		{ SLICE("分"), 60000 },
		{ SLICE("時間"), 3600000 },
		{ SLICE("小时"), 3600000 },
		{ SLICE("秒"), 1000 },
	};

	while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '-'))
		s = slice_skip(s, 1);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (slice_starts(s, units[i].word))
			return units[i].ms;
	/* "5m", but not "5 messages" */
	if (slice_starts(s, SLICE("m")) &&
	    (s.len == 1 || s.at[1] < 'a' || s.at[1] > 'z'))
		return 60000;
	return 0;
}

/* "an hour", "five minutes": with a unit behind it only. */
static int64_t
spelled(struct slice s)
{
	static const struct {
		struct slice word;
		int64_t n;
	} numbers[] = {
		{ SLICE("a "), 1 },
		{ SLICE("an "), 1 },
		{ SLICE("one "), 1 },
		{ SLICE("two "), 2 },
		{ SLICE("five "), 5 },
		{ SLICE("ten "), 10 },
		{ SLICE("fifteen "), 15 },
		{ SLICE("thirty "), 30 },
		{ SLICE("sixty "), 60 },
	};
	static const struct slice units[] = { SLICE("sec"), SLICE("min"),
		SLICE("hour"), SLICE("day") };

	if (slice_starts(s, SLICE("at least ")))
		s = slice_skip(s, 9);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!slice_starts(s, numbers[i].word))
			continue;
		s = slice_skip(s, numbers[i].word.len);
		for (size_t k = 0; k < sizeof(units) / sizeof(units[0]); k++)
			if (slice_starts(s, units[k]))
				return numbers[i].n * unit_at(s);
	}
	return -1;
}

/* A number within so many octets of the words before it. */
static int64_t
time_at(struct slice s)
{
	size_t start = 0, end;
	uint64_t n;
	int64_t unit, ms = spelled(s);

	if (ms >= 0)
		return ms;
	while (start < s.len && start < TIME_GAP && !is_digit(s.at[start]))
		start++;
	if (start == s.len || !is_digit(s.at[start]))
		return -1;
	for (end = start; end < s.len && is_digit(s.at[end]); end++)
		;
	/* "4.7.0", "12:30", "192.0.2.1" and "[12" are no lengths. */
	if ((end + 1 < s.len && (s.at[end] == '.' || s.at[end] == ':') &&
		is_digit(s.at[end + 1])) ||
	    (start > 0 && s.at[start - 1] != ' ' && s.at[start - 1] != ':' &&
		s.at[start - 1] != '='))
		return -1;
	if (number_parse((struct slice){ s.at + start, end - start }, 1,
		TIME_MAX, &n) < 0)
		return -1;
	unit = unit_at(slice_skip(s, end));
	return (int64_t)n * (unit > 0 ? unit : 1000);
}

/* The digit that ends before at, also a full-width one; -1: none. */
static int
digit_before(struct slice s, size_t at, size_t *ret_len)
{
	static const char wide[] = "\xef\xbc";

	if (at >= 1 && is_digit(s.at[at - 1])) {
		*ret_len = 1;
		return s.at[at - 1] - '0';
	}
	if (at < 3 || memcmp(s.at + at - 3, wide, 2) != 0)
		return -1;
	int digit = (unsigned char)s.at[at - 1] - 0x90;

	*ret_len = 3;
	return digit >= 0 && digit <= 9 ? digit : -1;
}

/* The number that ends before at, as the languages of Asia have it. */
static int64_t
number_before(struct slice s, size_t at)
{
	int64_t n = 0, ten = 1;
	size_t len = 0;
	int digit;

	while (at > 0 && s.at[at - 1] == ' ')
		at--;
	for (; ten < 1000000 && (digit = digit_before(s, at, &len)) >= 0;
	     ten *= 10, at -= len)
		n += digit * ten;
	return n > 0 ? n : -1;
}

static int64_t
behind_number(struct slice text)
{
	static const struct {
		struct slice word;
		int64_t ms;
	} units[] = {
		{ SLICE("分後"), 60000 },
		{ SLICE("分以上"), 60000 },
		{ SLICE("分経過"), 60000 },
		{ SLICE("分ほど"), 60000 },
		{ SLICE("分钟"), 60000 },
		{ SLICE("時間後"), 3600000 },
		{ SLICE("時間以上"), 3600000 },
		{ SLICE("時間経過"), 3600000 },
		{ SLICE("時間ほど"), 3600000 },
		{ SLICE("小时"), 3600000 },
		{ SLICE("秒後"), 1000 },
		{ SLICE("秒以上"), 1000 },
		{ SLICE("秒后"), 1000 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		const char *p = slice_find(text, units[i].word);
		int64_t n =
		    p != NULL ? number_before(text, (size_t)(p - text.at)) : -1;

		if (n > 0)
			return n * units[i].ms;
	}
	return -1;
}

int64_t
retry_after_ms(struct slice text)
{
	static const struct slice words[] = {
		SLICE("again in "),
		SLICE("again after "),
		SLICE("again within "),
		SLICE("retry in "),
		SLICE("retry after "),
		SLICE("retry again in "),
		SLICE("retry-after"),
		SLICE("resend in "),
		SLICE("resend after "),
		SLICE("resume in "),
		SLICE("later in "),
		SLICE("please wait "),
		SLICE("wait for "),
		SLICE("wait at least "),
		SLICE("must wait "),
		SLICE("then wait "),
		SLICE("wait "),
		SLICE("come back in "),
		SLICE("back in "),
		SLICE("deferred for "),
		SLICE("blocked for "),
		SLICE("limited for "),
		SLICE("suspended for "),
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *p = slice_find(text, words[i]);

		if (p == NULL)
			continue;
		int64_t ms = time_at(
		    slice_skip(text, (size_t)(p - text.at) + words[i].len));
		if (ms >= 0)
			return ms;
	}
	return behind_number(text);
}
