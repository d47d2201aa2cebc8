/* SPDX-License-Identifier: BSD-2-Clause */
/* The schema validator: each keyword, its paths, and what is our own bug. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/schema.h"
#include "proto/settings_view.h"
#include "util/err.h"

static struct json *
parse(const char *text)
{
	struct json *v = NULL;
	char error[200];

	assert_int_equal(json_parse(slice_of(text), 65536, &v, error,
			     sizeof(error)),
	    0);
	return v;
}

/* All errors, as "PATH TEXT|". */
static void
collect(void *ctx, const char *path, const char *text)
{
	struct buf *out = ctx;

	(void)buf_addf(out, "%s %s|", path, text);
}

static const struct {
	const char *name, *schema, *doc, *errors;
} cases[] = {
	{ "no keyword, no error", "{}", "[1]", "" },
	{ "type", "{\"type\":\"string\"}", "1", " must be a string|" },
	{ "an integer is a number", "{\"type\":\"number\"}", "1", "" },
	{ "1.5 is no integer", "{\"type\":\"integer\"}", "1.5",
	    " must be an integer|" },
	{ "1.0 is one", "{\"type\":\"integer\"}", "1.0", "" },
	{ "null is no object", "{\"type\":\"object\"}", "null",
	    " must be an object|" },
	{ "all errors, with paths",
	    "{\"properties\":{\"a\":{\"type\":\"array\",\"items\":"
	    "{\"type\":\"boolean\"}},\"b\":{\"type\":\"null\"}},"
	    "\"required\":[\"c\"],\"additionalProperties\":false}",
	    "{\"a\":[true,1,\"x\"],\"b\":0,\"d\":1}",
	    " must have the member \"c\"|/a/1 must be a boolean|"
	    "/a/2 must be a boolean|/b must be a null|"
	    "/d is not a known member|" },
	{ "a path is escaped", "{\"additionalProperties\":false}",
	    "{\"a/b~c\":1}", "/a~1b~0c is not a known member|" },
	{ "enum", "{\"enum\":[\"a\",2]}", "\"b\"",
	    " must be one of \"a\", 2|" },
	{ "enum hit", "{\"enum\":[\"a\",2]}", "2", "" },
	{ "const", "{\"const\":5}", "6",
	    " has another value than the only one allowed|" },
	{ "pattern", "{\"pattern\":\"^[a-z]+$\"}", "\"aB\"",
	    " must match ^[a-z]+$|" },
	{ "a line end does not slip through \"$\"",
	    "{\"pattern\":\"^[a-z]+$\"}", "\"a\\n\"", " must match ^[a-z]+$|" },
	{ "lengths are characters", "{\"minLength\":2,\"maxLength\":2}",
	    "\"\xc3\xa4\xf0\x9f\x98\x80\"", "" },
	{ "too short", "{\"minLength\":2}", "\"\xc3\xa4\"",
	    " must have at least 2 characters|" },
	{ "too long", "{\"maxLength\":2,\"pattern\":\"^x$\"}", "\"abc\"",
	    " must have at most 2 characters|" },
	{ "bounds", "{\"items\":{\"minimum\":1,\"maximum\":3}}", "[0,1,3,4]",
	    "/0 must be at least 1|/3 must be at most 3|" },
	{ "items", "{\"minItems\":2}", "[1]",
	    " must have at least 2 entries|" },
	{ "too many items are not looked at",
	    "{\"maxItems\":1,\"items\":{\"type\":\"null\"}}", "[1,2]",
	    " must have at most 1 entries|" },
	{ "uniqueItems", "{\"uniqueItems\":true}", "[1,{\"a\":2},{\"a\":2},1]",
	    "/2 is there already as entry 1|/3 is there already as entry 0|" },
	{ "minProperties", "{\"minProperties\":1}", "{}",
	    " must have at least 1 members|" },
	{ "$ref",
	    "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":"
	    "\"null\"}}}",
	    "1", " must be a null|" },
	{ "anyOf", "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"string\"}]}",
	    "1", " has none of the allowed forms|" },
	{ "anyOf hit",
	    "{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}]}", "1",
	    "" },
	{ "a domain", "{\"format\":\"domain\"}", "\"a..b\"",
	    " is no domain name|" },
	{ "a network", "{\"items\":{\"format\":\"cidr\"}}",
	    "[\"10.0.0.0/8\",\"10.0.0.1/8\",\"::1\",\"2001:db8::/129\","
	    "\"1.2.3\",\"0.0.0.0/0\",\"2001:db8::/32\"]",
	    "/1 is no address or network (ADDRESS/BITS, host bits 0)|"
	    "/3 is no address or network (ADDRESS/BITS, host bits 0)|"
	    "/4 is no address or network (ADDRESS/BITS, host bits 0)|" },
	{ "a period", "{\"items\":{\"format\":\"period\"}}",
	    "[\"1h\",\"90s\",\"10ms\",\"3653d\"]", "" },
	{ "no period", "{\"format\":\"period\"}", "\"1w\"",
	    " is no length of time, such as \"1h\" or \"90s\" (at most "
	    "3653d)|" },
	{ "URLs", "{\"items\":{\"format\":\"http-url\"}}",
	    "[\"https://a/b?c\",\"http://[::1]:80/\",\"https://[::1]\","
	    "\"ftp://a\",\"https:///x\",\"http://a:0/\",\"http://a:99999\"]",
	    "/3 is no http or https URL|/4 is no http or https URL|"
	    "/5 has a port that is not in 1..65535|"
	    "/6 has a port that is not in 1..65535|" },
};

