/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON Pointer: a place in a document (RFC 6901). */
#include "proto/json_pointer.h"

#include <stdint.h>

#include "proto/json.h"
#include "util/err.h"
#include "util/number.h"

#define NAME_MAX_OCTETS 255

/* One reference token with "~1" and "~0" undone (RFC 6901, 4). */
struct token {
	char name[NAME_MAX_OCTETS + 1];
	size_t len;
};

static int
next_token(struct slice *rest, struct token *ret_token)
{
	struct slice piece;

	if (rest->len == 0 || rest->at[0] != '/')
		return ERR_SYNTAX;
	*rest = slice_skip(*rest, 1);
	piece = *rest;
	piece.len = 0;
	while (piece.len < rest->len && piece.at[piece.len] != '/')
		piece.len++;
	*rest = slice_skip(*rest, piece.len);
	ret_token->len = 0;
	for (size_t i = 0; i < piece.len; i++) {
		char c = piece.at[i];

		if (c == '\0')
			return ERR_SYNTAX;
		if (c == '~') {
			i++;
			if (i >= piece.len ||
			    (piece.at[i] != '0' && piece.at[i] != '1'))
				return ERR_SYNTAX;
			c = piece.at[i] == '0' ? '~' : '/';
		}
		if (ret_token->len >= NAME_MAX_OCTETS)
			return ERR_LIMIT;
		ret_token->name[ret_token->len++] = c;
	}
	ret_token->name[ret_token->len] = '\0';
	return 0;
}

/* An index without leading zeros; "-" and the length stand for a new entry. */
static int
index_of(const struct json *array, const struct token *token, size_t *ret_index)
{
	struct slice s = { token->name, token->len };
	uint64_t n;

	if (slice_eq(s, SLICE("-"))) {
		*ret_index = json_count(array);
		return 0;
	}
	if ((s.len > 1 && s.at[0] == '0') ||
	    number_parse(s, 0, json_count(array), &n) < 0)
		return ERR_NOTFOUND;
	*ret_index = (size_t)n;
	return 0;
}

static struct json *
child_of(const struct json *at, const struct token *token)
{
	size_t i;

	if (json_type(at) == JSON_OBJECT)
		return json_get(at, token->name);
	if (json_type(at) == JSON_ARRAY && index_of(at, token, &i) == 0)
		return json_at(at, i);
	return NULL;
}

int
json_pointer_get(struct json *root, struct slice pointer,
    struct json **ret_value)
{
	struct token token;
	int rc;

	while (pointer.len > 0) {
		if ((rc = next_token(&pointer, &token)) < 0)
			return rc;
		root = child_of(root, &token);
		if (root == NULL)
			return ERR_NOTFOUND;
	}
	*ret_value = root;
	return 0;
}

static int
put(struct json *at, const struct token *token, struct json *value)
{
	size_t i;
	int rc = ERR_NOTFOUND;

	if (json_type(at) == JSON_OBJECT)
		return json_set(at, token->name, value);
	if (json_type(at) == JSON_ARRAY)
		rc = index_of(at, token, &i);
	if (rc < 0) {
		json_free(value);
		return rc;
	}
	if (i == json_count(at))
		return json_append(at, value);
	return json_replace_at(at, i, value);
}

int
json_pointer_set(struct json *root, struct slice pointer, struct json *value)
{
	struct token token;
	int rc = pointer.len > 0 ? next_token(&pointer, &token) : ERR_SYNTAX;

	while (rc == 0 && pointer.len > 0) {
		struct json *child = child_of(root, &token);

		if (child == NULL) {
			rc = put(root, &token, json_new_object());
			/* "-" names the new entry only before it is there. */
			child = json_type(root) == JSON_ARRAY
				    ? json_at(root, json_count(root) - 1)
				    : child_of(root, &token);
		}
		root = child;
		if (rc == 0)
			rc = next_token(&pointer, &token);
	}
	if (rc < 0) {
		json_free(value);
		return rc;
	}
	return put(root, &token, value);
}

int
json_pointer_remove(struct json *root, struct slice pointer)
{
	struct token token;
	size_t i;
	int rc = pointer.len > 0 ? next_token(&pointer, &token) : ERR_SYNTAX;

	while (rc == 0 && pointer.len > 0) {
		root = child_of(root, &token);
		rc = root != NULL ? next_token(&pointer, &token) : ERR_NOTFOUND;
	}
	if (rc < 0)
		return rc;
	if (json_type(root) == JSON_OBJECT)
		return json_remove(root, token.name);
	if (json_type(root) != JSON_ARRAY || index_of(root, &token, &i) < 0)
		return ERR_NOTFOUND;
	return json_remove_at(root, i);
}
