/* SPDX-License-Identifier: BSD-2-Clause */
/* Shaping: the settings' section and the provider file, judged, compiled and
 * asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/settings.h"
#include "proto/zone.h"
#include "util/crypto.h"
#include "util/err.h"

static const struct master_key master = { { 1, 2, 3 } };

static struct json *
parse(const char *text)
{
	struct json *v = NULL;
	char error[200] = "";

	if (json_parse(slice_of(text), 1 << 20, &v, error, sizeof(error)) != 0)
		fail_msg("%s: %s", text, error);
	return v;
}

static void
collect(void *ctx, const char *path, const char *text)
{
	(void)buf_addf(ctx, "%s %s|", path, text);
}

#define F(name, pattern, more) \
	"{\"name\":\"" name "\",\"patterns\":[\"" pattern "\"]" more "}"
#define ALL(shaping) "{\"tenants\":[],\"shaping\":{" shaping "}}"
#define FILTERS(list) ALL("\"filters\":[" list "]")
#define ADDRESSES(list) ALL("\"addresses\":[" list "]")

static const struct {
	const char *name, *doc, *errors;
} cases[] = {
	{ "nothing", "{\"tenants\":[]}", "" },
	{ "an empty section", ALL(""), "" },
	{ "a filter", FILTERS(F("a", ".*@a\\\\.example", "")), "" },
	{ "names once", FILTERS(F("a", ".*", "") "," F("a", ".+", "")),
	    "/shaping/filters/1/name \"a\" is there already|" },
	{ "names as transports have them",
	    FILTERS(F("a_b", ".*", "") "," F("-a", ".*", "")),
	    "/shaping/filters/0/name must match "
	    "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$|"
	    "/shaping/filters/1/name must match "
	    "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$|" },
	{ "an expression that is none", FILTERS(F("a", "a(b", "")),
	    "/shaping/filters/0/patterns/0 is no good expression: missing "
	    "closing parenthesis at offset 3|" },
	{ "the name of a host without host_name",
	    FILTERS(F("a", "mx\\\\.example\\\\.com", "")),
	    "/shaping/filters/0/patterns/0 matches no whole address; for the "
	    "name of an MX host, set host_name|" },
	{ "an address with host_name",
	    FILTERS(F("a", ".*@example", ",\"host_name\":true")),
	    "/shaping/filters/0/patterns/0 has an \"@\", which is in no name "
	    "of an MX host|" },
	{ "reply rules",
	    FILTERS(F("a", ".*",
		",\"rules\":[{\"pattern\":\"4\\\\.7\",\"action\":"
		"\"suspend\",\"for\":\"10m\"},{\"pattern\":\"[\","
		"\"for\":\"25h\"}]")),
	    "/shaping/filters/0/rules/1/pattern is no good expression: "
	    "missing terminating ] for character class at offset 1|"
	    "/shaping/filters/0/rules/1/for must be 1s to 24h|" },
	{ "intervals",
	    FILTERS(
		F("a", ".*", ",\"interval_ms\":2000,\"max_interval_ms\":1000")),
	    "/shaping/filters/0/interval_ms is above max_interval_ms (1000)|" },
	{ "curves of retries",
	    ALL("\"retry\":{\"period\":\"31d\"},\"filters\":[" F("a", ".*",
		",\"retry\":{\"mode\":\"exact\",\"period\":\"1s\"}") "]"),
	    "/shaping/retry/period must be 10s to 30d|"
	    "/shaping/filters/0/retry/period must be 10s to 30d|" },
	{ "a forwarding server",
	    FILTERS(F("a", ".*",
		",\"forward\":{\"host\":\"relay.example\",\"user\":\"u\","
		"\"password\":\"p\",\"tls\":\"verify\"}")),
	    "" },
	{ "user and password go together",
	    FILTERS(F("a", ".*",
		",\"forward\":{\"host\":\"r\",\"user\":\"u\"}") "," F("b", ".*",
		",\"forward\":{\"host\":\"r\",\"password\":\"p\"}")),
	    "/shaping/filters/0/forward/password is needed with a user|"
	    "/shaping/filters/1/forward/user is needed with a password|" },
	{ "an address to forward to",
	    FILTERS(F("a", ".*", ",\"forward\":{\"host\":\"[::1]\"}") "," F("b",
		".*", ",\"forward\":{\"host\":\"[1.2.3]\"}") "," F("c", ".*",
		",\"forward\":{\"host\":\"[0.0.0.0]\"}")),
	    "/shaping/filters/1/forward/host is no [address]|"
	    "/shaping/filters/2/forward/host is no [address]|" },
	{ "an address has no certificate",
	    FILTERS(F("a", ".*",
		",\"forward\":{\"host\":\"[::1]\",\"tls\":\"verify\"}")),
	    "/shaping/filters/0/forward/tls verify needs the name of a host|" },
	{ "addresses that are there",
	    ALL("\"addresses\":[{\"name\":\"x\",\"ipv4\":\"192.0.2.1\"}],"
		"\"filters\":[" F("a", ".*",
		    ",\"addresses\":[\"x\",\"y\",\"x\"]") "]"),
	    "/shaping/filters/0/addresses/1 \"y\" is none of "
	    "/shaping/addresses|"
	    "/shaping/filters/0/addresses/2 \"x\" is there already|" },
	{ "no more than there are",
	    ALL("\"addresses\":[{\"name\":\"x\",\"ipv4\":\"192.0.2.1\"}],"
		"\"filters\":[" F("a", ".*", ",\"address_count\":2") "]"),
	    "/shaping/filters/0/address_count is more than there are (1)|" },
	{ "sending addresses",
	    ADDRESSES("{\"name\":\"a\",\"ipv4\":\"192.0.2.1\"},"
		      "{\"name\":\"b\",\"ipv6\":\"2001:db8::1\"},"
		      "{\"name\":\"c\"},"
		      "{\"name\":\"d\",\"ipv4\":\"192.0.2.256\","
		      "\"ipv6\":\"192.0.2.1\"},"
		      "{\"name\":\"e\",\"ipv4\":\"0.0.0.0\",\"ipv6\":\"::\"},"
		      "{\"name\":\"a\",\"ipv4\":\"192.0.2.2\"}"),
	    "/shaping/addresses/5/name \"a\" is there already|"
	    "/shaping/addresses/2 must have ipv4, ipv6 or both|"
	    "/shaping/addresses/3/ipv4 is no IPv4 address to send from|"
	    "/shaping/addresses/3/ipv6 is no IPv6 address to send from|"
	    "/shaping/addresses/4/ipv4 is no IPv4 address to send from|"
	    "/shaping/addresses/4/ipv6 is no IPv6 address to send from|" },
	{ "days of warm-up plans",
	    ADDRESSES(
		"{\"name\":\"a\",\"ipv4\":\"192.0.2.1\",\"warm_up\":"
		"{\"start\":\"2028-02-29\",\"per_day\":[1]}},"
		"{\"name\":\"b\",\"ipv4\":\"192.0.2.1\",\"warm_up\":"
		"{\"start\":\"2027-02-29\",\"per_day\":[1],\"time_zone\":\"A/B\"}},"
		"{\"name\":\"c\",\"ipv4\":\"192.0.2.1\",\"warm_up\":"
		"{\"start\":\"2026-04-31\",\"per_day\":[1]}},"
		"{\"name\":\"d\",\"ipv4\":\"192.0.2.1\",\"warm_up\":"
		"{\"start\":\"2100-02-29\",\"per_day\":[1]}}"),
	    "/shaping/addresses/1/warm_up/start is no day of the calendar|"
	    "/shaping/addresses/1/warm_up/time_zone \"A/B\" is no time zone "
	    "that this host has in /usr/share/zoneinfo (is it spelled right, "
	    "and tzdata installed?)|"
	    "/shaping/addresses/2/warm_up/start is no day of the calendar|"
	    "/shaping/addresses/3/warm_up/start is no day of the calendar|" },
};

static const struct {
	const char *name, *doc, *errors;
} files[] = {
	{ "no filters", "{\"filters\":[]}", "" },
	{ "filters must be given", "{}", " must have the member \"filters\"|" },
	{ "no other members", "{\"note\":\"n\",\"filters\":[],\"x\":1}",
	    "/x is not a known member|" },
	{ "filters as in the settings",
	    "{\"filters\":[" F("a", "[", ",\"interval_ms\":-1") "]}",
	    "/filters/0/interval_ms must be at least 0|"
	    "/filters/0/patterns/0 is no good expression: missing terminating "
	    "] for character class at offset 1|" },
	{ "what belongs in the settings",
	    "{\"filters\":[" F("a", ".*",
		",\"addresses\":[\"x\"],\"address_count\":1,\"forward\":"
		"{\"host\":\"h\",\"user\":\"u\",\"password\":\"p\"}") "]}",
	    "/filters/0/addresses belongs in the settings, not in the "
	    "provider file|"
	    "/filters/0/address_count belongs in the settings, not in the "
	    "provider file|"
	    "/filters/0/forward belongs in the settings, not in the provider "
	    "file|" },
};

static void
judge(const char *title, const char *text, const char *name, const char *errors)
{
	struct json *doc = parse(text);
	struct buf out;
	unsigned n;

	print_message("# %s\n", title);
	buf_init(&out, 10000);
	n = settings_validate(doc, slice_of(name), &master, collect, &out);
	assert_string_equal(buf_text(&out), errors);
	assert_int_equal(n == 0, errors[0] == '\0');
	buf_done(&out);
	json_free(doc);
}

static void
test_validate(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		judge(cases[i].name, cases[i].doc, SETTINGS_GLOBAL,
		    cases[i].errors);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		judge(files[i].name, files[i].doc, SETTINGS_PROVIDERS,
		    files[i].errors);
}

/* providers may be NULL. */
static struct settings *
compile(const char *global, const char *providers)
{
	struct json *doc = parse(global),
		    *file = providers != NULL ? parse(providers) : NULL;
	struct settings_input in[] = { { SLICE(SETTINGS_GLOBAL), 1, doc },
		{ SLICE(SETTINGS_PROVIDERS), 0, file } };
	struct settings *s = NULL;
	struct buf out;

	buf_init(&out, 10000);
	if (settings_compile(in, file != NULL ? 2 : 1, &master, collect, &out,
		&s) != 0)
		fail_msg("%s", buf_text(&out));
	buf_done(&out);
	json_free(doc);
	json_free(file);
	return s;
}

