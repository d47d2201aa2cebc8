/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a reply is the same for all recipients. */
#include "proto/reply_shape.h"

#include <stdint.h>
#include <string.h>

#define TEXT_MAX 4096 /* looked at */
#define WORD_MAX 512  /* longer ones are cut */
#define TURNS_MAX 4   /* changes of case in a word: "NoSuchUser" has three */

struct shape {
	char *room;
	size_t len;
	bool full;
	bool mark;    /* the last one is "#" */
	size_t dated; /* length before a name of a day or month; or SIZE_MAX */
	bool first;   /* no word yet */
	struct slice local, domain; /* of the recipient; or absent */
};

/* Octets of words: what is none separates them. */
static bool
word_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	       strchr("<>()[]{}\"'`,;|!?*#=&", c) == NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static char
lower(char c)
{
	return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static bool
is_alpha(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

/* ---- what a word is ---- */

/* "550" */
static bool
is_reply_code(struct slice w)
{
	return w.len == 3 &&
	       (w.at[0] == '2' || w.at[0] == '4' || w.at[0] == '5') &&
	       w.at[1] >= '0' && w.at[1] <= '5' && is_digit(w.at[2]);
}

/* RFC 3463: class "." subject "." detail, 1 to 3 digits each. */
static bool
is_enhanced_code(struct slice w)
{
	size_t at = 2, digits = 0, parts = 0;

	if (w.len < 5 || (w.at[0] != '2' && w.at[0] != '4' && w.at[0] != '5') ||
	    w.at[1] != '.')
		return false;
	for (; at < w.len; at++) {
		if (is_digit(w.at[at]) && digits < 3) {
			digits++;
		} else if (w.at[at] == '.' && digits > 0 && parts == 0) {
			parts++;
			digits = 0;
		} else {
			return false;
		}
	}
	return parts == 1 && digits > 0;
}

static bool
has_digit(struct slice w)
{
	for (size_t i = 0; i < w.len; i++)
		if (is_digit(w.at[i]))
			return true;
	return false;
}

/* Times and IPv6 addresses: hexadecimal digits with two colons at least. */
static bool
is_colons(struct slice w)
{
	size_t colons = 0;

	for (size_t i = 0; i < w.len; i++) {
		if (w.at[i] == ':')
			colons++;
		else if (!is_hex(w.at[i]) && w.at[i] != '.' && w.at[i] != '/' &&
			 w.at[i] != '%')
			return false;
	}
	return colons >= 2;
}

/* Base64 and the like: case turns again and again, or hexadecimal in length. */
static bool
is_random(struct slice w)
{
	size_t turns = 0, hex = 0;

	for (size_t i = 0; i < w.len; i++) {
		hex += is_hex(w.at[i]) ? 1 : 0;
		if (i > 0 && is_alpha(w.at[i]) && is_alpha(w.at[i - 1]) &&
		    is_upper(w.at[i]) != is_upper(w.at[i - 1]))
			turns++;
	}
	return (w.len >= 10 && turns > TURNS_MAX) ||
	       (w.len >= 12 && hex == w.len);
}

static bool
is_date_name(struct slice w)
{
	static const char names[] =
	    "mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep "
	    "oct nov dec ";

	if (w.len != 3)
		return false;
	for (const char *p = names; *p != '\0'; p += 4)
		if (slice_eq_nocase(w, (struct slice){ p, 3 }))
			return true;
	return false;
}

/* ---- putting words down ---- */

/* A word that does not fit ends it. */
static void
put(struct shape *s, struct slice w)
{
	size_t blank = s->len > 0 ? 1 : 0;

	if (s->full || w.len > REPLY_SHAPE_MAX - s->len - blank ||
	    s->len + blank > REPLY_SHAPE_MAX) {
		s->full = true;
		return;
	}
	if (blank)
		s->room[s->len++] = ' ';
	for (size_t i = 0; i < w.len; i++)
		s->room[s->len++] = lower(w.at[i]);
}

/* Names of days and months beside numbers belong to them. */
static void
put_mark(struct shape *s)
{
	if (s->full)
		return;
	if (s->dated != SIZE_MAX) {
		s->len = s->dated;
		s->dated = SIZE_MAX;
		s->mark = s->len > 0 && s->room[s->len - 1] == '#' &&
			  (s->len == 1 || s->room[s->len - 2] == ' ');
	}
	if (!s->mark)
		put(s, SLICE("#"));
	s->mark = true;
}

static void
put_word(struct shape *s, struct slice w)
{
	bool dated = is_date_name(w);

	if (dated && s->mark)
		return;
	s->dated = dated && !s->full ? s->len : SIZE_MAX;
	s->mark = false;
	put(s, w);
}

/* Labels with a digit become "#"; what they hang on is kept. */
static void
put_labels(struct shape *s, struct slice w)
{
	char text[WORD_MAX];
	size_t len = 0;

	for (size_t i = 0; i < w.len;) {
		size_t end = i;

		while (end < w.len && w.at[end] != '.' && w.at[end] != '/')
			end++;
		struct slice label = { w.at + i, end - i };
		if (has_digit(label) || is_random(label)) {
			if (len == 0 || text[len - 1] != '#')
				text[len++] = '#';
		} else {
			memcpy(text + len, label.at, label.len);
			len += label.len;
		}
		if (end < w.len)
			text[len++] = w.at[end++];
		i = end;
	}
	put_word(s, (struct slice){ text, len });
}

static bool
is_name(struct slice w)
{
	const char *dot = memrchr(w.at, '.', w.len);

	return dot != NULL && dot > w.at && is_alpha(w.at[0]) &&
	       dot + 1 < w.at + w.len && is_alpha(dot[1]);
}

/* ends_domain: w is the recipient's domain, or ends with "." and it. */
static bool
ends_domain(const struct shape *s, struct slice w)
{
	size_t n = s->domain.len;

	return n > 0 && w.len >= n &&
	       slice_eq_nocase(slice_skip(w, w.len - n), s->domain) &&
	       (w.len == n || w.at[w.len - n - 1] == '.');
}

static struct slice
strip(struct slice w)
{
	while (w.len > 0 && strchr(".:-_/", w.at[0]) != NULL)
		w = slice_skip(w, 1);
	while (w.len > 0 && strchr(".:-_/", w.at[w.len - 1]) != NULL)
		w.len--;
	return w;
}

/* next: what comes behind the word. */
static void
take_word(struct shape *s, struct slice w, struct slice next)
{
	bool colons = is_colons(w), first = s->first;

	if (!colons)
		w = strip(w);
	if (w.len == 0)
		return;
	s->first = false;
	if (w.len > WORD_MAX)
		w.len = WORD_MAX;
	if (memchr(w.at, '@', w.len) != NULL ||
	    (s->local.len > 0 && slice_eq_nocase(w, s->local)) ||
	    ends_domain(s, w))
		put_word(s, SLICE("@"));
	else if (is_enhanced_code(w) ||
		 (is_reply_code(w) &&
		     (first || (next.len > 1 && is_digit(next.at[0]) &&
				   next.at[1] == '.'))))
		put_word(s, w);
	else if (is_name(w) && next.len > 0 && next.at[0] == '[')
		put_word(s, SLICE("*"));
	else if (memchr(w.at, '/', w.len) != NULL || is_name(w))
		put_labels(s, w);
	else if (colons || has_digit(w) || is_random(w))
		put_mark(s);
	else
		put_word(s, w);
}

/* "550-5.1.1" is two words. */
static void
take(struct shape *s, struct slice w, struct slice next)
{
	struct slice code = { w.at, 3 };

	if (w.len > 4 && w.at[3] == '-' && is_reply_code(code)) {
		struct slice rest = slice_skip(w, 4);

		take_word(s, code, rest);
		take_word(s, rest, next);
	} else {
		take_word(s, w, next);
	}
}

/* What stands behind "host NAME[ADDRESS] said:" or "refused to talk to me:". */
static struct slice
said(struct slice text)
{
	static const char *const ends[] = { "] said: ",
		"] refused to talk to me: ", NULL };

	if (!slice_starts_nocase(text, SLICE("host ")))
		return text;
	for (size_t i = 0; ends[i] != NULL; i++) {
		struct slice end = slice_of(ends[i]);
		const char *p = slice_find(text, end);

		if (p != NULL)
			return slice_skip(text,
			    (size_t)(p - text.at) + end.len);
	}
	return text;
}

/* The query of a URL is gone. */
static size_t
skip_query(struct slice text, size_t i)
{
	while (i < text.len && (unsigned char)text.at[i] > ' ' &&
	       text.at[i] != '>' && text.at[i] != ')')
		i++;
	return i;
}

size_t
reply_shape(struct slice text, struct slice recipient,
    char room[REPLY_SHAPE_MAX])
{
	struct shape s = { .room = room, .dated = SIZE_MAX, .first = true };
	const char *at = recipient.len > 0
			     ? memrchr(recipient.at, '@', recipient.len)
			     : NULL;

	if (at != NULL) {
		s.local =
		    (struct slice){ recipient.at, (size_t)(at - recipient.at) };
		s.domain = slice_skip(recipient, s.local.len + 1);
	}
	if (text.len > TEXT_MAX)
		text.len = TEXT_MAX;
	text = said(text);
	for (size_t i = 0; i < text.len && !s.full;) {
		size_t end = i;

		while (end < text.len && word_char(text.at[end]))
			end++;
		struct slice w = { text.at + i, end - i };
		if (w.len == 0) {
			i++;
			continue;
		}
		size_t next = end;
		if (next < text.len && text.at[next] == ' ')
			next++;
		take(&s, w, slice_skip(text, next));
		if (end < text.len && text.at[end] == '?' &&
		    slice_find(w, SLICE("://")) != NULL)
			end = skip_query(text, end);
		i = end;
	}
	return s.len;
}
