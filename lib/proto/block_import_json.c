/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects in a text of JSON, one after the other, and their members. */
#include "proto/block_import_json.h"

#include "proto/json.h"
#include "util/err.h"
#include "util/number.h"

/* ---- where an object ends ---- */

struct scan {
	unsigned depth;
	bool quoted, escaped;
};

/* False: an octet outside of strings that changes nothing. */
static bool
step(struct scan *s, char c)
{
	if (s->quoted) {
		if (s->escaped)
			s->escaped = false;
		else if (c == '\\')
			s->escaped = true;
		else if (c == '"')
			s->quoted = false;
		return false;
	}
	if (c == '"')
		s->quoted = true;
	else if (c == '{' || c == '[')
		s->depth++;
	else if ((c == '}' || c == ']') && s->depth > 0)
		s->depth--;
	else
		return false;
	return true;
}

/* Does a list of objects begin behind this "["? */
static bool
list_of_objects(struct slice rest)
{
	while (rest.len > 0 && memchr(" \t\r\n", rest.at[0], 4) != NULL)
		rest = slice_skip(rest, 1);
	return rest.len > 0 && rest.at[0] == '{';
}

/*
 * Length of the object at the head of text; 0: it is not whole.  *ret_list:
 * it is only the beginning of one, up to a list of objects in it.
 */
static size_t
object_len(struct slice text, bool *ret_list)
{
	struct scan s = { 0 };

	*ret_list = false;
	for (size_t i = 0; i < text.len; i++) {
		if (!step(&s, text.at[i]))
			continue;
		if (s.depth == 2 && text.at[i] == '[' &&
		    list_of_objects(slice_skip(text, i + 1))) {
			*ret_list = true;
			return i + 1;
		}
		if (s.depth == 0)
			return i + 1;
	}
	return 0;
}

/* ---- its members ---- */

static void
take_member(struct block_import *im, enum import_column column,
    const struct json *v, struct import_fields *f)
{
	char *room = im->number[column];
	double n;

	switch (json_type(v)) {
	case JSON_STRING:
		f->at[column] = json_string(v);
		return;
	case JSON_INTEGER:
	case JSON_NUMBER:
		n = json_number(v);
		if (n < 0 || n > 1e15)
			return;
		f->at[column] =
		    (struct slice){ room, number_format((uint64_t)n, room) };
		return;
	case JSON_ARRAY:
		f->at[column] = SLICE("[]");
		return;
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_OBJECT:
		return;
	}
}

static void
take_members(struct block_import *im, struct import_fields *f, bool *ret_other)
{
	const void *pos = NULL;
	struct slice name;
	struct json *v;

	*ret_other = false;
	while (json_next(im->tree, &pos, &name, &v)) {
		enum import_column column = import_column_named(name, f);

		if (column == COLUMN_COUNT_OF_THEM)
			*ret_other |= json_type(v) == JSON_ARRAY ||
				      json_type(v) == JSON_OBJECT;
		else if (f->at[column].at == NULL)
			take_member(im, column, v, f);
	}
}

/* ---- one step ---- */

static int
take_object(struct block_import *im, struct slice object,
    struct import_row *row, struct import_fields *f, bool *ret_found)
{
	bool other;
	int rc;

	json_free(im->tree);
	im->tree = NULL;
	rc = json_parse(object, IMPORT_RECORD_MAX, &im->tree, im->error,
	    sizeof(im->error));
	if (rc < 0) {
		row->kind = IMPORT_WRONG;
		row->error = im->error;
		return 0;
	}
	take_members(im, f, &other);
	/* A page with an empty list, or what stands round one. */
	*ret_found = f->at[COLUMN_ADDRESS].at != NULL || !other;
	return 0;
}

/* What stands round a list, to its end. */
static int
skip_tail(struct block_import *im, struct slice text)
{
	struct scan s = { .depth = im->depth };

	for (size_t i = 0; i < text.len; i++)
		if (step(&s, text.at[i]) && s.depth == 0) {
			im->place = JSON_TOP;
			return (int)i + 1;
		}
	return 0;
}

static int
not_json(struct block_import *im, struct slice text, bool final,
    struct import_row *row)
{
	size_t n = csv_skip_line(text, final);

	if (n == 0 && text.len < IMPORT_RECORD_MAX)
		return 0;
	row->kind = IMPORT_WRONG;
	row->error = "not JSON";
	im->place = JSON_TOP;
	return n > 0 ? (int)n : (int)text.len;
}

static int
begin_object(struct block_import *im, struct slice text, bool final,
    struct import_row *row, struct import_fields *f, bool *ret_found)
{
	bool list;
	size_t n = object_len(text, &list);

	if (n == 0)
		return final || text.len >= IMPORT_RECORD_MAX
			   ? not_json(im, text, true, row)
			   : 0;
	if (list && im->place == JSON_TOP) {
		im->place = JSON_LIST;
		im->depth = 1;
		return (int)n;
	}
	if (list) /* a record with a list of objects in it: not one of ours */
		return not_json(im, text, final, row);
	text.len = n;
	if (take_object(im, text, row, f, ret_found) < 0)
		return ERR_NOMEM;
	return (int)n;
}

static int
next_object(struct block_import *im, struct slice text, bool final,
    struct import_row *ret_row, struct import_fields *ret_fields,
    bool *ret_found)
{
	size_t n = 0;

	*ret_found = false;
	if (text.len > IMPORT_RECORD_MAX)
		text.len = IMPORT_RECORD_MAX;
	if (im->place == JSON_TAIL) {
		int used = skip_tail(im, text);

		if (used > 0 || (!final && text.len < IMPORT_RECORD_MAX))
			return used;
		return (int)text.len; /* all of it, and still no end */
	}
	while (n < text.len && memchr(" \t\r\n,", text.at[n], 5) != NULL)
		n++;
	if (n > 0 || text.len == 0)
		return (int)n;
	switch (text.at[0]) {
	case '{':
		return begin_object(im, text, final, ret_row, ret_fields,
		    ret_found);
	case '[':
		if (im->place == JSON_LIST)
			break;
		im->place = JSON_LIST;
		im->depth = 0;
		return 1;
	case ']':
		if (im->place != JSON_LIST)
			break;
		im->place = im->depth > 0 ? JSON_TAIL : JSON_TOP;
		return 1;
	default:
		break;
	}
	return not_json(im, text, final, ret_row);
}

int
import_json_next(struct block_import *im, struct slice text, bool final,
    struct import_row *ret_row, struct import_fields *ret_fields,
    bool *ret_found, uint64_t *ret_lines)
{
	int used = next_object(im, text, final, ret_row, ret_fields, ret_found);

	for (int i = 0; i < used; i++)
		*ret_lines += text.at[i] == '\n';
	return used;
}
