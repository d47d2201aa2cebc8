/* SPDX-License-Identifier: BSD-2-Clause */
/* The section relay: what is refused, what it becomes, and who may do what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/relay_access.h"
#include "proto/schema.h"
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
	static const char empty[] = "/relay/networks must not be empty, as "
				    "nobody else may connect|";
	(void)state;
	refused("{\"relay\":{}}", "");
	refused("{\"relay\":{\"authentication\":\"network-or-auth\"}}", "");
	refused("{\"relay\":{\"authentication\":\"network\"}}", empty);
	refused("{\"relay\":{\"authentication\":\"auth-optional\"}}", empty);
	refused("{\"relay\":{\"authentication\":\"network-and-auth\"}}", empty);
	refused("{\"relay\":{\"authentication\":\"network-or-auth\","
		"\"refuse_others\":true}}",
	    empty);
	refused("{\"relay\":{\"authentication\":\"network\","
		"\"networks\":[\"192.0.2.1\",\"2001:db8::/32\","
		"\"::ffff:192.0.2.0/120\"]}}",
	    "");
	refused("{\"relay\":{\"lock_out\":{\"period\":\"25h\"}}}",
	    "/relay/lock_out/period must be 1s to 24h|");
}

struct fixture {
	struct json *docs[8];
	struct settings_input inputs[8];
	size_t count;
};

static void
with(struct fixture *f, const char *name, const char *text)
{
	f->docs[f->count] = parse(text);
	f->inputs[f->count] =
	    (struct settings_input){ slice_of(name), 1, f->docs[f->count] };
	f->count++;
}

static struct settings *
compiled(struct fixture *f)
{
	struct settings *s = NULL;
	struct buf errors;

	buf_init(&errors, 10000);
	(void)settings_compile(f->inputs, f->count, NULL, collect, &errors, &s);
	assert_string_equal(buf_text(&errors), "");
	buf_done(&errors);
	for (size_t i = 0; i < f->count; i++)
		json_free(f->docs[i]);
	f->count = 0;
	return s;
}

static void
test_compiled(void **state)
{
	struct fixture f = { .count = 0 };
	struct settings *s;
	const struct relay_settings *r;

	(void)state;
	with(&f, "shop",
	    "{\"relay\":{\"authentication\":\"network-and-auth\","
	    "\"refuse_others\":true,\"networks\":[\"192.0.2.1\"],"
	    "\"plain_text_auth\":true,\"mechanisms\":[\"LOGIN\"],"
	    "\"lock_out\":{\"failures\":3,\"period\":\"2m\"},"
	    "\"max_sessions\":7,\"max_sessions_per_client\":2,"
	    "\"interval_ms\":10,\"interval_per_client_ms\":20,"
	    "\"max_size_kb\":4}}");
	s = compiled(&f);
	r = &settings_tenant(s, SLICE("shop"))->relay;
	assert_int_equal(r->authentication, RELAY_NETWORK_AND_AUTH);
	assert_true(r->refuse_others && r->plain_text_auth);
	assert_int_equal(r->network_count, 1);
	assert_int_equal(r->mechanisms, RELAY_LOGIN);
	assert_int_equal(r->lock_failures, 3);
	assert_int_equal(r->lock_period_ms, 120000);
	assert_int_equal(r->max_sessions, 7);
	assert_int_equal(r->max_sessions_per_client, 2);
	assert_int_equal(r->interval_ms, 10);
	assert_int_equal(r->interval_per_client_ms, 20);
	assert_int_equal(r->max_size, 4096);
	r = &settings_tenant(s, SLICE("default"))->relay;
	assert_int_equal(r->authentication, RELAY_OFF);
	assert_int_equal(r->mechanisms, RELAY_PLAIN | RELAY_LOGIN);
	assert_int_equal(r->lock_failures, 10);
	assert_int_equal(r->lock_period_ms, 15 * 60000);
	assert_false(r->plain_text_auth || r->refuse_others);
	settings_unref(s);
}

/* Every combination there is: connect, AUTH, send. */
static void
test_access(void **state)
{
	static const char *const table[5][2][4] = {
		/* refuse_others no: neither, login, listed, both; then yes */
		[RELAY_OFF] = { { "cas", "cas", "cas", "cas" },
		    { "cas", "cas", "cas", "cas" } },
		[RELAY_NETWORK_OR_AUTH] = { { "ca-", "cas", "cas", "cas" },
		    { "-a-", "-a-", "cas", "cas" } },
		[RELAY_AUTH_OPTIONAL] = { { "-a-", "-a-", "cas", "cas" },
		    { "-a-", "-a-", "cas", "cas" } },
		[RELAY_NETWORK_AND_AUTH] = { { "-a-", "-a-", "ca-", "cas" },
		    { "-a-", "-a-", "ca-", "cas" } },
		[RELAY_NETWORK] = { { "---", "---", "c-s", "c-s" },
		    { "---", "---", "c-s", "c-s" } },
	};

	(void)state;
	for (unsigned mode = 0; mode < 5; mode++)
		for (unsigned refuse = 0; refuse < 2; refuse++)
			for (unsigned who = 0; who < 4; who++) {
				struct relay_settings r = {
					.authentication =
					    (enum relay_authentication)mode,
					.refuse_others = refuse != 0,
				};
				struct relay_access a = relay_access(&r,
				    (who & 2) != 0, (who & 1) != 0);
				char got[4] = { a.connect ? 'c' : '-',
					a.auth ? 'a' : '-', a.send ? 's' : '-',
					0 };

				assert_string_equal(got,
				    table[mode][refuse][who]);
			}
}