static void
test_defaults(void **state)
{
	struct settings *s = compile(FILTERS(F("a", ".*", "")), NULL);
	const struct shaping *all = settings_shaping(s);
	const struct shaping_filter *f = shaping_filter_named(all, SLICE("a"));

	(void)state;
	assert_int_equal(all->mode, MODE_OFF);
	assert_int_equal(all->address_count, 0);
	assert_non_null(f);
	assert_false(f->host_name || f->fixed);
	assert_int_equal(f->connections, 10);
	assert_int_equal(f->interval_us, 0);
	assert_int_equal(f->max_interval_us, 60000000);
	assert_int_equal(f->messages_per_connection, 0);
	assert_int_equal(f->cache_size, 50);
	assert_int_equal(f->cache_idle_s, 5);
	assert_int_equal(f->address_count, 0);
	assert_int_equal(f->forward_host.len, 0);
	assert_false(f->retry.given || all->retry.given);
	assert_int_equal(f->rule_count, 0);
	assert_null(shaping_filter_named(all, SLICE("b")));
	settings_unref(s);
	/* Without any document, too. */
	assert_int_equal(settings_compile(NULL, 0, NULL, NULL, NULL, &s), 0);
	assert_int_equal(settings_shaping(s)->filter_count, 0);
	assert_int_equal(settings_shaping(s)->mode, MODE_OFF);
	settings_unref(s);
}

