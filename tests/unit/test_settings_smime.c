/* SPDX-License-Identifier: BSD-2-Clause */
/* The section smime: what is refused, and which certificate is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "certificates.h"
#include "proto/json.h"
#include "proto/settings.h"
#include "util/cms.h"
#include "util/crypto.h"

static struct certificate one, other, old;
static const struct master_key master = { { 7 } };

static int
set_up(void **state)
{
	(void)state;
	certificate_make(&(struct certificate_want){ .key = "EC",
			     .names = "email:News@shop.test" },
	    &one);
	certificate_make(&(struct certificate_want){ .key = "EC",
			     .names = "email:a@shop.test",
			     .usage = "serverAuth" },
	    &other);
	certificate_make(&(struct certificate_want){ .key = "EC",
			     .names = "email:b@old.test",
			     .from_s = -7200,
			     .end_s = -3600 },
	    &old);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	certificate_done(&one);
	certificate_done(&other);
	certificate_done(&old);
	return 0;
}

/* Adds {"for": ..., "chain": ..., "key": ...} */
static void
add(struct json *doc, const char *owner, struct slice chain, struct slice key)
{
	struct json *entry = json_new_object(), *smime = json_get(doc, "smime");

	if (smime == NULL) {
		assert_int_equal(json_set(doc, "smime", json_new_object()), 0);
		smime = json_get(doc, "smime");
		assert_int_equal(json_set(smime, "certificates",
				     json_new_array()),
		    0);
	}
	assert_int_equal(json_set_string(entry, "for", slice_of(owner)), 0);
	assert_int_equal(json_set_string(entry, "chain", chain), 0);
	assert_int_equal(json_set_string(entry, "key", key), 0);
	assert_int_equal(json_append(json_get(smime, "certificates"), entry),
	    0);
}

static void
collect(void *ctx, const char *path, const char *text)
{
	struct buf *out = ctx;

	assert_int_equal(buf_addf(out, "%s %s|", path, text), 0);
}

static void
check(struct json *doc, const char *want)
{
	struct buf errors;

	buf_init(&errors, 10000);
	(void)settings_validate(doc, SLICE("shop"), &master, collect, &errors);
	assert_string_equal(buf_text(&errors), want);
	buf_done(&errors);
	json_free(doc);
}

static void
test_refused(void **state)
{
	struct slice chain = buf_slice(&one.chain), key = buf_slice(&one.key);
	struct json *doc = json_new_object();

	(void)state;
	add(doc, "news@shop.test", chain, key);
	add(doc, "@shop.test", chain, key);
	add(doc, "b@old.test", buf_slice(&old.chain), buf_slice(&old.key));
	check(doc, "");
	doc = json_new_object();
	add(doc, "x@shop.test", chain, key);
	add(doc, "news@shop.test", chain, buf_slice(&other.key));
	add(doc, "a@shop.test", buf_slice(&other.chain), buf_slice(&other.key));
	add(doc, "A@shop.test", chain, SLICE("no key"));
	add(doc, "news@shop.test", SLICE("no chain"), key);
	check(doc,
	    "/smime/certificates/3/for \"A@shop.test\" is there already|"
	    "/smime/certificates/4/for \"news@shop.test\" is there already|"
	    "/smime/certificates/0/for the certificate does not name "
	    "\"x@shop.test\"|"
	    "/smime/certificates/1/key is not the key of the certificate|"
	    "/smime/certificates/2/chain the certificate is not for signing "
	    "mail|"
	    "/smime/certificates/3/for the certificate does not name "
	    "\"A@shop.test\"|"
	    "/smime/certificates/3/key is no private key in PEM form, RSA or "
	    "EC, not encrypted|"
	    "/smime/certificates/4/chain is no certificate in PEM form|");
}

static struct settings *
compile(const struct json *doc, const struct master_key *with)
{
	struct settings_input input = { SLICE("shop"), 1, doc };
	struct settings *s = NULL;
	struct buf errors;

	buf_init(&errors, 10000);
	assert_int_equal(settings_compile(&input, 1, with, collect, &errors,
			     &s),
	    0);
	assert_int_equal(errors.len, 0);
	buf_done(&errors);
	return s;
}

/* Sealed, as it is stored. */
static void
test_found(void **state)
{
	static const struct {
		const char *from, *found;
	} rows[] = { { "news@shop.test", "news@shop.test" },
		{ "x@shop.test", "@shop.test" }, { "b@old.test", "b@old.test" },
		{ "c@old.test", NULL }, { "off@shop.test", "@shop.test" },
		{ "a@sub.shop.test", NULL }, { "postmaster", NULL },
		{ "", NULL } };
	struct json *doc = json_new_object(), *list;
	const struct smime_certificate *c;
	const struct tenant *t;
	struct settings *s;

	(void)state;
	add(doc, "News@Shop.test", buf_slice(&one.chain), buf_slice(&one.key));
	add(doc, "@shop.test", buf_slice(&one.chain), buf_slice(&one.key));
	add(doc, "B@old.test", buf_slice(&old.chain), buf_slice(&old.key));
	list = json_new_array();
	assert_int_equal(json_append(list, json_new_string(SLICE("Z.test"))),
	    0);
	assert_int_equal(json_append(list, json_new_string(SLICE("a.test"))),
	    0);
	assert_int_equal(json_set(json_get(doc, "smime"), "exclude_domains",
			     list),
	    0);
	assert_int_equal(settings_seal(doc, SLICE("shop"), &master), 0);
	assert_true(settings_is_secret(SLICE("shop"),
	    SLICE("/smime/certificates/0/key")));
	s = compile(doc, &master);
	t = settings_tenant(s, SLICE("shop"));
	assert_int_equal(t->smime.warn_days, 30);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = settings_smime_certificate(t, slice_of(rows[i].from));
		if (rows[i].found == NULL) {
			assert_null(c);
			continue;
		}
		assert_non_null(c);
		assert_true(slice_eq(c->address, slice_of(rows[i].found)));
		assert_non_null(c->signer);
	}
	assert_true(settings_smime_excluded(t, SLICE("x@z.test")));
	assert_true(settings_smime_excluded(t, SLICE("x@a.test")));
	assert_false(settings_smime_excluded(t, SLICE("x@b.a.test")));
	assert_false(settings_smime_excluded(t, SLICE("postmaster")));
	settings_unref(s);
	/* Who has no master key has no use for them, and no signer. */
	s = compile(doc, NULL);
	c = settings_smime_certificate(settings_tenant(s, SLICE("shop")),
	    SLICE("news@shop.test"));
	assert_non_null(c);
	assert_null(c->signer);
	settings_unref(s);
	json_free(doc);
}

static void
test_disabled(void **state)
{
	struct json *doc = json_new_object(), *entry;
	const struct tenant *t;
	struct settings *s;

	(void)state;
	add(doc, "news@shop.test", buf_slice(&one.chain), buf_slice(&one.key));
	entry = json_at(json_get(json_get(doc, "smime"), "certificates"), 0);
	assert_int_equal(json_set(entry, "enabled", json_new_bool(false)), 0);
	s = compile(doc, &master);
	t = settings_tenant(s, SLICE("shop"));
	assert_int_equal(t->smime.certificate_count, 1);
	assert_null(settings_smime_certificate(t, SLICE("news@shop.test")));
	assert_false(settings_smime_excluded(t, SLICE("a@b.test")));
	settings_unref(s);
	json_free(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_disabled),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
