/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON values to text (RFC 8259). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"
#include "util/err.h"
#include "util/utf8.h"

static void print_value(const struct json *v, enum json_format format,
    unsigned depth, struct buf *out);

/* The escape for one character of less than 0x20, '"' or '\'. */
static void
print_escape(uint32_t c, struct buf *out)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = c > 0 ? strchr(from, (int)c) : NULL;

	if (found == NULL) {
		(void)buf_addf(out, "\\u%04" PRIx32, c);
		return;
	}
	(void)buf_add_char(out, '\\');
	(void)buf_add_char(out, to[found - from]);
}

int
json_print_string(struct slice s, struct buf *out)
{
	size_t start = out->len;

	(void)buf_add_char(out, '"');
	while (s.len > 0) {
		uint32_t c = 0;
		size_t n = utf8_next(s, &c);

		if (n == 0)
			(void)buf_add_text(out, "\xef\xbf\xbd"); /* U+FFFD */
		else if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			print_escape(c, out);
		else
			(void)buf_add(out, s.at, n);
		s = slice_skip(s, n > 0 ? n : 1);
	}
	(void)buf_add_char(out, '"');
	if (out->rc < 0)
		out->len = start;
	return out->rc;
}

/* The shortest text that reads back as the same number. */
static void
print_number(double d, struct buf *out)
{
	char room[40];

	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(room, sizeof(room), "%.*g", digits, d);
		double back = strtod(room, NULL);

		if (back >= d && back <= d)
			break;
	}
	(void)buf_add_text(out, room);
}

static void
new_line(enum json_format format, unsigned depth, struct buf *out)
{
	if (format != JSON_PRETTY)
		return;
	(void)buf_add_char(out, '\n');
	while (depth-- > 0)
		(void)buf_add_text(out, "  ");
}

static void
print_array(const struct json *v, enum json_format format, unsigned depth,
    struct buf *out)
{
	(void)buf_add_char(out, '[');
	for (size_t i = 0; i < json_count(v); i++) {
		if (i > 0)
			(void)buf_add_char(out, ',');
		new_line(format, depth + 1, out);
		print_value(json_at(v, i), format, depth + 1, out);
	}
	if (json_count(v) > 0)
		new_line(format, depth, out);
	(void)buf_add_char(out, ']');
}

static void
print_object(const struct json *v, enum json_format format, unsigned depth,
    struct buf *out)
{
	const void *pos = NULL;
	struct json *value;
	struct slice name;
	bool first = true;

	(void)buf_add_char(out, '{');
	for (; json_next(v, &pos, &name, &value); first = false) {
		if (!first)
			(void)buf_add_char(out, ',');
		new_line(format, depth + 1, out);
		(void)json_print_string(name, out);
		(void)buf_add_text(out, format == JSON_PRETTY ? ": " : ":");
		print_value(value, format, depth + 1, out);
	}
	if (!first)
		new_line(format, depth, out);
	(void)buf_add_char(out, '}');
}

static void
print_value(const struct json *v, enum json_format format, unsigned depth,
    struct buf *out)
{
	switch (json_type(v)) {
	case JSON_NULL:
		(void)buf_add_text(out, "null");
		return;
	case JSON_BOOL:
		(void)buf_add_text(out, json_bool(v) ? "true" : "false");
		return;
	case JSON_INTEGER:
		(void)buf_addf(out, "%" PRId64, json_integer(v));
		return;
	case JSON_NUMBER:
		print_number(json_number(v), out);
		return;
	case JSON_STRING:
		(void)json_print_string(json_string(v), out);
		return;
	case JSON_ARRAY:
		print_array(v, format, depth, out);
		return;
	case JSON_OBJECT:
		print_object(v, format, depth, out);
		return;
	}
}

int
json_print(const struct json *v, enum json_format format, struct buf *out)
{
	size_t start = out->len;

	print_value(v, format, 0, out);
	if (out->rc < 0)
		out->len = start;
	return out->rc;
}