#define SOME \
	"{\"tenants\":[],\"shaping\":{\"mode\":\"enforce\",\"addresses\":[" \
	"{\"name\":\"one\",\"ipv4\":\"192.0.2.1\",\"ipv6\":\"2001:db8::1\"," \
	"\"host\":\"MX1.example\",\"helo\":\"out1.example\",\"warm_up\":{" \
	"\"start\":\"2026-11-23\",\"per_day\":[50,100]," \
	"\"time_zone\":\"Asia/Tokyo\"}}," \
	"{\"name\":\"two\",\"ipv4\":\"192.0.2.2\"}]," \
	"\"filters\":[" F("vip", "boss@.*", \
	    ",\"addresses\":[\"two\"]") "," F("g", \
	    "(?:.*\\\\.)?google\\\\.com", \
	    ",\"host_name\":true,\"connections\":3,\"interval_ms\":250," \
	    "\"fixed\":true,\"retry\":{\"mode\":\"exact\"},\"max_interval_ms\":1000," \
	    "\"messages_per_connection\":7,\"connection_cache\":{\"size\":0," \
	    "\"idle_s\":9},\"rules\":[{\"pattern\":\"4\\\\.7\\\\.28\"," \
	    "\"action\":\"suspend\",\"for\":\"2m\"},{\"pattern\":\"x\"}]") "," F("r", \
	    ".*@relay\\\\.example", \
	    ",\"address_count\":1,\"forward\":{\"host\":\"[2001:DB8::9]\"," \
	    "\"port\":587,\"tls\":\"encrypt\",\"user\":\"u\"," \
	    "\"password\":\"secret\"}") "]}}"