static void
test_keywords(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct json *doc = parse(cases[i].doc), *node;
		struct schema *s = NULL;
		char error[200] = "", whole[2000];
		struct buf out;
		unsigned want = 0;

		print_message("# %s\n", cases[i].name);
		/* As a definition, so that it can be named. */
		assert_true(snprintf(whole, sizeof(whole),
				"{\"$defs\":{\"it\":%s,\"a\":{\"type\":"
				"\"null\"}}}",
				cases[i].schema) < (int)sizeof(whole));
		assert_int_equal(schema_new(slice_of(whole), &s, error,
				     sizeof(error)),
		    0);
		buf_init(&out, 10000);
		node = (struct json *)(uintptr_t)schema_def(s, "it");
		for (const char *p = cases[i].errors; *p != '\0'; p++)
			want += *p == '|';
		assert_int_equal(schema_validate(s, node, doc, collect, &out),
		    want);
		assert_string_equal(buf_text(&out), cases[i].errors);
		assert_int_equal(schema_validate(s, node, doc, NULL, NULL),
		    want);
		buf_done(&out);
		schema_free(s);
		json_free(doc);
	}
}

static void
test_our_bugs(void **state)
{
	static const char *const bad[] = { "[]", "{\"oneOf\":[]}",
		"{\"properties\":{\"a\":{\"multipleOf\":2}}}",
		"{\"items\":{\"exclusiveMinimum\":2}}",
		"{\"anyOf\":[{\"not\":{}}]}", "{\"additionalProperties\":true}",
		"{\"additionalProperties\":{}}",
		"{\"$ref\":\"#/$defs/nowhere\"}",
		"{\"$ref\":\"http://example.com/\"}",
		"{\"$ref\":\"#/$defs/a\",\"type\":\"null\",\"$defs\":"
		"{\"a\":{}}}",
		"{\"pattern\":\"[a-z]\"}", "{\"pattern\":\"^($\"}",
		"{\"format\":\"email\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct schema *s = NULL;
		char error[200] = "";

		print_message("# %s\n", bad[i]);
		assert_int_equal(schema_new(slice_of(bad[i]), &s, error,
				     sizeof(error)),
		    ERR_CONFIG);
		assert_null(s);
		assert_string_not_equal(error, "");
	}
}

