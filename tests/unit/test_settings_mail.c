/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings that say what becomes of a message: judged and compiled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/filter.h"
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

#define URL "\"url\":\"https://mail.example.com/u/\""
#define FILTER(name) \
	"{\"name\":\"" name "\",\"header\":\"List-Id\",\"pattern\":\".*\"}"
#define FORWARD(header, pattern, to) \
	"{\"name\":\"f\",\"header\":\"" header "\",\"pattern\":\"" pattern \
	"\",\"to\":\"" to "\"}"

static const struct {
	const char *name, *doc, *errors;
} cases[] = {
	{ "envelope sender, nothing said", "{\"envelope_sender\":{}}", "" },
	{ "an address is needed",
	    "{\"envelope_sender\":{\"mode\":\"address\"}}",
	    "/envelope_sender/address is needed with mode address|" },
	{ "a domain is needed", "{\"envelope_sender\":{\"mode\":\"domain\"}}",
	    "/envelope_sender/domain is needed with mode domain|" },
	{ "of a sending domain, too",
	    "{\"domains\":[{\"name\":\"a.b\"},{\"name\":\"c.d\","
	    "\"envelope_sender\":{\"mode\":\"address\"}}]}",
	    "/domains/1/envelope_sender/address is needed with mode "
	    "address|" },
	{ "given",
	    "{\"envelope_sender\":{\"mode\":\"address\",\"address\":"
	    "\"bounce@example.com\"},\"domains\":[{\"name\":\"a.b\","
	    "\"envelope_sender\":{\"mode\":\"domain\",\"domain\":\"c.d\"}}]}",
	    "" },
	{ "no address",
	    "{\"envelope_sender\":{\"mode\":\"address\",\"address\":"
	    "\"a@b..example\"}}",
	    "/envelope_sender/address is no mail address|" },
	{ "forwarding", "{\"forwarding\":[" FORWARD("To", ".+", "a@b.c") "]}",
	    "" },
	{ "names of rules once",
	    "{\"forwarding\":[" FORWARD("To", "x", "a@b.c") "," FORWARD("Cc",
		"y", "a@b.c") "]}",
	    "/forwarding/1/name \"f\" is there already|" },
	{ "an expression that does not compile",
	    "{\"forwarding\":[" FORWARD("Subject", "a[b&&c]", "a@b.c") "]}",
	    "/forwarding/0/pattern is no good expression: an intersection "
	    "of sets (for the characters themselves, write &\\&) at offset "
	    "3|" },
	{ "a field that occurs several times",
	    "{\"forwarding\":[" FORWARD("RECEIVED", "a(b", "a@b.c") "]}",
	    "/forwarding/0/header is a field that occurs several times|" },
	{ "a forwarding address that is none",
	    "{\"forwarding\":[" FORWARD("To", "x", "a@b..c") "]}",
	    "/forwarding/0/to is no mail address|" },
	{ "members that are missing", "{\"forwarding\":[{\"name\":\"f\"}]}",
	    "/forwarding/0 must have the member \"header\"|"
	    "/forwarding/0 must have the member \"pattern\"|"
	    "/forwarding/0 must have the member \"to\"|" },
	{ "a copy of everything",
	    "{\"bcc\":{\"host\":\"archive.example.com\"}}", "" },
	{ "not both",
	    "{\"forwarding\":[" FORWARD("To", "x",
		"a@b.c") "],\"bcc\":"
			 "{\"host\":\"archive.example.com\",\"port\":2525}}",
	    "/bcc can not be used with forwarding|" },
	{ "a host is needed", "{\"bcc\":{}}",
	    "/bcc must have the member \"host\"|" },
	{ "unsubscribe",
	    "{\"unsubscribe\":{" URL ",\"mailto\":\"u@example.com\","
	    "\"filters\":[" FILTER("news") "," FILTER("offers") "]}}",
	    "" },
	{ "filters need the address of the page",
	    "{\"unsubscribe\":{\"filters\":[" FILTER("news") "]}}",
	    "/unsubscribe/url is needed where there are filters|" },
	{ "names of lists once",
	    "{\"unsubscribe\":{" URL
	    ",\"filters\":[" FILTER("news") "," FILTER("News") "]}}",
	    "/unsubscribe/filters/1/name \"News\" is there already|" },
	{ "expressions of lists",
	    "{\"unsubscribe\":{" URL ",\"filters\":[{\"name\":\"n\","
	    "\"header\":\"List-Id\",\"pattern\":\"[a[b]]\"}]}}",
	    "/unsubscribe/filters/0/pattern is no good expression: a set "
	    "inside of a set (for the character itself, write \\[) at offset "
	    "2|" },
	{ "an address of another kind",
	    "{\"unsubscribe\":{\"url\":\"https://a.example:0/\"}}",
	    "/unsubscribe/url has a port that is not in 1..65535|" },
	{ "notices",
	    "{\"scan\":{\"mode\":\"enforce\",\"notify\":[\"a@b.c\","
	    "\"b@..\"],\"notify_from\":\"c@d..e\"}}",
	    "/scan/notify/1 must match "
	    "^[^\\x00-\\x20<>\\x7f]+@[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?"
	    "$|/scan/notify/1 is no mail address|"
	    "/scan/notify_from is no mail address|" },
	{ "words of the scan", "{\"scan\":{\"when_unscannable\":\"hold\"}}",
	    "/scan/when_unscannable must be one of \"pass\", \"reject\", "
	    "\"tempfail\"|" },
	{ "pre-flight",
	    "{\"preflight\":{\"mode\":\"enforce\",\"ignore\":[\"dmarc\"]}}",
	    "" },
	{ "all errors at once",
	    "{\"bcc\":{\"port\":0,\"host\":\"h\"},\"envelope_sender\":"
	    "{\"mode\":\"x\"},\"unsubscribe\":{\"url\":\"http://a/\"},"
	    "\"forwarding\":[" FORWARD("To", "[[", "a@b.c") "]}",
	    "/bcc/port must be at least 1|/envelope_sender/mode must be one "
	    "of \"verp\", \"keep\", \"address\", \"domain\"|"
	    "/unsubscribe/url must match "
	    "^https://(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?"
	    "[/?][A-Za-z0-9._~:/?@!$&'()*+,;=%\\[\\]-]*$|"
	    "/forwarding/0/pattern is no good expression: a set inside of a "
	    "set (for the character itself, write \\[) at offset 1|/bcc can not be used with forwarding|" },
};