#define FILE_SOME \
	"{\"filters\":[" F("g", ".*", "") "," F("y", \
	    ".*\\\\.yahoodns\\\\.net", ",\"host_name\":true") "]}"

static void
test_compile(void **state)
{
	struct settings *s = compile(SOME, FILE_SOME);
	const struct shaping *all = settings_shaping(s);
	const struct shaping_filter *f;
	const struct sending_address *a = &all->addresses[0];

	(void)state;
	assert_int_equal(all->mode, MODE_ENFORCE);
	assert_int_equal(all->address_count, 2);
	assert_true(slice_eq(a->name, SLICE("one")));
	assert_true(slice_eq(a->ipv4, SLICE("192.0.2.1")));
	assert_true(slice_eq(a->ipv6, SLICE("2001:db8::1")));
	assert_true(slice_eq(a->host, SLICE("mx1.example")));
	assert_true(slice_eq(a->helo, SLICE("out1.example")));
	assert_true(a->warming);
	assert_int_equal(a->start_year, 2026);
	assert_int_equal(a->start_month, 11);
	assert_int_equal(a->start_day, 23);
	assert_int_equal(a->days, 2);
	assert_int_equal(a->per_day[1], 100);
	assert_int_equal(zone_offset(a->zone, 1800000000), 9 * 3600);
	assert_false(all->addresses[1].warming);
	/* The settings' own take the place of the file's. */
	assert_int_equal(all->filter_count, 4);
	assert_true(slice_eq(all->filters[3].name, SLICE("y")));
	f = shaping_filter_named(all, SLICE("g"));
	assert_true(f->host_name && f->fixed);
	assert_int_equal(f->connections, 3);
	assert_true(f->retry.given && f->retry.mode == RETRY_EXACT);
	assert_int_equal(f->interval_us, 250000);
	assert_int_equal(f->max_interval_us, 1000000);
	assert_int_equal(f->messages_per_connection, 7);
	assert_int_equal(f->cache_size, 0);
	assert_int_equal(f->cache_idle_s, 9);
	assert_int_equal(f->rule_count, 2);
	assert_int_equal(f->rules[0].action, SHAPING_SUSPEND);
	assert_int_equal(f->rules[0].for_ms, 120000);
	assert_int_equal(f->rules[1].action, SHAPING_SLOW);
	assert_int_equal(f->rules[1].for_ms, 300000);
	assert_int_equal(f->address_count, 2);
	f = shaping_filter_named(all, SLICE("r"));
	assert_true(slice_eq(f->forward_host, SLICE("[2001:db8::9]")));
	assert_int_equal(f->forward_port, 587);
	assert_int_equal(f->forward_tls, FORWARD_TLS_ENCRYPT);
	assert_true(slice_eq(f->forward_user, SLICE("u")));
	assert_true(slice_eq(f->forward_password, SLICE("secret")));
	assert_int_equal(f->address_count, 1);
	assert_int_equal(f->addresses[0], 0);
	f = shaping_filter_named(all, SLICE("vip"));
	assert_int_equal(f->address_count, 1);
	assert_int_equal(f->addresses[0], 1);
	settings_unref(s);
}

