/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters: does a header field's decoded value match an expression? */
#include "proto/filter.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/encoded_word.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/regex.h"

struct filter {
	struct regex *re;
	struct slice header; /* points into name */
	bool recipient;
	char name[];
};

/* ---- compiling ---- */

/* Where the set that begins at i ends (its "]"), or what stands in the way. */
static const char *
scan_set(struct slice p, size_t *i)
{
	size_t at = *i + 1;

	if (at < p.len && p.at[at] == '^')
		at++;
	if (at < p.len && p.at[at] == ']')
		at++; /* one of the set */
	for (; at < p.len && p.at[at] != ']'; at++) {
		struct slice rest = slice_skip(p, at);

		*i = at;
		if (p.at[at] == '\\') {
			at++;
		} else if (slice_starts(rest, SLICE("[:"))) {
			const char *end = slice_find(rest, SLICE(":]"));

			if (end != NULL)
				at = (size_t)(end - p.at) + 1;
		} else if (p.at[at] == '[') {
			return "a set inside of a set (for the character "
			       "itself, write \\[)";
		} else if (slice_starts(rest, SLICE("&&"))) {
			return "an intersection of sets (for the characters "
			       "themselves, write &\\&)";
		}
	}
	*i = at;
	return NULL;
}

/* What Java reads in another way than PCRE2; NULL: nothing. */
static const char *
java_only(struct slice p, size_t *ret_offset)
{
	const char *why = NULL;
	size_t i = 0;

	for (; i < p.len && why == NULL; i++) {
		struct slice rest = slice_skip(p, i);
		const char *end = NULL;

		if (slice_starts(rest, SLICE("\\Q")))
			end = slice_find(rest, SLICE("\\E"));
		else if (slice_starts(rest, SLICE("(?#")))
			end = slice_find(rest, SLICE(")"));
		if (end != NULL)
			i = (size_t)(end - p.at);
		else if (slice_starts(rest, SLICE("\\Q")))
			return NULL; /* all the rest is text */
		else if (p.at[i] == '\\')
			i++;
		else if (p.at[i] == '[')
			why = scan_set(p, &i);
	}
	*ret_offset = i - (why != NULL);
	return why;
}

const char *
filter_header_wrong(struct slice header)
{
	if (!header_name_ok(header))
		return "is no name of a header field";
	if (slice_eq_nocase(header, SLICE("Received")))
		return "is a field that occurs several times";
	return NULL;
}

static int
refuse(char *ret_error, size_t error_size, const char *why)
{
	if (ret_error != NULL)
		(void)snprintf(ret_error, error_size, "%s", why);
	return ERR_SYNTAX;
}

int
filter_compile(struct slice header, struct slice pattern,
    struct filter **ret_filter, char *ret_error, size_t error_size)
{
	unsigned flags = REGEX_FULL | REGEX_UTF;
	bool recipient = slice_eq_nocase(header, SLICE("To"));
	const char *why = filter_header_wrong(header);
	char text[200];
	struct filter *f;
	size_t offset;
	int rc;

	if (why != NULL)
		return refuse(ret_error, error_size, why);
	why = java_only(pattern, &offset);
	if (why != NULL) {
		(void)snprintf(text, sizeof(text), "%s at offset %zu", why,
		    offset);
		return refuse(ret_error, error_size, text);
	}
	f = calloc(1, sizeof(*f) + header.len);
	if (f == NULL)
		return ERR_NOMEM;
	memcpy(f->name, header.at, header.len);
	f->header = (struct slice){ f->name, header.len };
	f->recipient = recipient;
	/* Addresses are compared without case. */
	rc = regex_compile(pattern, flags | (recipient ? REGEX_NOCASE : 0),
	    &f->re, ret_error, error_size);
	if (rc < 0) {
		free(f);
		return rc;
	}
	*ret_filter = f;
	return 0;
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	regex_free(f->re);
	free(f);
}

bool
filter_is_recipient(const struct filter *f)
{
	return f->recipient;
}

struct slice
filter_header(const struct filter *f)
{
	return f->header;
}

/* ---- matching ---- */

struct decoded {
	struct decoded *next;
	struct slice name;
	struct slice value; /* absent: no such field, or several */
};

struct filter_values {
	struct arena *arena;
	const struct header_field *fields;
	size_t count;
	struct decoded *decoded;
};

struct filter_values *
filter_values_new(struct arena *arena, const struct header_field *fields,
    size_t count)
{
	struct filter_values *v = arena_alloc(arena, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->arena = arena;
	v->fields = fields;
	v->count = count;
	return v;
}

/* The only field of that name. */
static const struct header_field *
only_one(const struct filter_values *values, struct slice name)
{
	const struct header_field *found = NULL;

	for (size_t i = 0; i < values->count; i++) {
		if (!slice_eq_nocase(values->fields[i].name, name))
			continue;
		if (found != NULL)
			return NULL;
		found = &values->fields[i];
	}
	return found;
}

static int
decode(struct filter_values *values, struct slice name, struct slice *ret_value)
{
	const struct header_field *field = only_one(values, name);
	struct decoded *d = arena_alloc(values->arena, sizeof(*d));
	struct buf text;
	int rc = 0;

	if (d == NULL)
		return ERR_NOMEM;
	d->name = arena_dup(values->arena, name);
	if (d->name.at == NULL)
		return ERR_NOMEM;
	if (field != NULL) {
		buf_init(&text, FILTER_VALUE_MAX);
		rc = encoded_word_decode(field->value, &text);
		if (rc == 0)
			d->value = arena_dup(values->arena, buf_slice(&text));
		if (rc == 0 && d->value.at == NULL)
			rc = ERR_NOMEM;
		buf_done(&text);
	}
	if (rc < 0)
		return rc;
	d->next = values->decoded;
	values->decoded = d;
	*ret_value = d->value;
	return 0;
}

int
filter_value(const struct filter *f, struct filter_values *values,
    struct slice recipient, struct slice *ret_value)
{
	if (f->recipient) {
		*ret_value = recipient;
		return 0;
	}
	for (const struct decoded *d = values->decoded; d != NULL;
	     d = d->next) {
		if (!slice_eq_nocase(d->name, f->header))
			continue;
		*ret_value = d->value;
		return 0;
	}
	return decode(values, f->header, ret_value);
}

int
filter_match(const struct filter *f, struct filter_values *values,
    struct slice recipient)
{
	struct slice value;
	int rc = filter_value(f, values, recipient, &value);

	if (rc < 0)
		return rc;
	return value.at != NULL ? regex_match(f->re, value, NULL) : 0;
}
