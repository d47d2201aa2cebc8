/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates are read and judged; signatures verify with OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "certificates.h"
#include "util/clock.h"
#include "util/cms.h"
#include "util/err.h"

#define OUT_MAX 100000
static const char entity[] = "Content-Type: text/plain\r\n\r\nhello\r\n";

static int
parse(const struct certificate *c, struct cms_signer **ret)
{
	return cms_signer_parse(buf_slice(&c->chain), buf_slice(&c->key), ret);
}

/* In pieces of that many octets. */
static int
sign(const struct cms_signer *s, struct slice text, size_t piece,
    struct buf *out)
{
	struct cms_signing *g = NULL;
	int rc = cms_sign_begin(s, clock_wall_us() / 1000000, &g);

	for (size_t i = 0; rc == 0 && i < text.len; i += piece)
		rc = cms_sign_add(g, text.at + i,
		    text.len - i < piece ? text.len - i : piece);
	return rc == 0 ? cms_sign_end(g, out) : rc;
}

static void
test_signatures(void **state)
{
	static const struct certificate_want want[] = {
		{ .names = "email:a@b.test" },
		{ .key = "EC", .names = "email:a@b.test" },
		{ .bits = 4096, .names = "email:a@b.test" },
	};
	struct slice texts[] = { SLICE(""), SLICE("x"), slice_of(entity) };
	struct certificate c;
	struct cms_signer *s;
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	for (size_t i = 0; i < 3; i++) {
		certificate_make(&want[i], &c);
		assert_int_equal(parse(&c, &s), 0);
		for (size_t t = 0; t < 3; t++)
			for (size_t piece = 1; piece < 50; piece += 12) {
				buf_clear(&out);
				assert_int_equal(sign(s, texts[t], piece, &out),
				    0);
				assert_true(certificate_verifies(&c,
				    buf_slice(&out), texts[t]));
				assert_false(certificate_verifies(&c,
				    buf_slice(&out), SLICE("other")));
			}
		cms_signer_free(s);
		certificate_done(&c);
	}
	buf_done(&out);
}

/* RFC 8551, 2.5: what is in the signed attributes. */
static void
test_attributes(void **state)
{
	static const int wanted[] = { NID_pkcs9_contentType,
		NID_pkcs9_messageDigest, NID_pkcs9_signingTime,
		NID_SMIMECapabilities, NID_id_smime_aa_signingCertificateV2 };
	const struct certificate_want want = { .names = "email:a@b.test" };
	struct cms_signing *g = NULL;
	struct certificate c;
	struct cms_signer *s;
	struct buf out;
	struct tm tm;

	(void)state;
	buf_init(&out, OUT_MAX);
	certificate_make(&want, &c);
	assert_int_equal(parse(&c, &s), 0);
	assert_int_equal(cms_sign_begin(s, 1795411200, &g), 0);
	assert_int_equal(cms_sign_end(g, &out), 0);
	const unsigned char *at = (const unsigned char *)out.at;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)out.len);
	assert_non_null(cms);
	CMS_SignerInfo *si =
	    sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	for (size_t i = 0; i < 5; i++)
		assert_true(CMS_signed_get_attr_by_NID(si, wanted[i], -1) >= 0);
	int where = CMS_signed_get_attr_by_NID(si, NID_pkcs9_signingTime, -1);
	X509_ATTRIBUTE *a = CMS_signed_get_attr(si, where);
	assert_int_equal(ASN1_TIME_to_tm(X509_ATTRIBUTE_get0_type(a, 0)
					     ->value.utctime,
			     &tm),
	    1);
	assert_int_equal(timegm(&tm), 1795411200);
	STACK_OF(X509) *certs = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(certs), 2);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
	cms_signer_free(s);
	certificate_done(&c);
	buf_done(&out);
}