static void
test_providers_off(void **state)
{
	struct settings *s = compile(ALL("\"providers\":false"), FILE_SOME);

	(void)state;
	assert_int_equal(settings_shaping(s)->filter_count, 0);
	settings_unref(s);
	/* The file alone. */
	s = compile("{\"tenants\":[]}", FILE_SOME);
	assert_int_equal(settings_shaping(s)->filter_count, 2);
	assert_int_equal(settings_tenant_count(s), 1);
	settings_unref(s);
}

static void
test_password(void **state)
{
	struct slice name = SLICE(SETTINGS_GLOBAL);
	struct json *doc = parse(SOME);
	struct settings_input in = { name, 1, doc };
	struct settings *s = NULL;
	const struct shaping_filter *f;
	struct buf out;

	(void)state;
	assert_int_equal(settings_seal(doc, name, &master), 0);
	buf_init(&out, 100000);
	assert_int_equal(json_print(doc, JSON_COMPACT, &out), 0);
	assert_null(slice_find(buf_slice(&out), SLICE("secret")));
	assert_int_equal(settings_validate(doc, name, &master, NULL, NULL), 0);
	assert_true(settings_is_secret(name,
	    SLICE("/shaping/filters/2/forward/password")));
	assert_int_equal(settings_compile(&in, 1, &master, NULL, NULL, &s), 0);
	f = shaping_filter_named(settings_shaping(s), SLICE("r"));
	assert_true(slice_eq(f->forward_password, SLICE("secret")));
	settings_unref(s);
	/* Closed, without the master key. */
	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	f = shaping_filter_named(settings_shaping(s), SLICE("r"));
	assert_null(f->forward_password.at);
	settings_unref(s);
	assert_int_equal(settings_hide_secrets(doc, name), 0);
	buf_clear(&out);
	assert_int_equal(json_print(doc, JSON_COMPACT, &out), 0);
	assert_null(slice_find(buf_slice(&out), SLICE("enc:v1:")));
	buf_done(&out);
	json_free(doc);
}

static const struct {
	const char *recipient, *mx[3], *filter; /* NULL: none */
} matches[] = {
	{ "boss@a.example", { "aspmx.google.com" }, "vip" },
	{ "joe@a.example", { "aspmx.google.com" }, "g" },
	{ "joe@a.example", { "aspmx.l.google.com", "alt1.google.com" }, "g" },
	{ "joe@a.example", { "aspmx.google.com", "mx.other.example" }, NULL },
	{ "joe@a.example", { "aspmx.google.com.other.example" }, NULL },
	{ "joe@a.example", { "google.com" }, "g" },
	{ "joe@a.example", { "notgoogle.com" }, NULL },
	{ "joe@a.example", { NULL }, NULL },
	{ "joe@relay.example", { NULL }, "r" },
	{ "JOE@RELAY.EXAMPLE", { NULL }, "r" },
	{ "joe@relay.example.net", { NULL }, NULL },
	{ "joe@b.example", { "mta5.am0.yahoodns.net" }, "y" },
};

static void
test_match(void **state)
{
	struct settings *s = compile(SOME, FILE_SOME);
	const struct shaping *all = settings_shaping(s);

	(void)state;
	assert_true(shaping_needs_mx(all));
	for (size_t i = 0; i < sizeof(matches) / sizeof(*matches); i++) {
		struct slice mx[3];
		size_t count = 0;
		const struct shaping_filter *f;

		while (count < 3 && matches[i].mx[count] != NULL) {
			mx[count] = slice_of(matches[i].mx[count]);
			count++;
		}
		print_message("# %s\n", matches[i].recipient);
		f = shaping_match(all, slice_of(matches[i].recipient), mx,
		    count);
		if (matches[i].filter == NULL)
			assert_null(f);
		else
			assert_true(
			    slice_eq(f->name, slice_of(matches[i].filter)));
	}
	settings_unref(s);
	s = compile(FILTERS(F("a", ".*", "")), NULL);
	assert_false(shaping_needs_mx(settings_shaping(s)));
	settings_unref(s);
}

