/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON Schema: compiling one, and asking it (draft 2020-12, a part). */
#include "proto/schema.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/schema_format.h"
#include "proto/schema_run.h"
#include "util/err.h"
#include "util/map.h"
#include "util/regex.h"

#define SCHEMA_TEXT_MAX (1024 * 1024)
#define PATTERNS_MAX 1000

#define KEYWORDS_THAT_JUDGE 19 /* the first ones; behind them annotations */
static const char *const keywords[] = { "type", "properties", "required",
	"additionalProperties", "minProperties", "items", "minItems",
	"maxItems", "uniqueItems", "enum", "const", "pattern", "minLength",
	"maxLength", "minimum", "maximum", "$ref", "anyOf", "format",
	/* annotations */
	"$schema", "$id", "$defs", "$comment", "title", "description",
	"default", "examples", "x-secret" };
#define KEYWORDS (sizeof(keywords) / sizeof(*keywords))

/* While a schema is compiled. */
struct check {
	struct schema *schema;
	char *error;
	size_t error_size;
	unsigned depth;
};

static int check_node(struct check *c, const struct json *node);

__attribute__((format(printf, 2, 3))) static int
bug(struct check *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(c->error, c->error_size, format, ap);
	va_end(ap);
	return ERR_CONFIG;
}

/* Its index; the number of keywords: unknown. */
static size_t
keyword_find(struct slice name)
{
	size_t i = 0;

	while (i < KEYWORDS && !slice_eq(name, slice_of(keywords[i])))
		i++;
	return i;
}

/* Each member (of properties, $defs) or item (of anyOf) is a schema. */
static int
check_children(struct check *c, const struct json *list)
{
	const void *pos = NULL;
	struct json *child;
	struct slice name;
	int rc;

	while (json_next(list, &pos, &name, &child))
		if ((rc = check_node(c, child)) < 0)
			return rc;
	for (size_t i = 0;
	     json_type(list) == JSON_ARRAY && i < json_count(list); i++)
		if ((rc = check_node(c, json_at(list, i))) < 0)
			return rc;
	return 0;
}

static int
check_pattern(struct check *c, struct slice pattern)
{
	char error[200] = "";
	struct regex *re;
	int rc;

	if (map_get(c->schema->patterns, pattern) != NULL)
		return 0;
	/* With both anchors "whole value" and JSON Schema's search agree. */
	if (pattern.len < 2 || pattern.at[0] != '^' ||
	    pattern.at[pattern.len - 1] != '$')
		return bug(c, "pattern %.*s is not anchored", SLICE_F(pattern));
	rc = regex_compile(pattern, REGEX_FULL | REGEX_UTF, &re, error,
	    sizeof(error));
	if (rc < 0)
		return bug(c, "pattern %.*s: %s", SLICE_F(pattern), error);
	rc = map_set(c->schema->patterns, pattern, re, NULL);
	if (rc < 0)
		regex_free(re);
	return rc;
}

static int
check_node(struct check *c, const struct json *node)
{
	static const char *const lists[] = { "properties", "$defs", "anyOf" };
	const struct json *ref = json_get(node, "$ref"),
			  *pattern = json_get(node, "pattern"),
			  *format = json_get(node, "format"),
			  *extra = json_get(node, "additionalProperties");
	const void *pos = NULL;
	struct json *value;
	struct slice name;
	int rc = 0;

	if (json_type(node) != JSON_OBJECT || c->depth >= JSON_DEPTH_MAX)
		return bug(c, "a schema must be an object");
	while (json_next(node, &pos, &name, &value)) {
		size_t keyword = keyword_find(name);

		if (keyword == KEYWORDS)
			return bug(c, "unknown keyword %.*s", SLICE_F(name));
		/* The validator looks at nothing beside a $ref. */
		if (ref != NULL && keyword < KEYWORDS_THAT_JUDGE &&
		    value != ref)
			return bug(c, "%.*s beside a $ref", SLICE_F(name));
	}
	if (extra != NULL &&
	    (json_type(extra) != JSON_BOOL || json_bool(extra)))
		return bug(c, "additionalProperties may only be false");
	if (ref != NULL && schema_resolve(c->schema, node) == node)
		return bug(c, "$ref %.*s leads nowhere",
		    SLICE_F(json_string(ref)));
	if (format != NULL && !schema_format_known(json_string(format)))
		return bug(c, "unknown format %.*s",
		    SLICE_F(json_string(format)));
	if (pattern != NULL)
		rc = check_pattern(c, json_string(pattern));
	c->depth++;
	for (size_t i = 0; rc == 0 && i < sizeof(lists) / sizeof(*lists); i++)
		rc = check_children(c, json_get(node, lists[i]));
	if (rc == 0 && json_get(node, "items") != NULL)
		rc = check_node(c, json_get(node, "items"));
	c->depth--;
	return rc;
}

int
schema_new(struct slice text, struct schema **ret_schema, char *error,
    size_t error_size)
{
	struct schema *s = calloc(1, sizeof(*s));
	struct check c = { s, error, error_size, 0 };
	int rc;

	if (s == NULL)
		return ERR_NOMEM;
	rc = json_parse(text, SCHEMA_TEXT_MAX, &s->root, error, error_size);
	if (rc < 0)
		goto fail;
	rc = ERR_NOMEM;
	s->patterns = map_new(PATTERNS_MAX);
	if (s->patterns == NULL)
		goto fail;
	rc = check_node(&c, s->root);
	if (rc < 0)
		goto fail;
	*ret_schema = s;
	return 0;

fail:
	schema_free(s);
	return rc;
}

