/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON values: the ordered tree, which json-c keeps (RFC 8259). */
#include "proto/json.h"

#include <limits.h>
#include <stdlib.h>

#include "util/err.h"
#include "util/utf8.h"

/* json-c has types of these names. */
#define json_type jsonc_type
#define json_bool jsonc_bool
#include <json-c/json_object.h>
#include <json-c/linkhash.h>
#undef json_type
#undef json_bool

/* A struct json is a json_object by another name. */
static struct json_object *
inner(const struct json *v)
{
	return (struct json_object *)(uintptr_t)v;
}

static struct json *
outer(struct json_object *o)
{
	return (struct json *)(void *)o;
}

/* For json-c null is a NULL pointer, which means "no memory" or "not there"
 * here: so null is a boolean that carries this mark. */
static char null_mark;

static bool
is_null(struct json_object *o)
{
	return o == NULL || json_object_get_userdata(o) == &null_mark;
}

void
json_free(struct json *root)
{
	(void)json_object_put(inner(root));
}

enum json_type
json_type(const struct json *v)
{
	struct json_object *o = inner(v);

	switch (json_object_get_type(o)) {
	case json_type_null:
		return JSON_NULL;
	case json_type_boolean:
		return is_null(o) ? JSON_NULL : JSON_BOOL;
	case json_type_double:
		return JSON_NUMBER;
	case json_type_int:
		return JSON_INTEGER;
	case json_type_object:
		return JSON_OBJECT;
	case json_type_array:
		return JSON_ARRAY;
	case json_type_string:
		return JSON_STRING;
	}
	return JSON_NULL;
}

struct slice
json_string(const struct json *v)
{
	struct json_object *o = inner(v);

	if (!json_object_is_type(o, json_type_string))
		return (struct slice){ NULL, 0 };
	return (struct slice){ json_object_get_string(o),
		(size_t)json_object_get_string_len(o) };
}

int64_t
json_integer(const struct json *v)
{
	struct json_object *o = inner(v);

	return json_object_is_type(o, json_type_int) ? json_object_get_int64(o)
						     : 0;
}

double
json_number(const struct json *v)
{
	struct json_object *o = inner(v);

	if (json_object_is_type(o, json_type_int))
		return (double)json_object_get_int64(o);
	return json_object_is_type(o, json_type_double)
		   ? json_object_get_double(o)
		   : 0;
}

bool
json_bool(const struct json *v)
{
	return json_type(v) == JSON_BOOL && json_object_get_boolean(inner(v));
}

size_t
json_count(const struct json *v)
{
	struct json_object *o = inner(v);

	if (json_object_is_type(o, json_type_array))
		return json_object_array_length(o);
	if (json_object_is_type(o, json_type_object))
		return (size_t)json_object_object_length(o);
	return 0;
}

struct json *
json_at(const struct json *v, size_t i)
{
	struct json_object *o = inner(v);

	if (!json_object_is_type(o, json_type_array))
		return NULL;
	return outer(json_object_array_get_idx(o, i));
}

struct json *
json_get(const struct json *v, const char *name)
{
	struct json_object *found = NULL;

	if (!json_object_is_type(inner(v), json_type_object))
		return NULL;
	(void)json_object_object_get_ex(inner(v), name, &found);
	return outer(found);
}

bool
json_next(const struct json *v, const void **pos, struct slice *ret_name,
    struct json **ret_value)
{
	const struct lh_entry *e = *pos;

	if (!json_object_is_type(inner(v), json_type_object))
		return false;
	e = e == NULL ? lh_table_head(json_object_get_object(inner(v)))
		      : lh_entry_next(e);
	if (e == NULL)
		return false;
	*pos = e;
	*ret_name = slice_of(lh_entry_k(e));
	*ret_value = outer(lh_entry_v(e));
	return true;
}

struct json *
json_member(const struct json *v, size_t i, struct slice *ret_name)
{
	const void *pos = NULL;
	struct slice name;
	struct json *value;

	while (json_next(v, &pos, &name, &value)) {
		if (i-- > 0)
			continue;
		*ret_name = name;
		return value;
	}
	return NULL;
}

struct json *
json_new_object(void)
{
	return outer(json_object_new_object());
}

struct json *
json_new_array(void)
{
	return outer(json_object_new_array());
}

/* The same text with U+FFFD for each bad octet; NULL: no memory. */
static char *
repaired(struct slice s, size_t *ret_len)
{
	char *text = malloc(s.len * 3 + 1);
	size_t len = 0;
	uint32_t c;

	while (text != NULL && s.len > 0) {
		size_t n = utf8_next(s, &c);

		len += utf8_put(n > 0 ? c : 0xfffd, text + len);
		s = slice_skip(s, n > 0 ? n : 1);
	}
	*ret_len = len;
	return text;
}