static void
test_names(void **state)
{
	const struct certificate_want want = {
		.names = "email:News@Shop.test,email:a@mail.shop.test",
		.email = "dn@other.test",
		.end_s = 1000
	};
	static const struct {
		const char *address;
		bool named;
	} rows[] = { { "news@shop.test", true }, { "NEWS@SHOP.TEST", true },
		{ "dn@other.test", true }, { "@shop.test", true },
		{ "@other.test", true }, { "@mail.shop.test", true },
		{ "@test", false }, { "@hop.test", false },
		{ "ews@shop.test", false }, { "", false }, { "@", false },
		{ "b@shop.test", false } };
	struct certificate c;
	struct cms_signer *s;
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	certificate_make(&want, &c);
	assert_int_equal(cms_signer_look(buf_slice(&c.chain), &s), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(cms_signer_names(s, slice_of(rows[i].address)),
		    rows[i].named);
	assert_true(cms_signer_for_mail(s));
	int64_t left = cms_signer_not_after(s) - clock_wall_us() / 1000000;
	assert_true(left > 900 && left <= 1000);
	assert_true(cms_signer_not_before(s) <= clock_wall_us() / 1000000);
	assert_int_equal(cms_signer_subject(s, &out), 0);
	assert_string_equal(buf_text(&out),
	    "emailAddress=dn@other.test, CN=Tester");
	buf_clear(&out);
	assert_int_equal(cms_signer_issuer(s, &out), 0);
	assert_string_equal(buf_text(&out), "CN=Test Authority");
	buf_clear(&out);
	assert_int_equal(cms_signer_first_name(s, &out), 0);
	assert_non_null(strchr(buf_text(&out), '@'));
	assert_int_equal(sign(s, SLICE("x"), 1, &out), ERR_CRYPTO);
	cms_signer_free(s);
	certificate_done(&c);
	buf_done(&out);
}

static void
test_refused(void **state)
{
	static const struct {
		struct certificate_want want;
		int rc;
	} rows[] = {
		{ { .bits = 1024 }, ERR_LIMIT },
		{ { .key = "EC", .bits = 224 }, ERR_LIMIT },
		{ { .key = "ED25519" }, ERR_SYNTAX },
	};
	struct cms_signer *s = NULL;
	struct certificate c, other;
	struct buf many;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		certificate_make(&rows[i].want, &c);
		assert_int_equal(parse(&c, &s), rows[i].rc);
		certificate_done(&c);
	}
	certificate_make(&(struct certificate_want){ .usage = "serverAuth" },
	    &c);
	certificate_make(&(struct certificate_want){ .key = "EC" }, &other);
	assert_int_equal(cms_signer_parse(buf_slice(&c.chain),
			     buf_slice(&other.key), &s),
	    ERR_CONFLICT);
	assert_int_equal(cms_signer_parse(buf_slice(&c.key), buf_slice(&c.key),
			     &s),
	    ERR_SYNTAX);
	assert_int_equal(cms_signer_parse(buf_slice(&c.chain),
			     buf_slice(&c.chain), &s),
	    ERR_SYNTAX);
	assert_int_equal(cms_signer_parse(SLICE(""), SLICE(""), &s),
	    ERR_SYNTAX);
	buf_init(&many, OUT_MAX);
	for (int i = 0; i < 6; i++)
		assert_int_equal(buf_add_slice(&many, buf_slice(&c.chain)), 0);
	assert_int_equal(cms_signer_look(buf_slice(&many), &s), ERR_LIMIT);
	/* Cut anywhere but between two certificates. */
	for (size_t n = 1; n + 2 < c.chain.len; n += 61) {
		char *copy = malloc(n);

		assert_non_null(copy);
		memcpy(copy, c.chain.at, n);
		int rc = cms_signer_look((struct slice){ copy, n }, &s);
		if (rc == 0)
			cms_signer_free(s);
		else
			assert_int_equal(rc, ERR_SYNTAX);
		free(copy);
	}
	assert_int_equal(parse(&c, &s), 0);
	assert_false(cms_signer_for_mail(s));
	assert_false(cms_signer_names(s, SLICE("a@b.test")));
	assert_int_equal(cms_signer_first_name(s, &many), ERR_NOTFOUND);
	cms_signer_free(s);
	cms_signer_free(NULL);
	cms_sign_abort(NULL);
	buf_done(&many);
	certificate_done(&c);
	certificate_done(&other);
}