static const struct {
	const char *name, *doc, *errors;
} globals[] = {
	{ "no signature of the operator", "{\"tenants\":[]}", "" },
	{ "one without keys yet",
	    "{\"tenants\":[],\"operator_signature\":{\"domain\":\"o.p\"}}",
	    "" },
	{ "a domain is needed", "{\"tenants\":[],\"operator_signature\":{}}",
	    "/operator_signature must have the member \"domain\"|" },
	{ "selectors once, keys that are keys",
	    "{\"tenants\":[],\"operator_signature\":{\"domain\":\"o.p\","
	    "\"dkim\":[{\"selector\":\"s\",\"key\":\"x\"},"
	    "{\"selector\":\"S\",\"key\":\"enc:v1:AAAA\"}]}}",
	    "/operator_signature/dkim/1/selector \"S\" is there already|"
	    "/operator_signature/dkim/0/key is no private key in PEM form "
	    "(RSA of 1024 to 4096 bits, or Ed25519)|"
	    "/operator_signature/dkim/1/key is sealed for another place, "
	    "another tenant or with another master key|" },
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
		judge(cases[i].name, cases[i].doc, "shop", cases[i].errors);
	for (size_t i = 0; i < sizeof(globals) / sizeof(*globals); i++)
		judge(globals[i].name, globals[i].doc, SETTINGS_GLOBAL,
		    globals[i].errors);
}

static struct settings *
compile(const char *text, const char *name)
{
	struct json *doc = parse(text);
	struct settings_input in = { slice_of(name), 1, doc };
	struct settings *s = NULL;

	assert_int_equal(settings_compile(&in, 1, &master, NULL, NULL, &s), 0);
	/* Nothing of a snapshot lies in the document. */
	json_free(doc);
	return s;
}

static void
test_defaults(void **state)
{
	struct settings *s =
	    compile("{\"domains\":[{\"name\":\"a.b\"}]}", "default");
	const struct tenant *t = settings_tenant(s, SLICE("default"));

	(void)state;
	assert_int_equal(t->envelope_sender.mode, ENVELOPE_VERP);
	assert_false(t->envelope_sender.forward_bounces);
	assert_int_equal(t->envelope_sender.address.len, 0);
	assert_int_equal(t->envelope_sender.domain.len, 0);
	assert_false(t->domains[0].envelope_sender.given);
	assert_false(t->domains[0].simple_header || t->domains[0].simple_body);
	assert_int_equal(t->forward_count, 0);
	assert_int_equal(t->bcc_host.len, 0);
	assert_int_equal(t->unsubscribe.filter_count, 0);
	assert_int_equal(t->unsubscribe.url.len, 0);
	assert_int_equal(t->unsubscribe.existing, UNSUBSCRIBE_KEEP);
	assert_int_equal(t->scan.mode, MODE_OFF);
	assert_int_equal(t->scan.when_unavailable, SCAN_TEMPFAIL);
	assert_int_equal(t->scan.when_unscannable, SCAN_PASS);
	assert_int_equal(t->scan.notify_count, 0);
	assert_int_equal(t->scan.notify_from.len, 0);
	assert_int_equal(t->scan.keep_days, 14);
	assert_int_equal(t->preflight.mode, MODE_OBSERVE);
	assert_int_equal(t->preflight.ignore, 0);
	assert_null(settings_operator_domain(s));
	settings_unref(s);
}

