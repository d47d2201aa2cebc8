/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings: judged, sealed, compiled, and asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/event.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "util/crypto.h"
#include "util/err.h"

static const struct master_key master = { { 1, 2, 3 } };
static const struct master_key other = { { 9 } };

static struct json *
parse(const char *text)
{
	struct json *v = NULL;
	char error[200] = "";

	if (json_parse(slice_of(text), 65536, &v, error, sizeof(error)) != 0)
		fail_msg("%s: %s", text, error);
	return v;
}

static void
collect(void *ctx, const char *path, const char *text)
{
	(void)buf_addf(ctx, "%s %s|", path, text);
}

#define SECRET "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
#define UNIQUE "{\"name\":\"x\"},{\"name\":\"X\"}"

static const struct {
	const char *name, *doc, *errors;
} cases[] = {
	{ "the template", "{\"title\":\"shop\"}", "" },
	{ "nothing", "{}", "" },
	{ "no object", "[]", " must be an object|" },
	{ "types and meaning are told together",
	    "{\"title\":5,\"api_users\":[{\"name\":\"a\"}]}",
	    "/title must be a string|"
	    "/api_users/0 must have the member \"key\"|" },
	{ "domains are unique without case",
	    "{\"domains\":[{\"name\":\"a.b\"},{\"name\":\"A.B\"}]}",
	    "/domains/1/name \"A.B\" is there already|" },
	{ "selectors are unique in a domain",
	    "{\"domains\":[{\"name\":\"a.b\",\"dkim\":["
	    "{\"selector\":\"s\",\"key\":\"x\"},"
	    "{\"selector\":\"s\",\"key\":\"x\"}]}]}",
	    "/domains/0/dkim/1/selector \"s\" is there already|"
	    "/domains/0/dkim/0/key is no private key in PEM form (RSA of 1024 "
	    "to 4096 bits, or Ed25519)|"
	    "/domains/0/dkim/1/key is no private key in PEM form (RSA of 1024 "
	    "to 4096 bits, or Ed25519)|" },
	{ "a status once",
	    "{\"blocking\":[{\"status\":2},{\"status\":3},{\"status\":2}]}",
	    "/blocking/2/status 2 is there already|" },
	{ "a status that does not exist", "{\"blocking\":[{\"status\":12}]}",
	    "/blocking/0/status must be one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
	    "11, 99|" },
	{ "a count of 0", "{\"blocking\":[{\"status\":2,\"count\":0}]}",
	    "/blocking/0/count must be at least 1|" },
	{ "a period beyond a year",
	    "{\"limits\":[{\"name\":\"l\",\"key\":[\"tenant\"],\"rates\":"
	    "[{\"quantity\":1,\"period\":\"367d\"},"
	    "{\"quantity\":1,\"period\":\"10ms\"}]}]}",
	    "/limits/0/rates/0/period must be 1s to 366d|"
	    "/limits/0/rates/1/period must be 1s to 366d|" },
	{ "a webhook with everything",
	    "{\"webhooks\":[{\"name\":\"h\",\"url\":\"https://a/\",\"events\":"
	    "[\"blocks\"],\"secrets\":[\"" SECRET "\"],\"api_key\":\"k\","
	    "\"authorization\":\"Bearer x\",\"batch_interval\":\"10m\"}]}",
	    "" },
	{ "a webhook that waits too long",
	    "{\"webhooks\":[{\"name\":\"h\",\"url\":\"https://a/\",\"events\":"
	    "[\"blocks\"],\"batch_interval\":\"11m\"}]}",
	    "/webhooks/0/batch_interval must be 10ms to 10m|" },
	{ "bad base64 of a secret",
	    "{\"webhooks\":[{\"name\":\"h\",\"url\":\"https://a/\",\"events\":"
	    "[\"blocks\"],\"secrets\":[\"" SECRET "A\"]}]}",
	    "/webhooks/0/secrets/0 must be \"whsec_\" and the base64 of 24 to "
	    "64 octets|" },
	{ "a key sealed by somebody else",
	    "{\"webhooks\":[{\"name\":\"h\",\"url\":\"https://a/\",\"events\":"
	    "[\"blocks\"],\"api_key\":\"enc:v1:AAAA\"}]}",
	    "/webhooks/0/api_key is sealed for another place, another tenant "
	    "or with another master key|" },
	{ "users are unique",
	    "{\"api_users\":[{\"name\":\"a\",\"key\":\"abcdefg1\"},"
	    "{\"name\":\"A\",\"key\":\"abcdefg1\"}]}",
	    "/api_users/1/name \"A\" is there already|" },
	{ "a key without a digit",
	    "{\"api_users\":[{\"name\":\"a\",\"key\":\"abcdefgh\"}]}",
	    "/api_users/0/key must match ^(?=.*[A-Za-z])(?=.*[0-9])[ -~]+$|" },
	{ "a short key", "{\"api_users\":[{\"name\":\"a\",\"key\":\"a1\"}]}",
	    "/api_users/0/key must have at least 8 characters|" },
};

