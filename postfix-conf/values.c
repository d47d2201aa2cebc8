/* SPDX-License-Identifier: BSD-2-Clause */
/* Names, values and lists as Postfix's configuration files write them:
 * postconf(5). */
#include "postfix-conf/values.h"

#include <stdint.h>

#include "util/err.h"

static bool
is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_continuation(struct slice line)
{
	return line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t');
}

/* Comment lines and empty ones do not end a logical line. */
static bool
is_nothing(struct slice line)
{
	line = slice_trim(line);
	return line.len == 0 || line.at[0] == '#';
}

static int
join(struct arena *arena, struct slice *value, struct slice more)
{
	if (value->len == 0) {
		*value = more;
		return 0;
	}

	char *at = arena_alloc(arena, value->len + 1 + more.len);

	if (at == NULL)
		return ERR_NOMEM;
	memcpy(at, value->at, value->len);
	at[value->len] = ' ';
	memcpy(at + value->len + 1, more.at, more.len);
	*value = (struct slice){ at, value->len + 1 + more.len };
	return 0;
}

/* An upper bound of the names in a text. */
static size_t
count_lines(struct slice text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == '\n')
			n++;
	return n;
}

static int
parse_line(struct arena *arena, struct slice line,
    struct postfix_values *values)
{
	if (is_continuation(line)) {
		if (values->count == 0)
			return ERR_SYNTAX;
		return join(arena, &values->at[values->count - 1].value,
		    slice_trim(line));
	}

	const char *equal = memchr(line.at, '=', line.len);

	if (equal == NULL)
		return ERR_SYNTAX;

	size_t head = (size_t)(equal - line.at);
	struct slice name = slice_trim((struct slice){ line.at, head });

	if (name.len == 0)
		return ERR_SYNTAX;
	if (values->count == POSTFIX_VALUES_MAX)
		return ERR_LIMIT;
	values->at[values->count++] = (struct postfix_value){ name,
		slice_trim(slice_skip(line, head + 1)) };
	return 0;
}

/* With one blank between its words.  Absent: no memory. */
static struct slice
squeeze(struct arena *arena, struct slice line)
{
	char *at = arena_alloc(arena, line.len + 1);
	size_t n = 0;

	if (at == NULL)
		return (struct slice){ NULL, 0 };
	for (size_t i = 0; i < line.len; i++) {
		char c = line.at[i] == '\t' ? ' ' : line.at[i];

		if (c != ' ' || (n > 0 && at[n - 1] != ' '))
			at[n++] = c;
	}
	if (n > 0 && at[n - 1] == ' ')
		n--;
	return (struct slice){ at, n };
}

/* "NAME TYPE ..." to "NAME/TYPE". */
static int
parse_entry(struct arena *arena, struct slice line,
    struct postfix_values *values)
{
	struct slice entry = squeeze(arena, line), rest = entry, name, type;
	char *at;

	if (entry.at == NULL)
		return ERR_NOMEM;
	if (!slice_split(&rest, ' ', &name) || !slice_split(&rest, ' ', &type))
		return ERR_SYNTAX;
	if (values->count == POSTFIX_VALUES_MAX)
		return ERR_LIMIT;
	at = arena_alloc(arena, name.len + 1 + type.len);
	if (at == NULL)
		return ERR_NOMEM;
	memcpy(at, name.at, name.len);
	at[name.len] = '/';
	memcpy(at + name.len + 1, type.at, type.len);
	values->at[values->count++] =
	    (struct postfix_value){ { at, name.len + 1 + type.len }, entry };
	return 0;
}

typedef int parse_one(struct arena *arena, struct slice line,
    struct postfix_values *values);

static int
parse_lines(struct arena *arena, struct slice text, parse_one *parse,
    struct postfix_values *ret_values, size_t *ret_line)
{
	size_t most = count_lines(text), number = 0;
	struct postfix_values values = { .count = 0 };
	struct slice line;