static void
test_sections(void **state)
{
	struct settings *s = compile(
	    "{\"envelope_sender\":{\"mode\":\"domain\",\"domain\":\"B.Example\","
	    "\"forward_bounces\":true},\"domains\":[{\"name\":\"a.b\","
	    "\"canonicalization\":\"simple/relaxed\",\"envelope_sender\":"
	    "{\"mode\":\"address\",\"address\":\"A@B.example\"}},"
	    "{\"name\":\"c.d\",\"canonicalization\":\"relaxed/simple\"}],"
	    "\"forwarding\":[{\"name\":\"one\",\"header\":\"Subject\","
	    "\"pattern\":\"x.*\",\"to\":\"X@Y.example\"},{\"name\":\"two\","
	    "\"header\":\"to\",\"pattern\":\".*\",\"to\":\"z@y.example\","
	    "\"mode\":\"redirect\"}],"
	    "\"unsubscribe\":{" URL ",\"mailto\":\"u@Example.com\","
	    "\"existing\":\"replace\",\"filters\":[" FILTER(
		"news") "]},"
			"\"scan\":{\"mode\":\"observe\",\"when_unavailable\":\"hold\","
			"\"when_unscannable\":\"reject\",\"notify\":[\"A@b.example\"],"
			"\"notify_from\":\"c@d.example\",\"keep_days\":0},"
			"\"preflight\":{\"mode\":\"off\",\"ignore\":[\"from\","
			"\"line-length\"]}}",
	    "default");
	const struct tenant *t = settings_tenant(s, SLICE("default"));
	const struct envelope_sender *e = &t->domains[0].envelope_sender;

	(void)state;
	assert_int_equal(t->envelope_sender.mode, ENVELOPE_DOMAIN);
	assert_true(slice_eq(t->envelope_sender.domain, SLICE("b.example")));
	assert_true(t->envelope_sender.forward_bounces);
	assert_true(e->given);
	assert_int_equal(e->mode, ENVELOPE_ADDRESS);
	assert_true(slice_eq(e->address, SLICE("a@b.example")));
	assert_true(t->domains[0].simple_header && !t->domains[0].simple_body);
	assert_true(!t->domains[1].simple_header && t->domains[1].simple_body);
	assert_int_equal(t->forward_count, 2);
	assert_true(slice_eq(t->forwards[0].name, SLICE("one")));
	assert_true(slice_eq(t->forwards[0].to, SLICE("x@y.example")));
	assert_int_equal(t->forwards[0].mode, FORWARD_COPY);
	assert_true(
	    slice_eq(filter_header(t->forwards[0].filter), SLICE("Subject")));
	assert_int_equal(t->forwards[1].mode, FORWARD_REDIRECT);
	assert_true(filter_is_recipient(t->forwards[1].filter));
	assert_true(
	    slice_eq(t->unsubscribe.url, SLICE("https://mail.example.com/u/")));
	assert_true(slice_eq(t->unsubscribe.mailto, SLICE("u@example.com")));
	assert_int_equal(t->unsubscribe.existing, UNSUBSCRIBE_REPLACE);
	assert_int_equal(t->unsubscribe.filter_count, 1);
	assert_true(slice_eq(t->unsubscribe.filters[0].name, SLICE("news")));
	assert_int_equal(t->scan.mode, MODE_OBSERVE);
	assert_int_equal(t->scan.when_unavailable, SCAN_HOLD);
	assert_int_equal(t->scan.when_unscannable, SCAN_REJECT);
	assert_int_equal(t->scan.notify_count, 1);
	assert_true(slice_eq(t->scan.notify[0], SLICE("a@b.example")));
	assert_true(slice_eq(t->scan.notify_from, SLICE("c@d.example")));
	assert_int_equal(t->scan.keep_days, 0);
	assert_int_equal(t->preflight.mode, MODE_OFF);
	assert_int_equal(t->preflight.ignore,
	    PREFLIGHT_FROM | PREFLIGHT_LINE_LENGTH);
	settings_unref(s);
}

static void
test_bcc(void **state)
{
	struct settings *s =
	    compile("{\"bcc\":{\"host\":\"Archive.example\"}}", "default");
	const struct tenant *t = settings_tenant(s, SLICE("default"));

	(void)state;
	assert_true(slice_eq(t->bcc_host, SLICE("Archive.example")));
	assert_int_equal(t->bcc_port, 25);
	settings_unref(s);
}