static void
expect_transport(const struct shaping *all, const char *filter, size_t address,
    const char *name)
{
	const struct shaping_filter *f =
	    shaping_filter_named(all, slice_of(filter));
	char room[SHAPING_TRANSPORT_MAX];
	struct slice got = { room, shaping_transport(all, f, address, room) };
	size_t back = 99;

	assert_true(slice_eq(got, slice_of(name)));
	assert_ptr_equal(shaping_transport_named(all, slice_skip(got, 3),
			     &back),
	    f);
	assert_true(back == address);
}

static void
test_transports(void **state)
{
	struct settings *s = compile(SOME, FILE_SOME);
	const struct shaping *all = settings_shaping(s);
	const struct shaping_filter *g = shaping_filter_named(all, SLICE("g"));
	size_t address = 5;

	(void)state;
	expect_transport(all, "g", 0, "pn-g_one");
	expect_transport(all, "g", 1, "pn-g_two");
	expect_transport(all, "vip", 0, "pn-vip_two");
	expect_transport(all, "g", SHAPING_NO_ADDRESS, "pn-g");
	assert_null(shaping_transport_named(all, SLICE("vip_one"), &address));
	assert_null(shaping_transport_named(all, SLICE("g_"), &address));
	assert_null(shaping_transport_named(all, SLICE("_g"), &address));
	assert_null(shaping_transport_named(all, SLICE(""), &address));
	assert_int_equal(address, 5);
	/* mx1 has both, others only two; then r has none and one without. */
	assert_int_equal(shaping_address_next(all, g, SLICE("mx1.example"), 0),
	    0);
	assert_int_equal(shaping_address_next(all, g, SLICE("Mx1.Example"), 1),
	    1);
	assert_true(shaping_address_next(all, g, SLICE("mx1.example"), 2) ==
		    SHAPING_NO_ADDRESS);
	assert_int_equal(shaping_address_next(all, g, SLICE("mx2.example"), 0),
	    1);
	assert_int_equal(shaping_transport_count(all, SLICE("mx1.example")),
	    1 + 2 + 1 + 2);
	assert_int_equal(shaping_transport_count(all, SLICE("mx2.example")),
	    1 + 1 + 1 + 1);
	settings_unref(s);
}

/* The longest names fit their room. */
static void
test_long_names(void **state)
{
#define LONG "abcdefghijklmnopqrstuvwxyz012345"
	struct settings *s = compile(ALL("\"addresses\":[{\"name\":\"" LONG
					 "\",\"ipv4\":\"192.0.2.1\"}],"
					 "\"filters\":[" F(LONG, ".*", "") "]"),
	    NULL);

	(void)state;
	expect_transport(settings_shaping(s), LONG, 0, "pn-" LONG "_" LONG);
	settings_unref(s);
}

/* Fifty filters by sixty-four addresses are too much for one host. */
static void
test_too_many(void **state)
{
	struct buf text, out;
	struct json *doc;
	struct settings *s = NULL;

	(void)state;
	buf_init(&text, 100000);
	buf_init(&out, 1000);
	(void)buf_addf(&text, "{\"tenants\":[],\"shaping\":{\"filters\":[");
	for (int i = 0; i < 50; i++)
		(void)buf_addf(&text,
		    "%s{\"name\":\"f%d\",\"patterns\":[\".*\"]}",
		    i > 0 ? "," : "", i);
	(void)buf_addf(&text, "],\"addresses\":[");
	for (int i = 0; i < 64; i++)
		(void)buf_addf(&text,
		    "%s{\"name\":\"a%d\",\"ipv4\":\"192.0.2.%d\"}",
		    i > 0 ? "," : "", i, i + 1);
	(void)buf_addf(&text, "]}}");
	doc = parse(buf_text(&text));

	struct settings_input in = { SLICE(SETTINGS_GLOBAL), 1, doc };

	assert_int_equal(settings_compile(&in, 1, NULL, collect, &out, &s),
	    ERR_CONFIG);
	assert_string_equal(buf_text(&out),
	    "/shaping _global: all filters with their sending addresses make "
	    "3200 transports on one host; 1000 are the most|");
	json_free(doc);
	buf_done(&text);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validate),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_compile),
		cmocka_unit_test(test_providers_off),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_transports),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
