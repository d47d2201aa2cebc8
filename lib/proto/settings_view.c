/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading settings by their schema, defaults included. */
#include "proto/settings_view.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/schema.h"
#include "proto/settings.h"

extern const char settings_schema_text[];

static struct schema *schema;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
load(void)
{
	char error[200] = "out of memory";

	/* The text is compiled in: if it is bad, this program is. */
	if (schema_new(slice_of(settings_schema_text), &schema, error,
		sizeof(error)) < 0) {
		(void)fprintf(stderr, "settings schema: %s\n", error);
		abort();
	}
}

const struct schema *
settings_schema(void)
{
	(void)pthread_once(&once, load);
	return schema;
}

const char *
settings_schema_source(void)
{
	return settings_schema_text;
}

const struct json *
settings_schema_node(struct slice name)
{
	const char *def = "tenant";

	if (slice_eq(name, SLICE(SETTINGS_GLOBAL)))
		def = "global";
	else if (slice_eq(name, SLICE(SETTINGS_PROVIDERS)))
		def = "providers";
	return schema_def(settings_schema(), def);
}

struct view
view_document(struct slice name, const struct json *doc)
{
	return (struct view){ settings_schema_node(name), doc };
}

struct view
view_get(struct view v, const char *name)
{
	const struct schema *s = settings_schema();
	struct view member;

	v.node = schema_resolve(s, v.node);
	member.node = json_get(json_get(v.node, "properties"), name);
	member.value = json_get(v.value, name);
	if (member.value == NULL)
		member.value = json_get(member.node, "default");
	if (member.value == NULL)
		member.value =
		    json_get(schema_resolve(s, member.node), "default");
	return member;
}

size_t
view_count(struct view v)
{
	return json_type(v.value) == JSON_ARRAY ? json_count(v.value) : 0;
}

struct view
view_at(struct view v, size_t i)
{
	const struct json *node = schema_resolve(settings_schema(), v.node);

	return (struct view){ json_get(node, "items"), json_at(v.value, i) };
}

struct slice
view_string(struct view v)
{
	return json_string(v.value);
}

int64_t
view_integer(struct view v)
{
	return json_integer(v.value);
}

bool
view_bool(struct view v)
{
	return json_bool(v.value);
}

unsigned
view_word(struct view v, const char *const words[])
{
	for (unsigned i = 0; words[i] != NULL; i++)
		if (slice_eq(json_string(v.value), slice_of(words[i])))
			return i;
	return 0;
}

unsigned
view_words(struct view v, const char *const words[])
{
	unsigned bits = 0;

	for (size_t i = 0; i < view_count(v); i++)
		for (unsigned w = 0; words[w] != NULL; w++)
			if (slice_eq(json_string(json_at(v.value, i)),
				slice_of(words[w])))
				bits |= 1U << w;
	return bits;
}

int64_t
view_period_ms(struct view v)
{
	struct slice text = json_string(v.value);
	long long ms;

	if (text.at == NULL || schema_period_parse(text, &ms) < 0)
		return 0;
	return ms;
}

bool
settings_secret_context(struct slice name, const char *where,
    char room[SETTINGS_CONTEXT_MAX], struct slice *ret_context)
{
	int n = snprintf(room, SETTINGS_CONTEXT_MAX, "%.*s:%s", SLICE_F(name),
	    where);

	if (n < 0 || n >= SETTINGS_CONTEXT_MAX)
		return false;
	*ret_context = (struct slice){ room, (size_t)n };
	return true;
}
