/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams: what is refused, and which one a message is of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/settings.h"

static struct json *
parse(const char *text)
{
	struct json *doc = NULL;
	char error[200];

	assert_int_equal(json_parse(slice_of(text), SETTINGS_TEXT_MAX, &doc,
			     error, sizeof(error)),
	    0);
	return doc;
}

static void
collect(void *ctx, const char *path, const char *text)
{
	assert_int_equal(buf_addf(ctx, "%s %s|", path, text), 0);
}

static void
refused(const char *text, const char *want)
{
	struct json *doc = parse(text);
	struct buf errors;

	buf_init(&errors, 10000);
	(void)settings_validate(doc, SLICE("shop"), NULL, collect, &errors);
	assert_string_equal(buf_text(&errors), want);
	buf_done(&errors);
	json_free(doc);
}

static void
test_refused(void **state)
{
	(void)state;
	refused("{\"streams\":[{\"name\":\"a\",\"match\":{}}]}", "");
	refused("{\"streams\":[{\"name\":\"a\",\"match\":{}},"
		"{\"name\":\"A\",\"match\":{}}]}",
	    "/streams/1/name \"A\" is there already|");
	refused(
	    "{\"streams\":[{\"name\":\"a\",\"match\":{\"sender\":"
	    "[\"@b.example\",\"x@y.example\",\"@no domain\",\"nobody\"]}}]}",
	    "/streams/0/match/sender/2 must be an address, or \"@\" and a "
	    "domain|/streams/0/match/sender/3 must be an address, or \"@\" "
	    "and a domain|");
}

static const char document[] =
    "{\"streams\":["
    "{\"name\":\"login\",\"match\":{\"sender\":[\"Login@Shop.example\"],"
    "\"port\":[587]}},"
    "{\"name\":\"news\",\"match\":{\"sender\":[\"@News.example\","
    "\"news@shop.example\"]}},"
    "{\"name\":\"app\",\"match\":{\"sasl_user\":[\"App1\",\"app2\"]}},"
    "{\"name\":\"port\",\"match\":{\"port\":[2525,2526]}}]}";

static const struct {
	const char *port, *user, *sender, *want;
} rows[] = {
	{ "587", NULL, "login@shop.example", "login" },
	{ "25", NULL, "login@shop.example", NULL },
	{ NULL, NULL, "login@shop.example", NULL },
	{ "25", NULL, "any@news.example", "news" },
	{ "25", NULL, "any@sub.news.example", NULL },
	{ "25", "app2", "news@shop.example", "news" },
	{ "25", "APP2", "x@shop.example", "app" },
	{ "2526", "other", "x@shop.example", "port" },
	{ "2526", NULL, "", "port" },
	{ NULL, NULL, NULL, NULL },
	{ "port", NULL, NULL, NULL },
};

static void
test_which(void **state)
{
	struct json *doc = parse(document);
	const struct settings_input in = { SLICE("default"), 1, doc };
	struct settings *s = NULL;

	(void)state;
	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tenant_match m = {
			.listener_port = slice_of(rows[i].port),
			.sasl_user = slice_of(rows[i].user),
			.sender = slice_of(rows[i].sender),
		};
		struct slice name =
		    settings_stream_for(settings_tenant_at(s, 0), &m);

		if (!slice_eq(name, slice_of(rows[i].want)))
			fail_msg("row %zu: %.*s", i, SLICE_F(name));
	}
	settings_unref(s);
	json_free(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
