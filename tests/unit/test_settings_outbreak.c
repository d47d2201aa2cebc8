/* SPDX-License-Identifier: BSD-2-Clause */
/* The section outbreak, and what blocking conditions say beside counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/settings.h"
#include "util/buf.h"
#include "util/err.h"

static struct json *
parse(const char *text)
{
	struct json *v = NULL;
	char error[200] = "";

	if (json_parse(slice_of(text), 1 << 20, &v, error, sizeof(error)) != 0)
		fail_msg("%s: %s", text, error);
	return v;
}

static struct settings *
compile(struct json *doc)
{
	struct settings_input in = { SLICE("default"), 1, doc };
	struct settings *s = NULL;

	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	return s;
}

static void
collect(void *ctx, const char *path, const char *text)
{
	(void)buf_addf(ctx, "%s %s|", path, text);
}

static void
bounds(void **state)
{
	static const struct {
		const char *doc, *errors;
	} cases[] = {
		{ "{\"outbreak\":{}}", "" },
		{ "{\"outbreak\":{\"window\":\"1m\",\"freeze\":\"30d\"}}", "" },
		{ "{\"outbreak\":{\"window\":\"59s\",\"freeze\":\"31d\"}}",
		    "/outbreak/window must be 1m to 24h|"
		    "/outbreak/freeze must be 1m to 30d|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json *doc = parse(cases[i].doc);
		struct buf errors;

		buf_init(&errors, 4096);
		(void)settings_validate(doc, SLICE("default"), NULL, collect,
		    &errors);
		assert_string_equal(buf_text(&errors), cases[i].errors);
		buf_done(&errors);
		json_free(doc);
	}
}

static void
defaults(void **state)
{
	struct json *doc = parse("{}");
	struct settings *s = compile(doc);
	const struct tenant *t = settings_tenant(s, SLICE("default"));
	const struct outbreak_settings *o = &t->outbreak;

	(void)state;
	assert_true(o->enabled);
	assert_int_equal(o->recipients, 50);
	assert_int_equal(o->share_percent, 50);
	assert_int_equal(o->window_ms, 600000);
	assert_int_equal(o->freeze_ms, 3600000);
	assert_int_equal(o->notify_count, 0);
	for (int i = 1; i < SETTINGS_STATUS_MAX; i++) {
		const struct blocking_condition *c = &t->conditions[i];

		assert_int_equal(c->lift_on_success, i == 3 || i == 5);
		assert_int_equal(c->any_fault,
		    !(i == 1 || i == 2 || i == 3 || i == 5 || i == 9));
		assert_false(c->stream_only);
	}
	settings_unref(s);
	json_free(doc);
}

static void
given(void **state)
{
	struct json *doc = parse(
	    "{\"outbreak\":{\"enabled\":false,\"recipients\":7,"
	    "\"share_percent\":80,\"window\":\"5m\",\"freeze\":\"2h\","
	    "\"notify\":[\"ops@Example.com\"]},\"blocking\":["
	    "{\"status\":2,\"lift_on_success\":true,\"any_fault\":true,"
	    "\"stream_only\":true},{\"status\":5,\"lift_on_success\":false}]}");
	struct settings *s = compile(doc);
	const struct tenant *t = settings_tenant(s, SLICE("default"));
	const struct outbreak_settings *o = &t->outbreak;

	(void)state;
	assert_false(o->enabled);
	assert_int_equal(o->recipients, 7);
	assert_int_equal(o->share_percent, 80);
	assert_int_equal(o->window_ms, 300000);
	assert_int_equal(o->freeze_ms, 7200000);
	assert_int_equal(o->notify_count, 1);
	assert_true(slice_eq(o->notify[0], SLICE("ops@example.com")));
	assert_true(t->conditions[2].lift_on_success);
	assert_true(t->conditions[2].any_fault);
	assert_true(t->conditions[2].stream_only);
	assert_int_equal(t->conditions[2].count, 1);
	assert_false(t->conditions[5].lift_on_success);
	assert_int_equal(t->conditions[5].watch_days, 7);
	settings_unref(s);
	json_free(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(defaults),
		cmocka_unit_test(given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