static void
drop_regex(void *value)
{
	regex_free(value);
}

void
schema_free(struct schema *s)
{
	if (s == NULL)
		return;
	map_free(s->patterns, drop_regex);
	json_free(s->root);
	free(s);
}

const struct json *
schema_def(const struct schema *s, const char *name)
{
	return json_get(json_get(s->root, "$defs"), name);
}

const struct json *
schema_resolve(const struct schema *s, const struct json *node)
{
	static const struct slice prefix = { "#/$defs/", 8 };

	/* A chain of references has an end: a bound, not a belief. */
	for (unsigned i = 0; i < JSON_DEPTH_MAX; i++) {
		struct slice ref = json_string(json_get(node, "$ref"));
		const struct json *next;

		if (ref.at == NULL || !slice_starts(ref, prefix))
			return node;
		next = schema_def(s, ref.at + prefix.len);
		if (next == NULL)
			return node;
		node = next;
	}
	return node;
}

/* ---- places with a mark ---- */

struct search {
	const struct schema *schema;
	const char *mark;
	schema_found *found;
	void *ctx;
	struct schema_path where, path;
};

static int search_node(struct search *s, const struct json *node,
    struct schema_marked *place);

static int
search_members(struct search *s, const struct json *node, struct json *doc)
{
	const void *pos = NULL;
	struct json *child;
	struct slice name;
	int rc = 0;

	while (rc >= 0 &&
	       json_next(json_get(node, "properties"), &pos, &name, &child)) {
		struct schema_marked place = { .container = doc,
			.name = name.at,
			.value = json_get(doc, name.at) };
		size_t where = s->where.len, path = s->path.len;

		if (place.value == NULL)
			continue;
		schema_path_add(&s->where, name);
		schema_path_add(&s->path, name);
		rc = search_node(s, child, &place);
		schema_path_cut(&s->where, where);
		schema_path_cut(&s->path, path);
	}
	return rc;
}

static int
search_items(struct search *s, const struct json *items, struct json *doc)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < json_count(doc); i++) {
		struct schema_marked place = { .container = doc,
			.index = i,
			.value = json_at(doc, i) };
		size_t where = s->where.len, path = s->path.len;

		schema_path_add(&s->where, SLICE("*"));
		schema_path_add_index(&s->path, i);
		rc = search_node(s, items, &place);
		schema_path_cut(&s->where, where);
		schema_path_cut(&s->path, path);
	}
	return rc;
}

static int
search_node(struct search *s, const struct json *node,
    struct schema_marked *place)
{
	struct json *value = (struct json *)(uintptr_t)place->value;

	node = schema_resolve(s->schema, node);
	if (json_bool(json_get(node, s->mark)) &&
	    json_type(value) == JSON_STRING) {
		place->where = s->where.text;
		place->path = s->path.text;
		return s->found(s->ctx, place);
	}
	if (json_type(value) == JSON_OBJECT)
		return search_members(s, node, value);
	if (json_type(value) == JSON_ARRAY && json_get(node, "items") != NULL)
		return search_items(s, json_get(node, "items"), value);
	return 0;
}

int
schema_each_marked(const struct schema *schema, const struct json *node,
    struct json *doc, const char *mark, schema_found *found, void *ctx)
{
	struct search s = { .schema = schema,
		.mark = mark,
		.found = found,
		.ctx = ctx };
	struct schema_marked root = { .value = doc };

	return search_node(&s, node, &root);
}

/* Whether a mark stands at this node or below it. */
static bool
holds_mark(const struct schema *s, const struct json *node, const char *mark,
    unsigned depth)
{
	const void *pos = NULL;
	struct json *child;
	struct slice name;

	node = schema_resolve(s, node);
	if (depth > JSON_DEPTH_MAX || json_bool(json_get(node, mark)))
		return true;
	while (json_next(json_get(node, "properties"), &pos, &name, &child))
		if (holds_mark(s, child, mark, depth + 1))
			return true;
	child = json_get(node, "items");
	return child != NULL && holds_mark(s, child, mark, depth + 1);
}

bool
schema_is_marked(const struct schema *s, const struct json *node,
    struct slice pointer, const char *mark)
{
	struct slice piece;

	if (pointer.len == 0)
		return holds_mark(s, node, mark, 0);
	pointer = slice_skip(pointer, 1);
	while (slice_split(&pointer, '/', &piece)) {
		char name[64];
		const struct json *next;

		node = schema_resolve(s, node);
		if (json_bool(json_get(node, mark)))
			return true;
		if (piece.len >= sizeof(name))
			return false;
		memcpy(name, piece.at, piece.len);
		name[piece.len] = '\0';
		next = json_get(node, "items");
		if (next == NULL)
			next = json_get(json_get(node, "properties"), name);
		if (next == NULL)
			return false;
		node = next;
	}
	return holds_mark(s, node, mark, 0);
}