/* Each member has a title and a description; each default is valid. */
static void
check_documented(const struct json *node, const char *what)
{
	const struct schema *s = settings_schema();
	const struct json *items = json_get(node, "items"),
			  *fallback = json_get(node, "default");
	const void *pos = NULL;
	struct json *child;
	struct slice name;

	if (fallback != NULL)
		assert_int_equal(schema_validate(s, node, fallback, NULL, NULL),
		    0);
	while (json_next(json_get(node, "properties"), &pos, &name, &child)) {
		print_message("# %s: %.*s\n", what, SLICE_F(name));
		assert_non_null(json_string(json_get(child, "title")).at);
		assert_non_null(json_string(json_get(child, "description")).at);
		check_documented(child, name.at);
	}
	if (items != NULL && json_get(items, "$ref") == NULL)
		check_documented(items, what);
}

static void
test_settings_schema(void **state)
{
	static const char *const defs[] = { "tenant", "global", "tenantRule",
		"sendingDomain", "dkimKey", "condition", "limit", "webhook",
		"apiUser", "tenantName", "ruleName", "domain", "period" };

	(void)state;
	for (size_t i = 0; i < sizeof(defs) / sizeof(*defs); i++) {
		const struct json *node =
		    schema_def(settings_schema(), defs[i]);

		assert_non_null(node);
		assert_non_null(json_string(json_get(node, "title")).at);
		assert_non_null(json_string(json_get(node, "description")).at);
		check_documented(node, defs[i]);
	}
}

static int
mark(void *ctx, const struct schema_marked *marked)
{
	(void)buf_addf(ctx, "%s=%s|", marked->path, marked->where);
	if (marked->name != NULL)
		return json_set(marked->container, marked->name,
		    json_new_string(SLICE("-")));
	return json_replace_at(marked->container, marked->index,
	    json_new_string(SLICE("-")));
}

static void
test_marks(void **state)
{
	const struct schema *s = settings_schema();
	const struct json *tenant = schema_def(s, "tenant");
	struct json *doc = parse(
	    "{\"domains\":[{\"dkim\":[{\"key\":\"k\"},{\"key\":5}]}],"
	    "\"webhooks\":[{},{\"secrets\":[\"a\",\"b\"],\"api_key\":\"c\"}]}");
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(schema_each_marked(s, tenant, doc, "x-secret", mark,
			     &out),
	    0);
	assert_string_equal(buf_text(&out),
	    "/domains/0/dkim/0/key=/domains/*/dkim/*/key|"
	    "/webhooks/1/secrets/0=/webhooks/*/secrets/*|"
	    "/webhooks/1/secrets/1=/webhooks/*/secrets/*|"
	    "/webhooks/1/api_key=/webhooks/*/api_key|");
	buf_clear(&out);
	assert_int_equal(json_print(doc, JSON_COMPACT, &out), 0);
	assert_string_equal(buf_text(&out),
	    "{\"domains\":[{\"dkim\":[{\"key\":\"-\"},{\"key\":5}]}],"
	    "\"webhooks\":[{},{\"secrets\":[\"-\",\"-\"],\"api_key\":\"-\"}]}");
	buf_done(&out);
	json_free(doc);
	assert_true(schema_is_marked(s, tenant, SLICE(""), "x-secret"));
	assert_true(
	    schema_is_marked(s, tenant, SLICE("/webhooks/-"), "x-secret"));
	assert_true(schema_is_marked(s, tenant, SLICE("/domains/0/dkim/1/key"),
	    "x-secret"));
	assert_false(schema_is_marked(s, tenant, SLICE("/title"), "x-secret"));
	assert_false(
	    schema_is_marked(s, tenant, SLICE("/webhooks/0/url"), "x-secret"));
	assert_false(schema_is_marked(s, tenant, SLICE("/x/y"), "x-secret"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keywords),
		cmocka_unit_test(test_our_bugs),
		cmocka_unit_test(test_settings_schema),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
