/* SPDX-License-Identifier: BSD-2-Clause */
/* The receiving server: what it takes, which filter names it, where it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/filter.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "util/arena.h"
#include "util/err.h"

static struct settings *settings;
static const struct inbound_settings *in;

static const char document[] =
    "{\"webhooks\":[{\"name\":\"app\",\"url\":\"https://a.test/\","
    "\"secrets\":[],\"events\":[\"inbound\"]}],"
    "\"inbound\":{\"domains\":[\"In.example\",\"b.example\"],"
    "\"max_sessions\":3,\"interval_ms\":20,\"max_size_kb\":7,"
    "\"filters\":["
    "{\"name\":\"both\",\"conditions\":["
    "{\"header\":\"Subject\",\"pattern\":\"order.*\"},"
    "{\"header\":\"To\",\"pattern\":\"shop@in\\\\.example\"}],"
    "\"webhooks\":[\"app\"]},"
    "{\"name\":\"one\",\"conditions\":["
    "{\"header\":\"Subject\",\"pattern\":\"order.*\"}]},"
    "{\"name\":\"rest\",\"conditions\":["
    "{\"header\":\"X-Keep\",\"pattern\":\"yes\"}]}],"
    "\"forwarding\":["
    "{\"name\":\"c1\",\"header\":\"Subject\",\"pattern\":\"order.*\","
    "\"to\":\"copy@office.example\"},"
    "{\"name\":\"c2\",\"header\":\"X-Keep\",\"pattern\":\"yes\","
    "\"to\":\"copy@office.example\"},"
    "{\"name\":\"r1\",\"header\":\"To\",\"pattern\":\"boss@in\\\\.example\","
    "\"to\":\"boss@office.example\",\"mode\":\"redirect\"},"
    "{\"name\":\"r2\",\"header\":\"To\",\"pattern\":\".*boss.*\","
    "\"to\":\"other@office.example\",\"mode\":\"redirect\"}]}}";

static struct json *
parse(const char *text)
{
	struct json *doc = NULL;

	assert_int_equal(json_parse(slice_of(text), 65536, &doc, NULL, 0), 0);
	return doc;
}

static int
setup(void **state)
{
	struct json *doc = parse(document);
	struct settings_input input = { SLICE("shop"), 1, doc };

	(void)state;
	assert_int_equal(settings_compile(&input, 1, NULL, NULL, NULL,
			     &settings),
	    0);
	in = &settings_tenant(settings, SLICE("shop"))->inbound;
	json_free(doc);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	settings_unref(settings);
	return 0;
}

static void
test_compiled(void **state)
{
	(void)state;
	assert_int_equal(in->domain_count, 2);
	assert_true(inbound_has_domain(in, SLICE("in.EXAMPLE")));
	assert_false(inbound_has_domain(in, SLICE("x.in.example")));
	assert_int_equal(in->max_sessions, 3);
	assert_int_equal(in->interval_ms, 20);
	assert_int_equal(in->max_size, 7 * 1024);
	assert_true(in->refuse_own_from && in->refuse_same_from);
	assert_int_equal(in->keep_days, 7);
	assert_int_equal(in->filter_count, 3);
	assert_int_equal(in->forward_count, 4);
	assert_true(inbound_filter_for(&in->filters[0], SLICE("app")));
	assert_false(inbound_filter_for(&in->filters[0], SLICE("crm")));
	assert_true(inbound_filter_for(&in->filters[1], SLICE("crm")));
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *from, *to;
		enum inbound_refusal want;
	} cases[] = {
		{ "a@customer.example", "shop@in.example", INBOUND_TAKES },
		{ "Shop <shop@IN.example>", "x@in.example", INBOUND_OWN_FROM },
		{ "a@c.example, b@B.Example", "x@y.example", INBOUND_OWN_FROM },
		/* A name is no address, and a subdomain another domain. */
		{ "\"shop@in.example\" <a@c.example>", "x@y.example",
		    INBOUND_TAKES },
		{ "shop@x.in.example", "shop@in.example", INBOUND_TAKES },
		{ "\"A\" <a@c.example>", "A@C.example", INBOUND_SAME_FROM },
		{ "a@c.example", "a@c.example, <A@c.example>",
		    INBOUND_SAME_FROM },
		/* A copy for oneself is no forgery. */
		{ "a@c.example", "shop@in.example, a@c.example",
		    INBOUND_TAKES },
		{ "a@c.example, b@c.example", "a@c.example", INBOUND_TAKES },
		{ "", "", INBOUND_TAKES },
		{ "a@c.example", "", INBOUND_TAKES },
		{ "undisclosed:;", "undisclosed:;", INBOUND_TAKES },
	};
	struct inbound_settings none = *in;

	(void)state;
	none.refuse_own_from = none.refuse_same_from = false;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct slice from = slice_of(cases[i].from);
		struct slice to = slice_of(cases[i].to);

		if (inbound_judge(in, &from, 1, &to, 1) != cases[i].want)
			fail_msg("case %zu", i);
		assert_int_equal(inbound_judge(&none, &from, 1, &to, 1),
		    INBOUND_TAKES);
	}
	assert_int_equal(inbound_judge(in, NULL, 0, NULL, 0), INBOUND_TAKES);
}

