/* SPDX-License-Identifier: BSD-2-Clause */
/* Comma-separated values, RFC 4180. */
#include "proto/csv.h"

#include "util/err.h"
#include "util/number.h"

/* ---- reading ---- */

/* Where a field ends, and what it says. */
struct scan {
	const char *at, *end;
	char separator;
	bool final;
};

enum stop { STOP_MORE, STOP_FIELD, STOP_RECORD, STOP_WRONG };

/* Behind a field: what is there, and how long it is. */
static enum stop
stop_at(const struct scan *s, const char *p, size_t *ret_len)
{
	*ret_len = 1;
	if (p == s->end) {
		*ret_len = 0;
		return s->final ? STOP_RECORD : STOP_MORE;
	}
	if (*p == s->separator)
		return STOP_FIELD;
	if (*p == '\n')
		return STOP_RECORD;
	if (*p != '\r')
		return STOP_WRONG;
	if (p + 1 == s->end)
		return s->final ? STOP_RECORD : STOP_MORE;
	if (p[1] != '\n')
		return STOP_WRONG;
	*ret_len = 2;
	return STOP_RECORD;
}

/* p stands behind the opening quote; NULL: the closing one is not there. */
static const char *
closing_quote(const struct scan *s, const char *p)
{
	while ((p = memchr(p, '"', (size_t)(s->end - p))) != NULL) {
		if (p + 1 == s->end)
			return s->final ? p : NULL;
		if (p[1] != '"')
			return p;
		p += 2;
	}
	return NULL;
}

static enum stop
scan_field(const struct scan *s, const char *p, struct slice *ret_field,
    const char **ret_next)
{
	const char *q = p;
	enum stop stop;
	size_t len;

	if (p < s->end && *p == '"') {
		q = closing_quote(s, p + 1);
		if (q == NULL)
			return s->final ? STOP_WRONG : STOP_MORE;
		q++;
		stop = stop_at(s, q, &len);
	} else {
		while ((stop = stop_at(s, q, &len)) == STOP_WRONG)
			q++;
	}
	*ret_field = (struct slice){ p, (size_t)(q - p) };
	*ret_next = q + len;
	return stop;
}

/* Takes the quotes off: the octets move within the field. */
static void
decode(char *at, struct slice *field)
{
	char *to = at + (field->at - at);
	const char *p = to + 1, *end = to + field->len - 1;

	if (field->len < 2 || *to != '"')
		return;
	field->at = to;
	while (p < end) {
		const char *q = memchr(p, '"', (size_t)(end - p));
		size_t n = (size_t)((q != NULL ? q + 1 : end) - p);

		memmove(to, p, n);
		to += n;
		p = q != NULL ? q + 2 : end;
	}
	field->len = (size_t)(to - field->at);
}

static size_t
lines_in(const char *at, size_t len)
{
	const char *p = at, *end = at + len;
	size_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n++;
		p++;
	}
	return n;
}

int
csv_read(char *at, size_t len, char separator, bool final,
    struct csv_record *ret_record)
{
	size_t most = len < CSV_RECORD_MAX ? len : CSV_RECORD_MAX;
	struct scan s = { at, at + most, separator, final && most == len };
	const char *p = at;
	enum stop stop = STOP_FIELD;
	size_t n = 0;

	if (len == 0)
		return 0;
	while (stop == STOP_FIELD) {
		if (n == CSV_FIELDS_MAX)
			return ERR_LIMIT;
		stop = scan_field(&s, p, &ret_record->field[n], &p);
		n++;
	}
	if (stop == STOP_MORE)
		return most == CSV_RECORD_MAX ? ERR_LIMIT : 0;
	if (stop == STOP_WRONG)
		return ERR_SYNTAX;
	ret_record->lines = lines_in(at, (size_t)(p - at));
	for (size_t i = 0; i < n; i++)
		decode(at, &ret_record->field[i]);
	ret_record->count = n;
	return (int)(p - at);
}

size_t
csv_skip_line(struct slice text, bool final)
{
	const char *p = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;

	if (p != NULL)
		return (size_t)(p - text.at) + 1;
	return final ? text.len : 0;
}

char
csv_separator(struct slice line)
{
	static const char known[] = { ',', ';', '\t' };
	size_t count[sizeof(known)] = { 0 }, best = 0;
	bool quoted = false;

	for (size_t i = 0; i < line.len && (quoted || line.at[i] != '\n');
	     i++) {
		quoted ^= line.at[i] == '"';
		for (size_t k = 0; k < sizeof(known); k++)
			count[k] += !quoted && line.at[i] == known[k];
	}
	for (size_t k = 1; k < sizeof(known); k++)
		if (count[k] > count[best])
			best = k;
	return known[best];
}

/* ---- writing ---- */

/* "'" any number of times, and then what begins a formula. */
static bool
looks_like_formula(struct slice value)
{
	while (value.len > 0 && value.at[0] == '\'')
		value = slice_skip(value, 1);
	return value.len > 0 && memchr("=+-@\t\r", value.at[0], 6) != NULL;
}

static void
put(struct csv_writer *w, const char *before, struct slice value)
{
	struct slice piece;
	bool quotes = *before == '\'';

	for (size_t i = 0; i < value.len && !quotes; i++)
		quotes = value.at[i] == w->separator ||
			 memchr("\"\r\n", value.at[i], 3) != NULL;
	/* Some readers trim what is not in quotes. */
	quotes |= value.len > 0 &&
		  (value.at[0] == ' ' || value.at[value.len - 1] == ' ');
	if (w->fields++ > 0)
		(void)buf_add_char(w->out, w->separator);
	if (quotes)
		(void)buf_add_char(w->out, '"');
	(void)buf_add_text(w->out, before);
	while (slice_split(&value, '"', &piece)) {
		(void)buf_add_slice(w->out, piece);
		if (value.at != NULL)
			(void)buf_add_text(w->out, "\"\"");
	}
	if (quotes)
		(void)buf_add_char(w->out, '"');
}

void
csv_text(struct csv_writer *w, struct slice value)
{
	put(w, looks_like_formula(value) ? "'" : "", value);
}

void
csv_plain(struct csv_writer *w, struct slice value)
{
	put(w, "", value);
}

void
csv_number(struct csv_writer *w, int64_t value)
{
	char room[NUMBER_TEXT_MAX + 1] = "-";
	bool minus = value < 0;
	uint64_t n = minus ? 0 - (uint64_t)value : (uint64_t)value;
	size_t len = number_format(n, room + 1);

	put(w, "",
	    minus ? (struct slice){ room, len + 1 }
		  : (struct slice){ room + 1, len });
}

int
csv_end(struct csv_writer *w)
{
	w->fields = 0;
	(void)buf_add_text(w->out, "\r\n");
	return w->out->rc;
}

struct slice
csv_unguarded(struct slice value)
{
	if (value.len > 1 && value.at[0] == '\'' && looks_like_formula(value))
		value = slice_skip(value, 1);
	return value;
}
