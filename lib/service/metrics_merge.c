/* SPDX-License-Identifier: BSD-2-Clause */
/* Many expositions become one.  Prometheus's text-based format, 0.0.4. */
#include <stdbool.h>

#include "service/metrics.h"

#define HELP SLICE("# HELP ")
#define TYPE SLICE("# TYPE ")

static bool
name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The name at the beginning; empty: there is none. */
static struct slice
name_of(struct slice s)
{
	size_t n = 0;

	while (n < s.len && name_char(s.at[n]))
		n++;
	return (struct slice){ s.at, n };
}

/* "# HELP name text": the family's name; empty: another line. */
static struct slice
family_of(struct slice line)
{
	if (!slice_starts(line, HELP))
		return (struct slice){ line.at, 0 };
	return name_of(slice_skip(line, HELP.len));
}

/* What may stand behind the name: labels or none, then a number. */
static bool
is_sample(struct slice line, struct slice name, struct slice family)
{
	struct slice rest = slice_skip(line, name.len);

	if (!slice_starts(name, family) || rest.len < 2 ||
	    (rest.at[0] != ' ' && rest.at[0] != '{'))
		return false;
	for (size_t i = 0; i < rest.len; i++)
		if ((unsigned char)rest.at[i] < ' ' || rest.at[i] > '~')
			return false;
	return rest.at[rest.len - 1] >= '0' && rest.at[rest.len - 1] <= '9';
}

static void
add_label_value(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] == '"' || s.at[i] == '\\')
			(void)buf_add_char(out, '\\');
		(void)buf_add_char(out,
		    (unsigned char)s.at[i] < ' ' ? '?' : s.at[i]);
	}
}

static void
add_sample(struct buf *out, struct slice host, struct slice line,
    struct slice name)
{
	struct slice rest = slice_skip(line, name.len);

	(void)buf_add_slice(out, name);
	(void)buf_add_text(out, "{host=\"");
	add_label_value(out, host);
	(void)buf_add_char(out, '"');
	if (rest.at[0] == '{') {
		(void)buf_add_char(out, ',');
		rest = slice_skip(rest, 1);
	} else {
		(void)buf_add_char(out, '}');
	}
	(void)buf_add_slice(out, rest);
	(void)buf_add_char(out, '\n');
}

/* The samples of one family in one text. */
static void
add_samples(struct buf *out, const struct metrics_text *from,
    struct slice family)
{
	struct slice rest = from->text, line;
	bool inside = false;

	while (slice_split(&rest, '\n', &line)) {
		struct slice name = family_of(line);

		if (name.len > 0) {
			inside = slice_eq(name, family);
			continue;
		}
		name = name_of(line);
		if (inside && name.len > 0 && is_sample(line, name, family))
			add_sample(out, from->host, line, name);
	}
}

static bool
has_family(struct slice text, struct slice family)
{
	struct slice line;

	while (slice_split(&text, '\n', &line))
		if (slice_eq(family_of(line), family))
			return true;
	return false;
}

static bool
plain(struct slice line)
{
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.at[i] < ' ')
			return false;
	return true;
}

/* Whether a line before this one has begun the family. */
static bool
is_known(const struct metrics_text *texts, size_t i, struct slice line,
    struct slice family)
{
	struct slice before = { texts[i].text.at,
		(size_t)(line.at - texts[i].text.at) };

	for (size_t k = 0; k < i; k++)
		if (has_family(texts[k].text, family))
			return true;
	return has_family(before, family);
}

static void
add_line(struct buf *out, struct slice line)
{
	(void)buf_add_slice(out, line);
	(void)buf_add_char(out, '\n');
}

int
metrics_merge(const struct metrics_text *texts, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		struct slice rest = texts[i].text, line, family, type;

		while (slice_split(&rest, '\n', &line)) {
			struct slice next = rest;

			family = family_of(line);
			if (family.len == 0 || !plain(line) ||
			    is_known(texts, i, line, family))
				continue;
			add_line(out, line);
			if (slice_split(&next, '\n', &type) &&
			    slice_starts(type, TYPE) && plain(type))
				add_line(out, type);
			for (size_t k = i; k < count; k++)
				add_samples(out, &texts[k], family);
		}
	}
	return out->rc;
}
