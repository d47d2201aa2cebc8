/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the members of the settings, from their schema, for a manual. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/json.h"
#include "proto/schema.h"
#include "proto/settings.h"
#include "proto/settings_view.h"
#include "tools/tables.h"
#include "util/buf.h"

#define PATH_ROOM 200
#define WIDTH 78

static void print_members(FILE *out, const struct json *node, const char *path);

/* Text for roff: a sentence begins a line, and no line is a request. */
static void
print_text(FILE *out, struct slice text)
{
	bool sentence = false;
	size_t column = 0;
	struct slice word;

	while (slice_split(&text, ' ', &word)) {
		if (word.len == 0)
			continue;
		bool newline =
		    column == 0 ||
		    (sentence && isupper((unsigned char)word.at[0])) ||
		    column + 1 + word.len > WIDTH;

		fputs(column == 0 ? "" : newline ? "\n" : " ", out);
		column = newline ? word.len : column + 1 + word.len;
		if (newline && (word.at[0] == '.' || word.at[0] == '\''))
			fputs("\\&", out);
		for (size_t i = 0; i < word.len; i++) {
			if (word.at[i] == '\\')
				fputs("\\e", out);
			else
				fputc(word.at[i], out);
		}
		sentence = word.at[word.len - 1] == '.';
	}
	fputs("\n", out);
}

static const struct json *
resolve(const struct json *node)
{
	return schema_resolve(settings_schema(), node);
}

/* A keyword of the member itself counts before that of its type. */
static const struct json *
keyword(const struct json *node, const char *name)
{
	const struct json *own = json_get(node, name);

	return own != NULL ? own : json_get(resolve(node), name);
}

static void
print_words(FILE *out, const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *word = json_at(list, i);

		fputs(i > 0 ? " | " : "", out);
		if (json_type(word) == JSON_STRING)
			fprintf(out, "%.*s", SLICE_F(json_string(word)));
		else
			fprintf(out, "%" PRId64, json_integer(word));
	}
}

static void
print_bounds(FILE *out, const struct json *node, const char *least,
    const char *most, const char *unit)
{
	const struct json *from = keyword(node, least),
			  *to = keyword(node, most);

	if (from != NULL && to != NULL)
		fprintf(out, ", %" PRId64 " to %" PRId64 "%s",
		    json_integer(from), json_integer(to), unit);
	else if (from != NULL)
		fprintf(out, ", at least %" PRId64 "%s", json_integer(from),
		    unit);
	else if (to != NULL)
		fprintf(out, ", at most %" PRId64 "%s", json_integer(to), unit);
}

static void
print_type(FILE *out, const struct json *node)
{
	struct slice type = json_string(keyword(node, "type"));
	const struct json *items = keyword(node, "items");

	if (keyword(node, "enum") != NULL) {
		fputs("one of ", out);
		print_words(out, keyword(node, "enum"));
	} else if (slice_eq(type, SLICE("array"))) {
		fputs("a list", out);
		if (keyword(items, "enum") != NULL) {
			fputs(" of ", out);
			print_words(out, keyword(items, "enum"));
		}
		print_bounds(out, node, "minItems", "maxItems", " entries");
	} else if (slice_eq(type, SLICE("object"))) {
		fputs("an object", out);
	} else if (slice_eq(type, SLICE("boolean"))) {
		fputs("true or false", out);
	} else if (slice_eq(type, SLICE("integer"))) {
		fputs("a number", out);
		print_bounds(out, node, "minimum", "maximum", "");
	} else {
		fputs("a text", out);
		print_bounds(out, node, "minLength", "maxLength",
		    " characters");
	}
}

/* What is worth a line: not that nothing is given when nothing is given. */
static void
print_default(FILE *out, const struct json *other)
{
	struct buf text;

	if (json_type(other) == JSON_OBJECT)
		return;
	if (json_type(json_at(other, 0)) == JSON_OBJECT) {
		fputs("Default:\n", out);
		for (size_t i = 0; i < json_count(other); i++) {
			buf_init(&text, 10000);
			if (json_print(json_at(other, i), JSON_COMPACT,
				&text) == 0)
				fprintf(out, ".Dl %s\n", buf_text(&text));
			buf_done(&text);
		}
		return;
	}
	buf_init(&text, 10000);
	if (json_print(other, JSON_COMPACT, &text) == 0)
		fprintf(out, "Default:\n.Ql %s .\n",
		    slice_eq(buf_slice(&text), SLICE("\"\""))
			? "\\(dq\\(dq"
			: buf_text(&text));
	buf_done(&text);
}

static void
print_value(FILE *out, const struct json *node, bool required)
{
	const struct json *other = keyword(node, "default");
	const struct json *secret = keyword(node, "x-secret");

	fputs(".br\nValue: ", out);
	print_type(out, node);
	fputs(".\n", out);
	if (required)
		fputs("Must be given.\n", out);
	if (secret == NULL)
		secret = keyword(keyword(node, "items"), "x-secret");
	if (secret != NULL)
		fputs("A secret.\n", out);
	if (other != NULL)
		print_default(out, other);
}

static bool
is_required(const struct json *object, struct slice name)
{
	const struct json *list = json_get(resolve(object), "required");

	for (size_t i = 0; i < json_count(list); i++)
		if (slice_eq(json_string(json_at(list, i)), name))
			return true;
	return false;
}

static void
print_member(FILE *out, const struct json *node, const char *path,
    bool required)
{
	const struct json *items = keyword(node, "items");
	char below[PATH_ROOM + 2];

	fprintf(out, ".It Ic %s\n", path);
	print_text(out, json_string(keyword(node, "description")));
	print_value(out, node, required);
	if (keyword(node, "properties") != NULL)
		print_members(out, node, path);
	if (keyword(items, "properties") != NULL) {
		(void)snprintf(below, sizeof(below), "%s/N", path);
		print_members(out, items, below);
	}
}

/* Schemas of ours are not recursive: they are a few levels deep. */
static void
print_members(FILE *out, const struct json *node, const char *path)
{
	const struct json *properties = json_get(resolve(node), "properties");
	const void *pos = NULL;
	struct json *member;
	struct slice name;

	while (json_next(properties, &pos, &name, &member)) {
		char whole[PATH_ROOM];

		(void)snprintf(whole, sizeof(whole), "%s/%.*s", path,
		    SLICE_F(name));
		print_member(out, member, whole, is_required(node, name));
	}
}

void
settings_print_mdoc(struct slice document, FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	print_members(out, settings_schema_node(document), "");
	fputs(".El\n", out);
}