static struct filter_values *
values_of(struct arena *arena, const char *subject, const char *keep)
{
	struct header_field *f = arena_calloc(arena, 2, sizeof(*f));
	size_t n = 0;

	assert_non_null(f);
	if (subject != NULL)
		f[n++] = (struct header_field){ SLICE("subject"),
			slice_of(subject) };
	if (keep != NULL)
		f[n++] =
		    (struct header_field){ SLICE("X-Keep"), slice_of(keep) };
	return filter_values_new(arena, f, n);
}

static void
test_filters(void **state)
{
	static const struct {
		const char *subject, *keep, *recipient, *want;
	} cases[] = {
		{ "order 1", NULL, "shop@in.example", "both" },
		{ "=?utf-8?q?order_2?=", NULL, "shop@in.example", "both" },
		{ "order 3", NULL, "info@in.example", "one" },
		{ "an order", "yes", "shop@in.example", "rest" },
		{ "an order", NULL, "shop@in.example", NULL },
		{ NULL, NULL, "shop@in.example", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *arena = arena_new(1 << 20);
		const struct inbound_filter *f = NULL;

		assert_int_equal(inbound_filter_of(in,
				     values_of(arena, cases[i].subject,
					 cases[i].keep),
				     slice_of(cases[i].recipient), &f),
		    0);
		if (cases[i].want == NULL
			? f != NULL
			: f == NULL ||
			      !slice_eq(f->name, slice_of(cases[i].want)))
			fail_msg("case %zu", i);
		arena_free(arena);
	}
}

static void
test_forwarding(void **state)
{
	static const struct {
		const char *subject, *keep, *recipient, *want;
	} cases[] = {
		{ "order", NULL, "shop@in.example", "c1" },
		/* An address gets it once. */
		{ "order", "yes", "shop@in.example", "c1" },
		{ "x", "yes", "shop@in.example", "c2" },
		{ "x", NULL, "boss@in.example", "r1!" },
		{ "x", NULL, "theboss@in.example", "r2!" },
		{ "order", NULL, "boss@in.example", "c1r1!" },
		{ "x", NULL, "shop@in.example", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *arena = arena_new(1 << 20);
		struct inbound_forwarding f;
		char got[100] = "";

		assert_int_equal(inbound_forward(in,
				     values_of(arena, cases[i].subject,
					 cases[i].keep),
				     slice_of(cases[i].recipient), &f),
		    0);
		for (size_t n = 0; n < f.count; n++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got),
			    "%.*s", SLICE_F(f.to[n]->name));
		if (f.redirected)
			got[strlen(got)] = '!';
		assert_string_equal(got, cases[i].want);
		arena_free(arena);
	}
}

static char wrong[1000];

static void
note_wrong(void *ctx, const char *path, const char *text)
{
	(void)ctx;
	snprintf(wrong + strlen(wrong), sizeof(wrong) - strlen(wrong),
	    "%s: %s\n", path, text);
}

static void
test_what_is_wrong_is_told(void **state)
{
	struct json *doc = parse(
	    "{\"inbound\":{\"domains\":[\"in.example\"],\"interval_ms\":5,"
	    "\"filters\":[{\"name\":\"a\",\"webhooks\":[\"none\"]},"
	    "{\"name\":\"a\",\"conditions\":[{\"header\":\"Subject\","
	    "\"pattern\":\"(\"}]}],"
	    "\"forwarding\":[{\"name\":\"f\",\"header\":\"Subject\","
	    "\"pattern\":\".*\",\"to\":\"x@IN.example\"}]}}");

	(void)state;
	wrong[0] = '\0';
	assert_int_equal(settings_validate(doc, SLICE("shop"), NULL, note_wrong,
			     NULL),
	    5);
	assert_non_null(strstr(wrong, "/inbound/interval_ms: must be 0 or 10"));
	assert_non_null(strstr(wrong, "/inbound/filters/0/webhooks/0: is no"));
	assert_non_null(strstr(wrong, "/inbound/filters/1/name: "));
	assert_non_null(
	    strstr(wrong, "/inbound/filters/1/conditions/0/pattern: "));
	assert_non_null(strstr(wrong, "/inbound/forwarding/0/to: is in an "));
	json_free(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_forwarding),
		cmocka_unit_test(test_what_is_wrong_is_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