static void
test_validate(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct json *doc = parse(cases[i].doc);
		struct buf out;

		print_message("# %s\n", cases[i].name);
		buf_init(&out, 10000);
		(void)settings_validate(doc, SLICE("shop"), &master, collect,
		    &out);
		assert_string_equal(buf_text(&out), cases[i].errors);
		buf_done(&out);
		json_free(doc);
	}
}

static void
test_names(void **state)
{
	(void)state;
	assert_true(settings_name_ok(SLICE("shop-1_a")));
	assert_true(settings_name_ok(SLICE(SETTINGS_GLOBAL)));
	assert_false(settings_name_ok(SLICE("")));
	assert_false(settings_name_ok(SLICE("Shop")));
	assert_false(settings_name_ok(SLICE("_x")));
	assert_false(settings_name_ok(SLICE("a}b")));
	assert_false(
	    settings_name_ok(SLICE("a23456789012345678901234567890123")));
}

static struct json *
with_secrets(void)
{
	struct sign_key *key = NULL;
	struct json *doc = parse(
	    "{\"domains\":[{\"name\":\"Example.COM\",\"subdomains\":true,"
	    "\"dkim\":[{\"selector\":\"s1\"}]},{\"name\":\"sub.example.com\"},"
	    "{\"name\":\"a.example\"}],"
	    "\"webhooks\":[{\"name\":\"h\",\"url\":\"https://a/\",\"events\":"
	    "[\"blocks\",\"deliveries\"],\"deliveries\":[\"failed\"],"
	    "\"secrets\":[\"" SECRET "\"],\"api_key\":\"k\","
	    "\"authorization\":\"Bearer x\"}],"
	    "\"api_users\":[{\"name\":\"App@example.com\","
	    "\"key\":\"correct-horse-1\",\"access\":[\"smtp\"],"
	    "\"permissions\":[\"read\",\"admin\"]}]}");
	struct buf pem;

	buf_init(&pem, 10000);
	assert_int_equal(sign_key_generate(SIGN_ED25519_SHA256, 0, &key), 0);
	assert_int_equal(sign_key_pem(key, &pem), 0);
	assert_int_equal(
	    json_set_string(json_at(json_get(json_at(json_get(doc, "domains"),
						 0),
					"dkim"),
				0),
		"key", buf_slice(&pem)),
	    0);
	sign_key_free(key);
	buf_done(&pem);
	return doc;
}

static void
test_seal(void **state)
{
	struct json *doc = with_secrets(), *again;
	struct buf out;

	(void)state;
	assert_int_equal(settings_validate(doc, SLICE("shop"), &master, NULL,
			     NULL),
	    0);
	assert_int_equal(settings_seal(doc, SLICE("shop"), &master), 0);
	assert_int_equal(settings_validate(doc, SLICE("shop"), &master, NULL,
			     NULL),
	    0);
	/* Nothing is left in the open. */
	buf_init(&out, 100000);
	assert_int_equal(json_print(doc, JSON_COMPACT, &out), 0);
	assert_null(slice_find(buf_slice(&out), SLICE("PRIVATE")));
	assert_null(slice_find(buf_slice(&out), SLICE("whsec")));
	assert_null(slice_find(buf_slice(&out), SLICE("Bearer")));
	assert_null(slice_find(buf_slice(&out), SLICE("horse")));
	/* Sealing twice changes nothing. */
	again = json_copy(doc);
	assert_int_equal(settings_seal(again, SLICE("shop"), &master), 0);
	assert_true(json_equal(doc, again));
	/* Another key or another tenant opens nothing; no key does not try. */
	assert_int_equal(settings_validate(doc, SLICE("shop"), &other, NULL,
			     NULL),
	    4);
	assert_int_equal(settings_validate(doc, SLICE("mall"), &master, NULL,
			     NULL),
	    4);
	assert_int_equal(settings_validate(doc, SLICE("mall"), NULL, NULL,
			     NULL),
	    0);
	assert_int_equal(settings_hide_secrets(again, SLICE("shop")), 0);
	buf_clear(&out);
	assert_int_equal(json_print(again, JSON_COMPACT, &out), 0);
	assert_null(slice_find(buf_slice(&out), SLICE("enc:v1:")));
	assert_non_null(slice_find(buf_slice(&out), SLICE("(sealed)")));
	buf_done(&out);
	json_free(again);
	json_free(doc);
}

