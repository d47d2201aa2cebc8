/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON text to values, strictly (RFC 8259): json-c's own reader is lax. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"
#include "util/err.h"
#include "util/utf8.h"

#define NUMBER_OCTETS_MAX 400

struct parser {
	struct slice text;
	size_t pos;
	unsigned depth;
	int rc;
	const char *why;   /* static text of the first error */
	struct buf string; /* the one being read */
};

static struct json *parse_value(struct parser *p);

static struct json *
fail(struct parser *p, int rc, const char *why)
{
	if (p->rc == 0) {
		p->rc = rc;
		p->why = why;
	}
	return NULL;
}

/* -1 at the end. */
static int
peek(const struct parser *p)
{
	return p->pos < p->text.len ? (unsigned char)p->text.at[p->pos] : -1;
}

static void
skip_blanks(struct parser *p)
{
	int c;

	while ((c = peek(p)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		p->pos++;
}

static bool
take(struct parser *p, char c)
{
	if (peek(p) != (unsigned char)c)
		return false;
	p->pos++;
	return true;
}

static bool
parse_hex4(struct parser *p, uint32_t *ret_unit)
{
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++) {
		int c = peek(p);

		if (c >= '0' && c <= '9')
			unit = unit << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit << 4 | (uint32_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			unit = unit << 4 | (uint32_t)(c - 'A' + 10);
		else
			return false;
		p->pos++;
	}
	*ret_unit = unit;
	return true;
}

/* Behind "\u"; a pair of surrogates is one character (RFC 8259, 7). */
static bool
parse_unicode(struct parser *p)
{
	uint32_t c, low;
	char room[4];

	if (!parse_hex4(p, &c))
		return fail(p, ERR_SYNTAX, "\\u needs four hex digits");
	if (c >= 0xd800 && c <= 0xdfff) {
		if (c > 0xdbff || !take(p, '\\') || !take(p, 'u') ||
		    !parse_hex4(p, &low) || low < 0xdc00 || low > 0xdfff)
			return fail(p, ERR_SYNTAX, "half a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	(void)buf_add(&p->string, room, utf8_put(c, room));
	return true;
}

static bool
parse_escape(struct parser *p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = peek(p);
	const char *found = c > 0 ? strchr(from, c) : NULL;

	if (c == 'u') {
		p->pos++;
		return parse_unicode(p);
	}
	if (found == NULL)
		return fail(p, ERR_SYNTAX, "unknown escape in a string");
	p->pos++;
	(void)buf_add_char(&p->string, to[found - from]);
	return true;
}

/* The string at the position, into p->string. */
static bool
parse_string(struct parser *p)
{
	uint32_t c;

	buf_clear(&p->string);
	if (!take(p, '"'))
		return fail(p, ERR_SYNTAX, "expected a string in \"...\"");
	while (!take(p, '"')) {
		struct slice rest = slice_skip(p->text, p->pos);
		size_t n = utf8_next(rest, &c);

		if (rest.len == 0)
			return fail(p, ERR_SYNTAX, "a string has no end");
		if (n == 0)
			return fail(p, ERR_SYNTAX, "not UTF-8");
		if (c < 0x20)
			return fail(p, ERR_SYNTAX,
			    "a control character in a string");
		p->pos += n;
		if (c != '\\')
			(void)buf_add(&p->string, rest.at, n);
		else if (!parse_escape(p))
			return false;
	}
	if (p->string.rc < 0)
		return fail(p, p->string.rc, "no memory");
	return true;
}

static size_t
digits(struct parser *p)
{
	size_t n = 0;

	for (; peek(p) >= '0' && peek(p) <= '9'; n++)
		p->pos++;
	return n;
}

/* RFC 8259, 6: number = [ minus ] int [ frac ] [ exp ] */
static bool
scan_number(struct parser *p)
{
	(void)take(p, '-');
	if (!take(p, '0') && digits(p) == 0)
		return false;
	if (peek(p) >= '0' && peek(p) <= '9')
		return false; /* "01" */
	if (take(p, '.') && digits(p) == 0)
		return false;
	if (take(p, 'e') || take(p, 'E')) {
		if (!take(p, '+'))
			(void)take(p, '-');
		if (digits(p) == 0)
			return false;
	}
	return true;
}

/* Plain digits that 64 bits hold; anything else is read as a double. */
static bool
to_integer(struct slice s, int64_t *ret_value)
{
	bool minus = s.len > 0 && s.at[0] == '-';
	int64_t n = 0;

	for (size_t i = minus; i < s.len; i++) {
		int digit = s.at[i] - '0';

		if (digit < 0 || digit > 9 ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, minus ? -digit : digit, &n))
			return false;
	}
	*ret_value = n;
	return true;
}

static struct json *
parse_number(struct parser *p)
{
	char room[NUMBER_OCTETS_MAX + 1];
	size_t start = p->pos;
	struct json *v;
	int64_t n;

	if (!scan_number(p))
		return fail(p, ERR_SYNTAX, "not a number");
	struct slice s = { p->text.at + start, p->pos - start };

	if (s.len > NUMBER_OCTETS_MAX)
		return fail(p, ERR_LIMIT, "a number has too many digits");
	if (to_integer(s, &n)) {
		v = json_new_integer(n);
	} else {
		memcpy(room, s.at, s.len);
		room[s.len] = '\0';
		double d = strtod(room, NULL);

		if (!isfinite(d))
			return fail(p, ERR_LIMIT, "a number is too large");
		v = json_new_number(d);
	}
	return v != NULL ? v : fail(p, ERR_NOMEM, "no memory");
}

static struct json *
parse_word(struct parser *p)
{
	struct slice rest = slice_skip(p->text, p->pos);
	struct json *v;

	if (slice_starts(rest, SLICE("true"))) {
		p->pos += 4;
		v = json_new_bool(true);
	} else if (slice_starts(rest, SLICE("false"))) {
		p->pos += 5;
		v = json_new_bool(false);
	} else if (slice_starts(rest, SLICE("null"))) {
		p->pos += 4;
		v = json_new_null();
	} else {
		return fail(p, ERR_SYNTAX,
		    rest.len > 0 ? "expected a value" : "the text ends early");
	}
	return v != NULL ? v : fail(p, ERR_NOMEM, "no memory");
}

/* One "name": value, into object. */
static bool
parse_member(struct parser *p, struct json *object)
{
	size_t start = p->pos;
	struct json *value;
	char *name;
	int rc;

	if (!parse_string(p))
		return false;
	if (memchr(p->string.at != NULL ? p->string.at : "", 0,
		p->string.len) != NULL)
		return fail(p, ERR_SYNTAX, "a NUL in a name");
	if (json_get(object, buf_text(&p->string)) != NULL) {
		p->pos = start;
		return fail(p, ERR_SYNTAX, "this name was there already");
	}
	if (json_count(object) >= JSON_MEMBERS_MAX)
		return fail(p, ERR_LIMIT, "too many members in an object");
	name = strdup(buf_text(&p->string));
	if (name == NULL)
		return fail(p, ERR_NOMEM, "no memory");
	skip_blanks(p);
	value = take(p, ':') ? parse_value(p)
			     : fail(p, ERR_SYNTAX, "expected \":\"");
	rc = value != NULL ? json_set(object, name, value) : 0;
	free(name);
	if (rc < 0)
		return fail(p, rc, "no memory");
	return value != NULL;
}

static bool
parse_item(struct parser *p, struct json *array)
{
	struct json *value = parse_value(p);

	if (value == NULL)
		return false;
	if (json_append(array, value) < 0)
		return fail(p, ERR_NOMEM, "no memory");
	return true;
}

/* Object or array: what stands between the brackets, and the last one. */
static struct json *
parse_list(struct parser *p, struct json *list, char end,
    bool (*one)(struct parser *p, struct json *list), const char *expected)
{
	if (list == NULL)
		return fail(p, ERR_NOMEM, "no memory");
	if (++p->depth > JSON_DEPTH_MAX) {
		(void)fail(p, ERR_LIMIT, "nested too deeply");
		goto fail;
	}
	skip_blanks(p);
	if (!take(p, end)) {
		do {
			skip_blanks(p);
			if (!one(p, list))
				goto fail;
			skip_blanks(p);
		} while (take(p, ','));
		if (!take(p, end)) {
			(void)fail(p, ERR_SYNTAX, expected);
			goto fail;
		}
	}
	p->depth--;
	return list;

fail:
	json_free(list);
	return NULL;
}

static struct json *
parse_value(struct parser *p)
{
	skip_blanks(p);
	int c = peek(p);

	if (c == '{') {
		p->pos++;
		return parse_list(p, json_new_object(), '}', parse_member,
		    "expected \",\" or \"}\"");
	}
	if (c == '[') {
		p->pos++;
		return parse_list(p, json_new_array(), ']', parse_item,
		    "expected \",\" or \"]\"");
	}
	if (c == '"') {
		struct json *v = NULL;

		if (!parse_string(p))
			return NULL;
		v = json_new_string(buf_slice(&p->string));
		return v != NULL ? v : fail(p, ERR_NOMEM, "no memory");
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return parse_number(p);
	return parse_word(p);
}

static void
say(const struct parser *p, char *ret_error, size_t error_size)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; i < p->pos && i < p->text.len; i++) {
		if (p->text.at[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	struct slice before = { p->text.at + start, p->pos - start };

	(void)snprintf(ret_error, error_size, "line %zu, column %zu: %s", line,
	    utf8_count(before) + 1, p->why);
}

int
json_parse(struct slice text, size_t max, struct json **ret_root,
    char *ret_error, size_t error_size)
{
	struct parser p = { .text = text };
	struct json *root;

	if (text.at == NULL)
		p.text = SLICE("");
	if (text.len > max) {
		(void)snprintf(ret_error, error_size, "larger than %zu octets",
		    max);
		return ERR_LIMIT;
	}
	buf_init(&p.string, text.len);
	root = parse_value(&p);
	if (root != NULL)
		skip_blanks(&p);
	if (root != NULL && p.pos < p.text.len) {
		json_free(root);
		root = fail(&p, ERR_SYNTAX, "something stands behind the end");
	}
	buf_done(&p.string);
	if (root == NULL) {
		say(&p, ret_error, error_size);
		return p.rc;
	}
	*ret_root = root;
	return 0;
}