/* cipher: a NID of an algorithm for keys, -1: none; 0: the default. */
static void
make_pkcs12(const struct certificate *c, const char *password, int cipher,
    struct buf *out)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	unsigned char *der = NULL;

	sk_X509_push(others, c->between);
	PKCS12 *p = PKCS12_create(password, "tester", c->pkey, c->leaf, others,
	    cipher, cipher, 0, 0, 0);
	assert_non_null(p);
	int len = i2d_PKCS12(p, &der);
	assert_true(len > 0);
	assert_int_equal(buf_add(out, der, (size_t)len), 0);
	OPENSSL_free(der);
	PKCS12_free(p);
	sk_X509_free(others);
}

static void
test_pkcs12(void **state)
{
	const struct certificate_want want = { .names = "email:a@b.test" };
	static const struct {
		const char *made, *tried;
		int cipher, rc;
	} rows[] = { { "secret", "secret", 0, 0 }, { "", "", 0, 0 },
		{ NULL, "", 0, 0 }, { "secret", "secret", -1, 0 },
		{ "p\xc3\xa4ss", "p\xc3\xa4ss", 0, 0 },
		{ "secret", "other", 0, ERR_DENIED },
		{ "secret", "", 0, ERR_DENIED } };
	struct buf file, chain, key;
	struct certificate c;
	struct cms_signer *s;

	(void)state;
	buf_init(&file, OUT_MAX);
	buf_init(&chain, OUT_MAX);
	buf_init(&key, OUT_MAX);
	certificate_make(&want, &c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_clear(&file);
		buf_clear(&chain);
		buf_clear(&key);
		make_pkcs12(&c, rows[i].made, rows[i].cipher, &file);
		assert_int_equal(cms_pkcs12_open(buf_slice(&file),
				     slice_of(rows[i].tried), &chain, &key),
		    rows[i].rc);
		if (rows[i].rc < 0)
			continue;
		assert_int_equal(cms_signer_parse(buf_slice(&chain),
				     buf_slice(&key), &s),
		    0);
		assert_true(cms_signer_names(s, SLICE("a@b.test")));
		cms_signer_free(s);
	}
	for (size_t n = 0; n < file.len; n += 37)
		assert_true(cms_pkcs12_open((struct slice){ file.at, n },
				SLICE("secret"), &chain, &key) < 0);
	assert_int_equal(cms_pkcs12_open(SLICE("hello"), SLICE("x"), &chain,
			     &key),
	    ERR_SYNTAX);
	certificate_done(&c);
	buf_done(&file);
	buf_done(&chain);
	buf_done(&key);
}

struct worker {
	const struct cms_signer *signer;
	const struct certificate *certificate;
	int wrong;
};

static void *
sign_many(void *arg)
{
	struct worker *w = arg;
	struct buf out;

	buf_init(&out, OUT_MAX);
	for (int i = 0; i < 40; i++) {
		buf_clear(&out);
		w->wrong += sign(w->signer, slice_of(entity), 7, &out) < 0 ||
			    !certificate_verifies(w->certificate,
				buf_slice(&out), slice_of(entity));
	}
	buf_done(&out);
	return NULL;
}

static void
test_threads(void **state)
{
	const struct certificate_want want = { .names = "email:a@b.test" };
	struct certificate c;
	struct cms_signer *s;
	pthread_t threads[4];
	struct worker workers[4];

	(void)state;
	certificate_make(&want, &c);
	assert_int_equal(parse(&c, &s), 0);
	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){ s, &c, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, sign_many,
				     &workers[i]),
		    0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].wrong, 0);
	}
	cms_signer_free(s);
	certificate_done(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_pkcs12),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
