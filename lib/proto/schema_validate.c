/* SPDX-License-Identifier: BSD-2-Clause */
/* Judging a document by a schema (JSON Schema 2020-12, validation). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/json.h"
#include "proto/schema.h"
#include "proto/schema_format.h"
#include "proto/schema_run.h"
#include "util/map.h"
#include "util/regex.h"
#include "util/utf8.h"

struct run {
	const struct schema *schema;
	schema_error *error; /* NULL: only count */
	void *ctx;
	unsigned count;
	struct schema_path path;
};

static void run_node(struct run *r, const struct json *node,
    const struct json *value);

void
schema_path_add(struct schema_path *p, struct slice name)
{
	size_t room = sizeof(p->text) - 1;

	if (p->len < room)
		p->text[p->len++] = '/';
	for (size_t i = 0; i < name.len && p->len + 2 <= room; i++) {
		char c = name.at[i];

		/* RFC 6901, 3: "~" becomes "~0", "/" becomes "~1". */
		if (c == '~' || c == '/') {
			p->text[p->len++] = '~';
			c = c == '~' ? '0' : '1';
		}
		p->text[p->len++] = c;
	}
	p->text[p->len] = '\0';
}

void
schema_path_add_index(struct schema_path *p, size_t i)
{
	char room[24];
	int n = snprintf(room, sizeof(room), "%zu", i);

	schema_path_add(p, (struct slice){ room, (size_t)n });
}

void
schema_path_cut(struct schema_path *p, size_t len)
{
	p->len = len;
	p->text[len] = '\0';
}

__attribute__((format(printf, 2, 3))) static void
wrong(struct run *r, const char *format, ...)
{
	char text[500];
	va_list ap;

	r->count++;
	if (r->error == NULL)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	r->error(r->ctx, r->path.text, text);
}