static void
test_compile_secrets(void **state)
{
	struct json *doc = with_secrets();
	struct settings_input in = { SLICE("shop"), 7, doc };
	const struct tenant *t, *of = NULL;
	const struct settings_domain *d;
	const struct api_user *u;
	struct settings *s = NULL;

	(void)state;
	assert_int_equal(settings_seal(doc, SLICE("shop"), &master), 0);
	assert_int_equal(settings_compile(&in, 1, &master, NULL, NULL, &s), 0);
	t = settings_tenant(s, SLICE("shop"));
	assert_non_null(t);
	assert_int_equal(t->revision, 7);
	assert_true(slice_eq(t->title, SLICE("shop")));
	assert_int_equal(t->webhook_count, 1);
	assert_true(slice_eq(t->webhooks[0].secrets[0], SLICE(SECRET)));
	assert_true(slice_eq(t->webhooks[0].api_key, SLICE("k")));
	assert_true(slice_eq(t->webhooks[0].authorization, SLICE("Bearer x")));
	assert_int_equal(t->webhooks[0].events,
	    WEBHOOK_BLOCKS | WEBHOOK_DELIVERIES);
	assert_int_equal(t->webhooks[0].deliveries, 1U << EVENT_FAILED);
	assert_int_equal(t->webhooks[0].batch_events, 100);
	assert_int_equal(t->webhooks[0].batch_ms, 1000);
	u = settings_user(s, SLICE("app@EXAMPLE.com"), &of);
	assert_non_null(u);
	assert_ptr_equal(of, t);
	assert_true(u->smtp && !u->api && u->enabled);
	assert_int_equal(u->permissions, API_READ | API_ADMIN);
	assert_int_equal(crypto_password_verify(SLICE("correct-horse-1"),
			     u->key_hash),
	    1);
	assert_null(settings_user(s, SLICE("nobody"), &of));
	d = settings_signing_domain(t, SLICE("EXAMPLE.com"));
	assert_non_null(d);
	assert_int_equal(d->selector_count, 1);
	assert_int_equal(d->selectors[0].state, DKIM_ACTIVE);
	assert_non_null(d->selectors[0].key);
	assert_ptr_equal(settings_signing_domain(t, SLICE("x.y.example.com")),
	    d);
	assert_true(
	    slice_eq(settings_signing_domain(t, SLICE("sub.example.com"))->name,
		SLICE("sub.example.com")));
	assert_null(settings_signing_domain(t, SLICE("x.a.example")));
	assert_null(settings_signing_domain(t, SLICE("com")));
	assert_null(settings_signing_domain(t, SLICE("")));
	settings_unref(settings_ref(s));
	settings_unref(s);
	/* Without the master key the rest is there. */
	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	t = settings_tenant(s, SLICE("shop"));
	assert_int_equal(t->webhooks[0].secret_count, 0);
	assert_null(t->webhooks[0].api_key.at);
	assert_null(t->domains[2].selectors[0].key);
	settings_unref(s);
	json_free(doc);
}

