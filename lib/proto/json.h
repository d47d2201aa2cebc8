/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * The only user of json-c.  A value is owned by its container, a root by the
 * caller (json_free).  Slices handed out live as long as their value.
 */
struct json;

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_INTEGER,
	JSON_NUMBER, /* any other: 1.5, or beyond 64 bits; 1.0 and 1e3 are
			integers, as in JSON Schema */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

#define JSON_DEPTH_MAX 32
#define JSON_MEMBERS_MAX 1000 /* of one object */

/*
 * One whole document (RFC 8259), UTF-8 checked, nothing behind it.
 * max     octets of text allowed
 * ret_error, error_size   a text with line and column, for a person
 * ERR_SYNTAX, ERR_LIMIT (octets, depth, members of one object, a number
 * beyond a double), ERR_NOMEM.  A name that occurs twice in one object is
 * ERR_SYNTAX, and so is a NUL in a name ("\u0000" in a string is not).
 */
int json_parse(struct slice text, size_t max, struct json **ret_root,
    char *ret_error, size_t error_size);
void json_free(struct json *root); /* takes NULL */

enum json_type json_type(const struct json *v); /* NULL is JSON_NULL */
struct slice json_string(const struct json *v); /* absent if not a string */
int64_t json_integer(const struct json *v);     /* 0 if not an integer */
double json_number(const struct json *v);
bool json_bool(const struct json *v);
size_t json_count(const struct json *v); /* of an array or object */
struct json *json_at(const struct json *v, size_t i);
/* NULL: v is no object, or has no such member. */
struct json *json_get(const struct json *v, const char *name);
/* The i-th member of an object, in the order of the text; counts from the
 * first one each time: for loops there is json_next. */
struct json *json_member(const struct json *v, size_t i,
    struct slice *ret_name);
/*
 * Walk over an object: start with a NULL position; false at the end.  The
 * object is not to be changed meanwhile (but its values may be).
 */
bool json_next(const struct json *v, const void **pos, struct slice *ret_name,
    struct json **ret_value);

/* Making: NULL means no memory.  Adding hands the value over, also when it
 * fails; a NULL value fails with ERR_NOMEM, so that calls may be nested. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(struct slice s); /* bad UTF-8 becomes U+FFFD */
struct json *json_new_integer(int64_t n);
/* A whole number within 64 bits becomes an integer; must be finite. */
struct json *json_new_number(double n);
struct json *json_new_bool(bool b);
struct json *json_new_null(void);
struct json *json_copy(const struct json *v);
int json_set(struct json *object, const char *name, struct json *value);
int json_append(struct json *array, struct json *value);
int json_remove(struct json *object, const char *name); /* ERR_NOTFOUND */
int json_remove_at(struct json *array, size_t i);       /* ERR_NOTFOUND */
int json_replace_at(struct json *array, size_t i, struct json *value);
/* json_set of a string; an absent slice sets nothing. */
int json_set_string(struct json *object, const char *name, struct slice s);
int json_set_integer(struct json *object, const char *name, int64_t n);
int json_set_bool(struct json *object, const char *name, bool b);

bool json_equal(const struct json *a, const struct json *b);

enum json_format { JSON_COMPACT, JSON_PRETTY };
int json_print(const struct json *v, enum json_format format, struct buf *out);
/* One string with its quotes, without a tree: for encoders that stream. */
int json_print_string(struct slice s, struct buf *out);

#endif /* PROTO_JSON_H */