static const struct {
	const char *name, *doc;
	unsigned needs;
} needs[] = {
	{ "by default the lines are looked at", "{}", NEED_BODY | NEED_HELO },
	{ "nothing", "{\"preflight\":{\"mode\":\"off\"},\"received\":\"keep\"}",
	    0 },
	{ "not their length",
	    "{\"preflight\":{\"ignore\":[\"line-length\"]},"
	    "\"received\":\"remove\"}",
	    0 },
	{ "a Received field of the normal form",
	    "{\"preflight\":{\"mode\":\"off\"},\"received\":\"normal\"}",
	    NEED_HELO },
	{ "a scan",
	    "{\"preflight\":{\"mode\":\"off\"},\"received\":\"keep\","
	    "\"scan\":{\"mode\":\"observe\"}}",
	    NEED_BODY | NEED_BUFFER },
	{ "copies",
	    "{\"preflight\":{\"mode\":\"off\"},\"received\":\"keep\","
	    "\"bcc\":{\"host\":\"h\"}}",
	    NEED_BODY | NEED_BUFFER },
	{ "links of their own",
	    "{\"preflight\":{\"mode\":\"off\"},\"received\":\"keep\","
	    "\"unsubscribe\":{" URL ",\"filters\":[" FILTER("news") "]}}",
	    NEED_BODY | NEED_BUFFER },
};

static void
test_needs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		struct settings *s = compile(needs[i].doc, "default");

		print_message("# %s\n", needs[i].name);
		assert_int_equal(settings_needs(s), needs[i].needs);
		settings_unref(s);
	}
}

static struct json *
operator_document(const char *state)
{
	struct sign_key *key = NULL;
	struct json *doc = parse("{\"tenants\":[],\"operator_signature\":"
				 "{\"domain\":\"Mail.Operator.example\","
				 "\"dkim\":[{\"selector\":\"op\"}]}}"),
		    *entry =
			json_at(json_get(json_get(doc, "operator_signature"),
				    "dkim"),
			    0);
	struct buf pem;

	buf_init(&pem, 10000);
	assert_int_equal(sign_key_generate(SIGN_ED25519_SHA256, 0, &key), 0);
	assert_int_equal(sign_key_pem(key, &pem), 0);
	assert_int_equal(json_set_string(entry, "key", buf_slice(&pem)), 0);
	assert_int_equal(json_set_string(entry, "state", slice_of(state)), 0);
	sign_key_free(key);
	buf_done(&pem);
	return doc;
}

static void
test_operator(void **state)
{
	struct slice name = SLICE(SETTINGS_GLOBAL);
	struct json
	    *doc = operator_document("active"),
	    *quiet = parse(
		"{\"preflight\":{\"mode\":\"off\"},\"received\":\"keep\"}");
	struct settings_input in[] = { { name, 1, doc },
		{ SLICE("default"), 1, quiet } };
	const struct settings_domain *d;
	struct settings *s = NULL;
	struct buf out;

	(void)state;
	assert_int_equal(settings_seal(doc, name, &master), 0);
	buf_init(&out, 100000);
	assert_int_equal(json_print(doc, JSON_COMPACT, &out), 0);
	assert_null(slice_find(buf_slice(&out), SLICE("PRIVATE")));
	assert_int_equal(settings_validate(doc, name, &master, NULL, NULL), 0);
	assert_int_equal(settings_validate(doc, name, &other, NULL, NULL), 1);
	assert_true(
	    settings_is_secret(name, SLICE("/operator_signature/dkim/0/key")));
	assert_false(settings_is_secret(name, SLICE("/tenants/0/name")));
	assert_int_equal(settings_compile(in, 2, &master, NULL, NULL, &s), 0);
	d = settings_operator_domain(s);
	assert_non_null(d);
	assert_true(slice_eq(d->name, SLICE("mail.operator.example")));
	assert_int_equal(d->selector_count, 1);
	assert_true(slice_eq(d->selectors[0].selector, SLICE("op")));
	assert_non_null(d->selectors[0].key);
	assert_int_equal(settings_needs(s), NEED_BODY);
	settings_unref(s);
	/* Closed, for those who do not sign. */
	assert_int_equal(settings_compile(in, 2, NULL, NULL, NULL, &s), 0);
	assert_null(settings_operator_domain(s)->selectors[0].key);
	settings_unref(s);
	assert_int_equal(settings_hide_secrets(doc, name), 0);
	buf_clear(&out);
	assert_int_equal(json_print(doc, JSON_COMPACT, &out), 0);
	assert_null(slice_find(buf_slice(&out), SLICE("enc:v1:")));
	buf_done(&out);
	json_free(doc);
	json_free(quiet);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validate),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_bcc),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_operator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