static void
test_defaults(void **state)
{
	static const struct {
		int status;
		bool enabled;
		unsigned count, watch_days;
	} want[] = { { 1, true, 3, 0 }, { 2, true, 1, 0 }, { 3, false, 5, 0 },
		{ 4, false, 1, 0 }, { 5, true, 5, 7 }, { 6, false, 1, 0 },
		{ 7, false, 1, 0 }, { 8, false, 1, 0 }, { 9, true, 1, 0 },
		{ 10, false, 1, 0 }, { 11, false, 1, 0 }, { 99, false, 1, 0 } };
	struct tenant_match nothing = { .sasl_user = { NULL, 0 } };
	const struct tenant *t;
	struct settings *s = NULL;

	(void)state;
	assert_int_equal(settings_compile(NULL, 0, NULL, NULL, NULL, &s), 0);
	t = settings_tenant_for(s, &nothing);
	assert_ptr_equal(t, settings_tenant(s, SLICE("default")));
	assert_int_equal(settings_tenant_count(s), 1);
	assert_ptr_equal(settings_tenant_at(s, 0), t);
	assert_null(settings_tenant_at(s, 1));
	assert_int_equal(t->suppression, MODE_ENFORCE);
	assert_int_equal(t->on_suppressed, SUPPRESSED_REJECT);
	assert_int_equal(t->suppression_unavailable, UNAVAILABLE_TEMPFAIL);
	assert_int_equal(t->received, RECEIVED_ABBREVIATED);
	assert_int_equal(t->return_path_domain.len, 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct blocking_condition *c =
		    &t->conditions[want[i].status];

		assert_int_equal(c->enabled, want[i].enabled);
		assert_int_equal(c->count, want[i].count);
		assert_int_equal(c->watch_days, want[i].watch_days);
		assert_false(c->observe || c->once_per_day);
	}
	settings_unref(s);
}

static void
test_sections(void **state)
{
	struct json *doc = parse(
	    "{\"title\":\"Shop\",\"received\":\"remove\",\"return_path\":"
	    "{\"domain\":\"B.example\"},\"suppression\":{\"mode\":\"observe\","
	    "\"on_suppressed\":\"accept\",\"when_unavailable\":\"pass\"},"
	    "\"blocking\":[{\"status\":5,\"observe\":true,\"forget_days\":9},"
	    "{\"status\":2,\"enabled\":false}],\"limits\":[{\"name\":\"l\","
	    "\"mode\":\"observe\",\"key\":[\"client\",\"sasl_user\"],"
	    "\"per_recipient\":true,\"rates\":[{\"quantity\":100,\"period\":"
	    "\"1h\",\"burst\":20},{\"quantity\":1000,\"period\":\"1d\"}]}]}");
	struct settings_input in = { SLICE("default"), 1, doc };
	const struct tenant *t;
	struct settings *s = NULL;

	(void)state;
	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	t = settings_tenant(s, SLICE("default"));
	assert_true(slice_eq(t->title, SLICE("Shop")));
	assert_int_equal(t->received, RECEIVED_REMOVE);
	assert_true(slice_eq(t->return_path_domain, SLICE("b.example")));
	assert_int_equal(t->suppression, MODE_OBSERVE);
	assert_int_equal(t->on_suppressed, SUPPRESSED_ACCEPT);
	assert_int_equal(t->suppression_unavailable, UNAVAILABLE_PASS);
	/* What is not given stays as by default. */
	assert_true(t->conditions[5].enabled && t->conditions[5].observe);
	assert_int_equal(t->conditions[5].count, 5);
	assert_int_equal(t->conditions[5].watch_days, 7);
	assert_int_equal(t->conditions[5].forget_days, 9);
	assert_false(t->conditions[2].enabled);
	assert_true(t->conditions[1].enabled);
	assert_int_equal(t->limit_count, 1);
	assert_int_equal(t->limits[0].mode, MODE_OBSERVE);
	assert_int_equal(t->limits[0].keys,
	    LIMIT_BY_CLIENT | LIMIT_BY_SASL_USER);
	assert_true(t->limits[0].per_recipient);
	assert_int_equal(t->limits[0].rate_count, 2);
	assert_int_equal(t->limits[0].rates[0].quantity, 100);
	assert_int_equal(t->limits[0].rates[0].burst, 20);
	assert_int_equal(t->limits[0].rates[0].period_us, 3600000000);
	assert_int_equal(t->limits[0].rates[1].burst, 1000);
	settings_unref(s);
	json_free(doc);
}

static const char rules[] =
    "{\"tenants\":["
    "{\"name\":\"both\",\"match\":{\"sasl_user\":[\"U\"],"
    "\"sender_domain\":[\"d.example\"]}},"
    "{\"name\":\"net\",\"match\":{\"client\":[\"10.0.0.0/8\","
    "\"2001:db8::/33\"],\"port\":[587,10587]}},"
    "{\"name\":\"user\",\"match\":{\"sasl_user\":[\"u\",\"v\"]}},"
    "{\"name\":\"domain\",\"match\":{\"sender_domain\":[\"D.example\","
    "\"e.example\"]}},"
    "{\"name\":\"late\",\"match\":{\"sasl_user\":[\"v\",\"w\"]}},"
    "{\"name\":\"default\",\"match\":{\"port\":[2525]}},"
    "{\"name\":\"rest\",\"match\":{\"client\":[\"0.0.0.0/0\"]}}]}";