struct json *
json_new_string(struct slice s)
{
	struct json *v;
	char *text;
	size_t len;

	if (s.len > INT_MAX / 4)
		return NULL;
	if (utf8_ok(s))
		return outer(
		    json_object_new_string_len(s.at != NULL ? s.at : "",
			(int)s.len));
	text = repaired(s, &len);
	if (text == NULL)
		return NULL;
	v = outer(json_object_new_string_len(text, (int)len));
	free(text);
	return v;
}

struct json *
json_new_integer(int64_t n)
{
	return outer(json_object_new_int64(n));
}

struct json *
json_new_number(double n)
{
	/* 2^63 is the first double that no int64_t holds. */
	if (n >= -9223372036854775808.0 && n < 9223372036854775808.0 &&
	    (double)(int64_t)n == n)
		return json_new_integer((int64_t)n);
	return outer(json_object_new_double(n));
}

struct json *
json_new_bool(bool b)
{
	return outer(json_object_new_boolean(b));
}

struct json *
json_new_null(void)
{
	struct json_object *o = json_object_new_boolean(0);

	if (o != NULL)
		json_object_set_userdata(o, &null_mark, NULL);
	return outer(o);
}

static struct json *
copy_object(const struct json *v)
{
	struct json *copy = json_new_object(), *value;
	const void *pos = NULL;
	struct slice name;

	while (copy != NULL && json_next(v, &pos, &name, &value)) {
		if (json_set(copy, name.at, json_copy(value)) == 0)
			continue;
		json_free(copy);
		copy = NULL;
	}
	return copy;
}

static struct json *
copy_array(const struct json *v)
{
	struct json *copy = json_new_array();

	for (size_t i = 0; copy != NULL && i < json_count(v); i++) {
		if (json_append(copy, json_copy(json_at(v, i))) == 0)
			continue;
		json_free(copy);
		copy = NULL;
	}
	return copy;
}

struct json *
json_copy(const struct json *v)
{
	switch (json_type(v)) {
	case JSON_NULL:
		return json_new_null();
	case JSON_BOOL:
		return json_new_bool(json_bool(v));
	case JSON_INTEGER:
		return json_new_integer(json_integer(v));
	case JSON_NUMBER:
		return json_new_number(json_number(v));
	case JSON_STRING:
		return json_new_string(json_string(v));
	case JSON_ARRAY:
		return copy_array(v);
	case JSON_OBJECT:
		return copy_object(v);
	}
	return NULL;
}

int
json_set(struct json *object, const char *name, struct json *value)
{
	if (value == NULL)
		return ERR_NOMEM;
	if (json_object_object_add(inner(object), name, inner(value)) == 0)
		return 0;
	json_free(value);
	return ERR_NOMEM;
}

int
json_append(struct json *array, struct json *value)
{
	if (value == NULL)
		return ERR_NOMEM;
	if (json_object_array_add(inner(array), inner(value)) == 0)
		return 0;
	json_free(value);
	return ERR_NOMEM;
}

int
json_remove(struct json *object, const char *name)
{
	if (json_get(object, name) == NULL)
		return ERR_NOTFOUND;
	json_object_object_del(inner(object), name);
	return 0;
}

int
json_remove_at(struct json *array, size_t i)
{
	if (json_at(array, i) == NULL ||
	    json_object_array_del_idx(inner(array), i, 1) != 0)
		return ERR_NOTFOUND;
	return 0;
}

int
json_replace_at(struct json *array, size_t i, struct json *value)
{
	if (value == NULL)
		return ERR_NOMEM;
	if (json_object_array_put_idx(inner(array), i, inner(value)) == 0)
		return 0;
	json_free(value);
	return ERR_NOMEM;
}

int
json_set_string(struct json *object, const char *name, struct slice s)
{
	if (s.at == NULL)
		return 0;
	return json_set(object, name, json_new_string(s));
}

int
json_set_integer(struct json *object, const char *name, int64_t n)
{
	return json_set(object, name, json_new_integer(n));
}

int
json_set_bool(struct json *object, const char *name, bool b)
{
	return json_set(object, name, json_new_bool(b));
}

static bool
objects_equal(const struct json *a, const struct json *b)
{
	const void *pos = NULL;
	struct json *value;
	struct slice name;

	while (json_next(a, &pos, &name, &value)) {
		const struct json *other = json_get(b, name.at);

		if (other == NULL || !json_equal(value, other))
			return false;
	}
	return true;
}

bool
json_equal(const struct json *a, const struct json *b)
{
	enum json_type type = json_type(a);

	if (type != json_type(b) || json_count(a) != json_count(b))
		return false;
	switch (type) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return json_bool(a) == json_bool(b);
	case JSON_INTEGER:
		return json_integer(a) == json_integer(b);
	case JSON_NUMBER:
		return json_number(a) >= json_number(b) &&
		       json_number(a) <= json_number(b);
	case JSON_STRING:
		return slice_eq(json_string(a), json_string(b));
	case JSON_ARRAY:
		for (size_t i = 0; i < json_count(a); i++)
			if (!json_equal(json_at(a, i), json_at(b, i)))
				return false;
		return true;
	case JSON_OBJECT:
		return objects_equal(a, b);
	}
	return false;
}
