/* SPDX-License-Identifier: BSD-2-Clause */
/* Complaints in the settings, where mail comes back to, and which reader
 * gets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "bounced/route.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "util/err.h"

static struct json *
document(const char *text)
{
	struct json *doc = NULL;
	char error[200];

	assert_int_equal(json_parse(slice_of(text), SETTINGS_TEXT_MAX, &doc,
			     error, sizeof(error)),
	    0);
	return doc;
}

static const char tenant_a[] =
    "{\"return_path\": {\"domain\": \"Ret.a.test\"},"
    " \"complaints\": {\"addresses\": [\"fbl@FB.a.test\", \"x@ret.a.test\"],"
    "  \"block\": {\"count\": 3, \"observe\": true, \"watch_days\": 7},"
    "  \"cfbl\": true,"
    "  \"feedback_id\": {\"sender\": \"a-test\", \"header\": \"X-Kind\"}},"
    " \"domains\": [{\"name\": \"a.test\", \"envelope_sender\":"
    "   {\"mode\": \"verp\", \"domain\": \"v.a.test\"}},"
    "  {\"name\": \"b.test\", \"envelope_sender\":"
    "   {\"mode\": \"address\", \"address\": \"owner@lists.b.test\"}}]}";
static const char tenant_b[] =
    "{\"return_path\": {\"domain\": \"ret.a.test\"},"
    " \"inbound\": {\"domains\": [\"In.b.test\", \"ret.a.test\"]}}";

static struct settings *
compiled(void)
{
	struct settings_input docs[] = {
		{ .name = SLICE("a"), .doc = document(tenant_a) },
		{ .name = SLICE("b"), .doc = document(tenant_b) },
	};
	struct settings *s;

	assert_int_equal(settings_compile(docs, 2, NULL, NULL, NULL, &s), 0);
	for (size_t i = 0; i < 2; i++)
		json_free((struct json *)(uintptr_t)docs[i].doc);
	return s;
}

static void
test_compiled(void **state)
{
	struct settings *s = compiled();
	const struct complaint_settings *c =
	    &settings_tenant(s, SLICE("a"))->complaints;
	const struct complaint_settings *none =
	    &settings_tenant(s, SLICE("b"))->complaints;

	(void)state;
	assert_int_equal(c->address_count, 2);
	assert_true(slice_eq(c->addresses[0], SLICE("fbl@fb.a.test")));
	assert_true(c->block.enabled && c->block.observe);
	assert_int_equal(c->block.count, 3);
	assert_int_equal(c->block.watch_days, 7);
	assert_true(c->cfbl);
	assert_true(slice_eq(c->feedback_sender, SLICE("a-test")));
	assert_true(slice_eq(c->feedback_header, SLICE("X-Kind")));

	assert_int_equal(none->address_count, 0);
	assert_true(none->block.enabled && !none->block.observe);
	assert_int_equal(none->block.count, 1);
	assert_int_equal(none->feedback_sender.len, 0);
	assert_null(none->feedback_header.at);
	settings_unref(s);
}

static void
test_domains(void **state)
{
	static const struct {
		const char *name;
		unsigned kinds;
	} rows[] = {
		{ "ret.a.test",
		    RETURN_BOUNCES | RETURN_COMPLAINTS | RETURN_INBOUND },
		{ "v.a.test", RETURN_BOUNCES },
		{ "fb.a.test", RETURN_COMPLAINTS },
		{ "in.b.test", RETURN_INBOUND },
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	struct settings *s = compiled();

	(void)state;
	assert_int_equal(settings_return_domain_count(s), count);
	for (size_t i = 0; i < count; i++) {
		const struct return_domain *d =
		    settings_return_domain(s, slice_of(rows[i].name));

		assert_non_null(d);
		assert_true(slice_eq(d->name, slice_of(rows[i].name)));
		assert_int_equal(d->kinds, rows[i].kinds);
		assert_non_null(settings_return_domain(s,
		    settings_return_domain_at(s, i)->name));
		assert_ptr_equal(d->inbound,
		    (d->kinds & RETURN_INBOUND) != 0
			? settings_tenant(s, SLICE("b"))
			: NULL);
	}
	assert_non_null(settings_return_domain(s, SLICE("RET.A.test")));
	assert_null(settings_return_domain(s, SLICE("a.test")));
	assert_null(settings_return_domain(s, SLICE("lists.b.test")));
	settings_unref(s);
}

static void
test_route(void **state)
{
#define TAG "b-aeaaaaaamvzgk4tfon2gs3thebqxmylmnruwizjaobzg6y3bmvzxg"
	static const struct {
		const char *recipient;
		enum route route;
		const char *tenant;
	} rows[] = {
		{ TAG "@ret.a.test", ROUTE_RETURN, NULL },
		{ TAG "@was-ours.test", ROUTE_RETURN, NULL },
		/* Not a return path domain: such a name is nothing special. */
		{ TAG "@in.b.test", ROUTE_INBOUND, "b" },
		{ "fbl@fb.a.test", ROUTE_COMPLAINT, "a" },
		{ "x@ret.a.test", ROUTE_COMPLAINT, "a" },
		{ "other@fb.a.test", ROUTE_NONE, NULL },
		{ "y@ret.a.test", ROUTE_INBOUND, "b" },
		{ "y@v.a.test", ROUTE_NONE, NULL },
		{ "owner@lists.b.test", ROUTE_RETURN, NULL },
		{ "any@in.b.test", ROUTE_INBOUND, "b" },
		{ "any@sub.in.b.test", ROUTE_NONE, NULL },
		{ "a@a.test", ROUTE_NONE, NULL },
		{ "postmaster", ROUTE_NONE, NULL },
	};
	struct settings *s = compiled();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tenant *t = NULL;

		assert_int_equal(route_of(s, slice_of(rows[i].recipient), &t),
		    rows[i].route);
		if (rows[i].tenant == NULL)
			assert_null(t);
		else
			assert_true(
			    slice_eq(t->name, slice_of(rows[i].tenant)));
	}
	settings_unref(s);
}

static void
note(void *ctx, const char *path, const char *text)
{
	(void)text;
	*(char **)ctx = strdup(path);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *path;
	} rows[] = {
		{ "{\"complaints\": {\"cfbl\": true}}", "/complaints/cfbl" },
		{ "{\"complaints\": {\"addresses\": [\"a@-c.test\"]}}",
		    "/complaints/addresses/0" },
		{ "{\"complaints\": {\"feedback_id\": {\"sender\": \"a:bcde\"}"
		  "}}",
		    "/complaints/feedback_id/sender" },
		{ "{\"complaints\": {\"feedback_id\":"
		  " {\"sender\": \"abcde\", \"header\": \"Received\"}}}",
		    "/complaints/feedback_id/header" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json *doc = document(rows[i].text);
		char *path = NULL;

		assert_int_equal(settings_validate(doc, SLICE("a"), NULL, note,
				     &path),
		    1);
		assert_string_equal(path, rows[i].path);
		free(path);
		json_free(doc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