	if (most > POSTFIX_VALUES_MAX)
		most = POSTFIX_VALUES_MAX;
	values.at = arena_calloc(arena, most, sizeof(*values.at));
	if (values.at == NULL)
		return ERR_NOMEM;
	while (slice_split(&text, '\n', &line)) {
		number++;
		if (is_nothing(line))
			continue;

		int rc = parse(arena, line, &values);

		if (rc < 0) {
			*ret_line = number;
			return rc;
		}
	}
	*ret_values = values;
	return 0;
}

int
postfix_values_parse(struct arena *arena, struct slice text,
    struct postfix_values *ret_values, size_t *ret_line)
{
	return parse_lines(arena, text, parse_line, ret_values, ret_line);
}

int
postfix_entries_parse(struct arena *arena, struct slice text,
    struct postfix_values *ret_values, size_t *ret_line)
{
	return parse_lines(arena, text, parse_entry, ret_values, ret_line);
}

struct slice
postfix_values_get(const struct postfix_values *values, struct slice name)
{
	for (size_t i = values->count; i > 0; i--)
		if (slice_eq(values->at[i - 1].name, name))
			return values->at[i - 1].value;
	return (struct slice){ NULL, 0 };
}

bool
postfix_list_next(struct slice *rest, struct slice *ret_item)
{
	struct slice s = *rest;
	size_t depth = 0, n = 0;

	while (s.len > 0 && is_separator(s.at[0]))
		s = slice_skip(s, 1);
	if (s.len == 0)
		return false;
	for (; n < s.len; n++) {
		if (depth == 0 && is_separator(s.at[n]))
			break;
		if (s.at[n] == '{')
			depth++;
		else if (s.at[n] == '}' && depth > 0)
			depth--;
	}
	*ret_item = (struct slice){ s.at, n };
	*rest = slice_skip(s, n);
	return true;
}

bool
postfix_list_has(struct slice list, struct slice item)
{
	struct slice one;

	while (postfix_list_next(&list, &one))
		if (slice_eq(one, item))
			return true;
	return false;
}

struct slice
postfix_list_add(struct arena *arena, struct slice list, struct slice item,
    enum postfix_list_end where)
{
	const struct slice absent = { NULL, 0 };

	list = slice_trim(list);
	if (list.len == 0)
		return arena_dup(arena, item);

	bool first = where == POSTFIX_LIST_FIRST;
	struct slice a = first ? item : list, b = first ? list : item;
	char *at = arena_alloc(arena, a.len + 2 + b.len);

	if (at == NULL)
		return absent;
	memcpy(at, a.at, a.len);
	memcpy(at + a.len, ", ", 2);
	memcpy(at + a.len + 2, b.at, b.len);
	return (struct slice){ at, a.len + 2 + b.len };
}

/* Octets of separators at the head of s, or at its end. */
static size_t
separators_before(struct slice s)
{
	size_t n = 0;

	while (n < s.len && is_separator(s.at[s.len - 1 - n]))
		n++;
	return n;
}

static size_t
separators_after(struct slice s)
{
	size_t n = 0;

	while (n < s.len && is_separator(s.at[n]))
		n++;
	return n;
}

struct slice
postfix_list_remove(struct arena *arena, struct slice list, struct slice item)
{
	struct slice copy = arena_dup(arena, list);
	struct slice rest = copy, one;

	if (copy.at == NULL)
		return copy;

	char *start = (char *)(uintptr_t)copy.at;

	while (postfix_list_next(&rest, &one)) {
		if (!slice_eq(one, item))
			continue;

		size_t at = (size_t)(one.at - start);
		size_t cut = separators_before((struct slice){ start, at });
		size_t gone = one.len;

		/* The first item goes with what stands behind it. */
		if (cut == at)
			gone +=
			    separators_after(slice_skip(copy, at + one.len));
		at -= cut;
		gone += cut;
		memmove(start + at, start + at + gone, copy.len - at - gone);
		copy.len -= gone;
		rest = slice_skip(copy, at);
	}
	return copy;
}