static const struct {
	const char *name, *port, *user, *client, *sender, *tenant;
} matches[] = {
	{ "nothing is known", NULL, NULL, NULL, NULL, "default" },
	{ "all lists of a rule must match", NULL, "u", NULL, "x@d.example",
	    "both" },
	{ "one list is not enough", NULL, "u", NULL, "x@other.example",
	    "user" },
	{ "case does not count", NULL, "V", NULL, NULL, "user" },
	{ "the first entry wins", "587", "v", "10.1.2.3", NULL, "net" },
	{ "another port", "25", "v", "10.1.2.3", NULL, "user" },
	{ "a later entry of the same user", NULL, "w", NULL, "x@e.example",
	    "domain" },
	{ "an IPv6 network", "587", NULL, "2001:db8:7fff::1", NULL, "net" },
	{ "beyond its bits", "587", NULL, "2001:db8:8000::1", NULL, "default" },
	{ "IPv4 in IPv6", "10587", NULL, "::ffff:10.0.0.1", NULL, "net" },
	{ "a domain without those below it", NULL, NULL, NULL, "x@a.e.example",
	    "default" },
	{ "a rule may name the default tenant", "2525", NULL, "192.0.2.1", NULL,
	    "default" },
	{ "0.0.0.0/0 is every IPv4 client", "25", NULL, "192.0.2.1", NULL,
	    "rest" },
	{ "what is no address is no client", "25", NULL, "unknown", NULL,
	    "default" },
	{ "the null sender has no domain", NULL, NULL, NULL, "", "default" },
};

static void
test_tenant_rules(void **state)
{
	struct json *doc = parse(rules), *shop = parse("{}");
	struct settings_input in[] = { { SLICE("net"), 3, shop },
		{ SLICE(SETTINGS_GLOBAL), 1, doc } };
	struct settings *s = NULL;

	(void)state;
	assert_int_equal(settings_compile(in, 2, NULL, NULL, NULL, &s), 0);
	assert_int_equal(settings_tenant_count(s), 7);
	for (size_t i = 0; i < sizeof(matches) / sizeof(*matches); i++) {
		struct tenant_match m = { slice_of(matches[i].port),
			slice_of(matches[i].user), slice_of(matches[i].client),
			slice_of(matches[i].sender) };

		print_message("# %s\n", matches[i].name);
		assert_true(slice_eq(settings_tenant_for(s, &m)->name,
		    slice_of(matches[i].tenant)));
	}
	settings_unref(s);
	json_free(doc);
	json_free(shop);
}

static void
test_refused(void **state)
{
	struct json *a = parse("{\"api_users\":[{\"name\":\"u\",\"key_hash\":"
			       "\"$scrypt$ln=14,r=8,p=1$AA$AA\"}]}"),
		    *bad = parse("{\"x\":1}"),
		    *empty = parse("{\"tenants\":[{\"name\":\"a\",\"match\":"
				   "{}}]}");
	struct settings_input same[] = { { SLICE("a"), 1, a },
		{ SLICE("b"), 1, a } };
	struct settings_input wrong[] = { { SLICE("a"), 1, bad },
		{ SLICE(SETTINGS_GLOBAL), 1, empty } };
	struct settings *s = NULL;
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(settings_compile(same, 2, NULL, collect, &out, &s),
	    ERR_CONFIG);
	assert_string_equal(buf_text(&out),
	    "/api_users/0/name b: tenant \"a\" has this user already|");
	buf_clear(&out);
	assert_int_equal(settings_compile(wrong, 2, NULL, collect, &out, &s),
	    ERR_CONFIG);
	assert_string_equal(buf_text(&out),
	    "/x a: is not a known member|/tenants/0/match _global: must have "
	    "at least 1 members|");
	assert_null(s);
	buf_done(&out);
	json_free(a);
	json_free(bad);
	json_free(empty);
}

static void
test_templates(void **state)
{
	static const char *const names[] = { "default", "shop",
		SETTINGS_GLOBAL };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct json *doc = settings_template(slice_of(names[i]));

		assert_non_null(doc);
		assert_int_equal(settings_validate(doc, slice_of(names[i]),
				     NULL, NULL, NULL),
		    0);
		json_free(doc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validate),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_compile_secrets),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_tenant_rules),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
