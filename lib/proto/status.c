/* SPDX-License-Identifier: BSD-2-Clause */
/* Error statuses; RFC 3463 enhanced codes and RFC 5321 replies in text. */
#include "proto/status.h"

#include "util/number.h"

struct entry {
	int number;
	const char *word, *text;
};

static const struct entry entries[] = {
#define X(name, num, word, text) { num, word, text },
	STATUS_LIST(X)
#undef X
};

static const struct entry *
find(int status)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (entries[i].number == status)
			return &entries[i];
	return NULL;
}

const char *
status_word(int status)
{
	const struct entry *e = find(status);

	return e != NULL ? e->word : "unknown";
}

const char *
status_text(int status)
{
	const struct entry *e = find(status);

	return e != NULL ? e->text : "unknown error status";
}

bool
status_known(int status)
{
	return find(status) != NULL;
}

static bool
is_digit(struct slice s, size_t i)
{
	return i < s.len && s.at[i] >= '0' && s.at[i] <= '9';
}

/* Digits at pos: how many. */
static size_t
digits(struct slice s, size_t pos)
{
	size_t n = 0;

	while (is_digit(s, pos + n))
		n++;
	return n;
}

/* A part of an enhanced code: 1 to 3 digits without a leading zero. */
static size_t
code_part(struct slice s, size_t pos, unsigned *ret_part)
{
	size_t n = digits(s, pos);
	uint64_t value;

	if (n == 0 || n > 3 || (n > 1 && s.at[pos] == '0'))
		return 0;
	if (number_parse((struct slice){ s.at + pos, n }, 0, 999, &value) < 0)
		return 0;
	*ret_part = (unsigned)value;
	return n;
}

size_t
enhanced_code_parse(struct slice s, struct enhanced_code *ret_code)
{
	struct enhanced_code code = { 0 };
	size_t pos = 2, n;

	if (s.len < 5 || memchr("245", s.at[0], 3) == NULL || s.at[1] != '.')
		return 0;
	code.class = (unsigned)(s.at[0] - '0');
	if ((n = code_part(s, pos, &code.subject)) == 0)
		return 0;
	pos += n;
	if (pos >= s.len || s.at[pos] != '.')
		return 0;
	pos++;
	if ((n = code_part(s, pos, &code.detail)) == 0)
		return 0;
	pos += n;
	/* "4.3.2.1" is an address or a version. */
	if (pos < s.len && s.at[pos] == '.' && is_digit(s, pos + 1))
		return 0;
	*ret_code = code;
	return pos;
}

/* May a code begin at pos, as far as the octet before it says? */
static bool
is_word_start(struct slice s, size_t pos)
{
	return pos == 0 || memchr(" \t\r\n:;,([<#\"'=-", s.at[pos - 1], 15);
}

/* "550", "550-", "550 "; not "550.", "5501", "550ms". */
static bool
is_reply_code(struct slice s, size_t pos)
{
	if (digits(s, pos) != 3 || s.at[pos] < '2' || s.at[pos] > '5')
		return false;
	return pos + 3 == s.len || memchr(" \t\r\n-:;,)]", s.at[pos + 3], 10);
}

/*
 * Behind which words of Postfix's own text the remote's reply begins: numbers
 * before them belong to host names.
 */
static size_t
reply_start(struct slice s)
{
	static const struct slice marks[] = { { " said: ", 7 },
		{ " refused to talk to me: ", 24 } };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *p = slice_find(s, marks[i]);

		if (p != NULL)
			return (size_t)(p - s.at) + marks[i].len;
	}
	return 0;
}

/* The octets that may stand between a reply code and its enhanced code. */
static size_t
skip_gap(struct slice s, size_t pos)
{
	while (pos < s.len && memchr(" \t\r\n-#([:", s.at[pos], 9) != NULL)
		pos++;
	return pos;
}

/*
 * An enhanced code further on; a success class there is more likely the number
 * of a version.
 */
static void
find_enhanced(struct slice s, size_t pos, struct enhanced_code *ret_code)
{
	for (; pos < s.len; pos++) {
		struct enhanced_code code;

		if (s.at[pos] != '4' && s.at[pos] != '5')
			continue;
		if (is_word_start(s, pos) &&
		    enhanced_code_parse(slice_skip(s, pos), &code) > 0) {
			*ret_code = code;
			return;
		}
	}
}

void
smtp_reply_parse(struct slice text, struct smtp_reply *ret_reply)
{
	struct smtp_reply reply = { 0 };
	size_t from = reply_start(text), pos = from, n;

	while (pos < text.len &&
	       !(is_word_start(text, pos) && is_reply_code(text, pos)))
		pos++;
	if (pos < text.len) {
		reply.code = (unsigned)(text.at[pos] - '0') * 100 +
			     (unsigned)(text.at[pos + 1] - '0') * 10 +
			     (unsigned)(text.at[pos + 2] - '0');
		pos += 3;
		if (pos < text.len && text.at[pos] == '-')
			pos++;
	} else {
		pos = from;
	}
	size_t at = skip_gap(text, pos);

	n = enhanced_code_parse(slice_skip(text, at), &reply.enhanced);
	if (n > 0)
		pos = at + n;
	else
		find_enhanced(text, pos, &reply.enhanced);
	reply.text = slice_trim(slice_skip(text, pos));
	*ret_reply = reply;
}