static void
test_listed(void **state)
{
	static const struct {
		const char *client;
		bool listed;
	} cases[] = {
		{ "192.0.2.1", true },
		{ "192.0.2.2", false },
		{ "::ffff:192.0.2.1", true },
		{ "10.255.0.1", true },
		{ "11.0.0.0", false },
		{ "::ffff:10.1.2.3", true },
		{ "2001:db8:ffff::1", true },
		{ "2001:db9::1", false },
		{ "198.51.100.127", true },
		{ "198.51.100.128", false },
		{ "203.0.113.9", true },
		{ "::ffff:203.0.113.9", true },
		{ "::203.0.113.9", false },
	};
	struct fixture f = { .count = 0 };
	struct settings *s;

	(void)state;
	with(&f, "shop",
	    "{\"relay\":{\"networks\":[\"192.0.2.1\",\"10.0.0.0/8\","
	    "\"2001:db8::/32\",\"198.51.100.0/25\","
	    "\"::ffff:203.0.113.0/120\"]}}");
	s = compiled(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct schema_network client;

		assert_int_equal(schema_client_parse(slice_of(cases[i].client),
				     &client),
		    0);
		assert_int_equal(relay_lists(&settings_tenant(s, SLICE("shop"))
						  ->relay,
				     &client),
		    cases[i].listed);
	}
	assert_false(
	    relay_lists(&settings_tenant(s, SLICE("shop"))->relay, NULL));
	settings_unref(s);
}

#define HASH \
	"\"key_hash\":\"$scrypt$ln=14,r=8,p=1$" \
	"AAAAAAAAAAAAAAAAAAAAAA==$" \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\""
#define SMTP_USER(name) \
	"{\"name\":\"" name "\"," HASH ",\"access\":[\"smtp\"]," \
	"\"permissions\":[\"read\"]}"

static bool
note(const struct tenant *t, void *ctx)
{
	assert_int_equal(buf_addf(ctx, "%.*s ", SLICE_F(t->name)), 0);
	return true;
}

static void
possible(const struct settings *s, struct tenant_match match, bool may_log_in,
    const char *want)
{
	struct buf got;

	buf_init(&got, 1000);
	settings_tenants_possible(s, &match, may_log_in, note, &got);
	assert_string_equal(buf_text(&got), want);
	buf_done(&got);
}

static void
is_tenant(const struct settings *s, struct tenant_match match, const char *want)
{
	assert_true(
	    slice_eq(settings_tenant_for(s, &match)->name, slice_of(want)));
}

static void
test_tenants(void **state)
{
	struct fixture f = { .count = 0 };
	struct settings *s;
	const struct tenant *a, *b, *home;

	(void)state;
	with(&f, "_global",
	    "{\"tenants\":["
	    "{\"name\":\"a\",\"match\":{\"port\":[587]}},"
	    "{\"name\":\"b\",\"match\":{\"sasl_user\":[\"guest@x.test\"]}},"
	    "{\"name\":\"c\",\"match\":{\"sender_domain\":[\"c.test\"]}},"
	    "{\"name\":\"d\",\"match\":{\"client\":[\"10.0.0.0/8\"]}}]}");
	with(&f, "home",
	    "{\"return_path\":{\"domain\":\"bounce.home.test\"},"
	    "\"api_users\":[" SMTP_USER(
		"app@home.test") ","
				 "{\"name\":\"off@home.test\",\"enabled\":false," HASH
				 ",\"access\":[\"smtp\"],\"permissions\":[\"read\"]},"
				 "{\"name\":\"api@home.test\"," HASH
				 ",\"access\":[\"api\"],\"permissions\":[\"read\"]}]}");
	s = compiled(&f);
	a = settings_tenant(s, SLICE("a"));
	b = settings_tenant(s, SLICE("b"));
	home = settings_tenant(s, SLICE("home"));

	is_tenant(s,
	    (struct tenant_match){ .listener_port = SLICE("25"),
		.sasl_user = SLICE("App@Home.test") },
	    "home");
	is_tenant(s,
	    (struct tenant_match){ .listener_port = SLICE("587"),
		.sasl_user = SLICE("app@home.test") },
	    "a");
	is_tenant(s,
	    (struct tenant_match){ .sasl_user = SLICE("off@home.test") },
	    "default");
	is_tenant(s,
	    (struct tenant_match){ .sasl_user = SLICE("api@home.test") },
	    "default");

	assert_true(settings_user_acts_for(s, SLICE("APP@home.test"), home));
	assert_false(settings_user_acts_for(s, SLICE("app@home.test"), a));
	assert_false(settings_user_acts_for(s, SLICE("off@home.test"), home));
	assert_false(settings_user_acts_for(s, SLICE("api@home.test"), home));
	assert_true(settings_user_acts_for(s, SLICE("guest@x.test"), b));
	assert_false(settings_user_acts_for(s, SLICE("guest@x.test"), a));
	assert_false(settings_user_acts_for(s, SLICE("nobody"), home));

	possible(s, (struct tenant_match){ .listener_port = SLICE("587") },
	    true, "a ");
	possible(s,
	    (struct tenant_match){ .listener_port = SLICE("25"),
		.client = SLICE("192.0.2.1") },
	    false, "c default ");
	possible(s, (struct tenant_match){ .client = SLICE("192.0.2.1") }, true,
	    "a b c home default ");
	possible(s, (struct tenant_match){ .client = SLICE("10.0.2.1") }, false,
	    "a c d ");
	possible(s,
	    (struct tenant_match){ .listener_port = SLICE("25"),
		.sasl_user = SLICE("app@home.test") },
	    true, "c home ");

	assert_non_null(settings_return_domain(s, SLICE("Bounce.home.test")));
	assert_null(settings_return_domain(s, SLICE("home.test")));
	settings_unref(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_listed),
		cmocka_unit_test(test_tenants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