static bool
type_ok(struct slice want, const struct json *value)
{
	static const struct {
		struct slice name;
		enum json_type type;
	} types[] = {
		{ { "null", 4 }, JSON_NULL },
		{ { "boolean", 7 }, JSON_BOOL },
		{ { "integer", 7 }, JSON_INTEGER },
		{ { "number", 6 }, JSON_NUMBER },
		{ { "number", 6 }, JSON_INTEGER },
		{ { "string", 6 }, JSON_STRING },
		{ { "array", 5 }, JSON_ARRAY },
		{ { "object", 6 }, JSON_OBJECT },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (slice_eq(want, types[i].name) &&
		    json_type(value) == types[i].type)
			return true;
	return false;
}

/* A bound that is not given is no bound. */
static bool
below(const struct json *node, const char *keyword, double value)
{
	const struct json *bound = json_get(node, keyword);

	return bound != NULL && value < json_number(bound);
}

static bool
above(const struct json *node, const char *keyword, double value)
{
	const struct json *bound = json_get(node, keyword);

	return bound != NULL && value > json_number(bound);
}

static void
run_string(struct run *r, const struct json *node, struct slice value)
{
	struct slice pattern = json_string(json_get(node, "pattern")),
		     format = json_string(json_get(node, "format"));
	size_t count = utf8_count(value);
	const char *why;

	if (below(node, "minLength", (double)count))
		wrong(r, "must have at least %" PRId64 " characters",
		    json_integer(json_get(node, "minLength")));
	if (above(node, "maxLength", (double)count)) {
		wrong(r, "must have at most %" PRId64 " characters",
		    json_integer(json_get(node, "maxLength")));
		return; /* no expression runs on what is too long */
	}
	if (pattern.at != NULL &&
	    regex_match(map_get(r->schema->patterns, pattern), value, NULL) !=
		1) {
		wrong(r, "must match %.*s", SLICE_F(pattern));
		return;
	}
	why = format.at != NULL ? schema_format_check(format, value) : NULL;
	if (why != NULL)
		wrong(r, "%s", why);
}

static void
run_number(struct run *r, const struct json *node, const struct json *value)
{
	if (below(node, "minimum", json_number(value)))
		wrong(r, "must be at least %" PRId64,
		    json_integer(json_get(node, "minimum")));
	if (above(node, "maximum", json_number(value)))
		wrong(r, "must be at most %" PRId64,
		    json_integer(json_get(node, "maximum")));
}

static void
run_array(struct run *r, const struct json *node, const struct json *value)
{
	const struct json *items = json_get(node, "items");
	size_t count = json_count(value), len = r->path.len;

	if (below(node, "minItems", (double)count))
		wrong(r, "must have at least %" PRId64 " entries",
		    json_integer(json_get(node, "minItems")));
	if (above(node, "maxItems", (double)count)) {
		wrong(r, "must have at most %" PRId64 " entries",
		    json_integer(json_get(node, "maxItems")));
		return; /* and no work on what is too much */
	}
	for (size_t i = 0; i < count; i++) {
		schema_path_add_index(&r->path, i);
		if (items != NULL)
			run_node(r, items, json_at(value, i));
		for (size_t j = 0;
		     json_bool(json_get(node, "uniqueItems")) && j < i; j++) {
			if (!json_equal(json_at(value, i), json_at(value, j)))
				continue;
			wrong(r, "is there already as entry %zu", j);
			break;
		}
		schema_path_cut(&r->path, len);
	}
}

static void
run_object(struct run *r, const struct json *node, const struct json *value)
{
	const struct json *properties = json_get(node, "properties"),
			  *required = json_get(node, "required");
	bool closed = json_get(node, "additionalProperties") != NULL;
	size_t len = r->path.len;
	const void *pos = NULL;
	struct json *member;
	struct slice name;

	if (below(node, "minProperties", (double)json_count(value)))
		wrong(r, "must have at least %" PRId64 " members",
		    json_integer(json_get(node, "minProperties")));
	for (size_t i = 0; i < json_count(required); i++) {
		name = json_string(json_at(required, i));
		if (json_get(value, name.at) == NULL)
			wrong(r, "must have the member \"%.*s\"",
			    SLICE_F(name));
	}
	while (json_next(value, &pos, &name, &member)) {
		const struct json *child = json_get(properties, name.at);

		schema_path_add(&r->path, name);
		if (child != NULL)
			run_node(r, child, member);
		else if (closed)
			wrong(r, "is not a known member");
		schema_path_cut(&r->path, len);
	}
}

static void
run_enum(struct run *r, const struct json *list, const struct json *value)
{
	struct buf text;

	for (size_t i = 0; i < json_count(list); i++)
		if (json_equal(json_at(list, i), value))
			return;
	buf_init(&text, 400);
	for (size_t i = 0; i < json_count(list); i++) {
		(void)buf_add_text(&text, i > 0 ? ", " : "");
		(void)json_print(json_at(list, i), JSON_COMPACT, &text);
	}
	wrong(r, "must be one of %s", buf_text(&text));
	buf_done(&text);
}

static void
run_any_of(struct run *r, const struct json *list, const struct json *value)
{
	for (size_t i = 0; i < json_count(list); i++) {
		struct run one = { .schema = r->schema, .path = r->path };

		run_node(&one, json_at(list, i), value);
		if (one.count == 0)
			return;
	}
	wrong(r, "has none of the allowed forms");
}

static void
run_type(struct run *r, const struct json *node, const struct json *value)
{
	switch (json_type(value)) {
	case JSON_NULL:
	case JSON_BOOL:
		return;
	case JSON_INTEGER:
	case JSON_NUMBER:
		run_number(r, node, value);
		return;
	case JSON_STRING:
		run_string(r, node, json_string(value));
		return;
	case JSON_ARRAY:
		run_array(r, node, value);
		return;
	case JSON_OBJECT:
		run_object(r, node, value);
		return;
	}
}

static void
run_node(struct run *r, const struct json *node, const struct json *value)
{
	const struct json *type, *list, *resolved;

	resolved = schema_resolve(r->schema, node);
	if (resolved != node) {
		run_node(r, resolved, value);
		return;
	}
	type = json_get(node, "type");
	if (type != NULL && !type_ok(json_string(type), value)) {
		struct slice name = json_string(type);
		bool vowel = memchr("aio", name.at[0], 3) != NULL;

		wrong(r, "must be %s %.*s", vowel ? "an" : "a", SLICE_F(name));
		return;
	}
	list = json_get(node, "enum");
	if (list != NULL)
		run_enum(r, list, value);
	if (json_get(node, "const") != NULL &&
	    !json_equal(json_get(node, "const"), value))
		wrong(r, "has another value than the only one allowed");
	list = json_get(node, "anyOf");
	if (list != NULL)
		run_any_of(r, list, value);
	run_type(r, node, value);
}

unsigned
schema_validate(const struct schema *s, const struct json *node,
    const struct json *doc, schema_error *error, void *ctx)
{
	struct run r = { .schema = s, .error = error, .ctx = ctx };

	run_node(&r, node, doc);
	return r.count;
}
