/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates for tests, made by OpenSSL. */
#include "certificates.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define PEM_MAX 100000

static void
must(int ok)
{
	if (!ok)
		abort();
}

static EVP_PKEY *
new_key(const char *kind, unsigned bits)
{
	EVP_PKEY *key;

	if (kind == NULL || strcmp(kind, "RSA") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
		    (size_t)(bits > 0 ? bits : 2048));
	else if (strcmp(kind, "EC") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
		    bits == 224 ? "P-224" : "P-256");
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, kind);
	must(key != NULL);
	return key;
}

static void
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(e != NULL && X509_add_ext(x, e, -1) == 1);
	X509_EXTENSION_free(e);
}

static X509 *
new_certificate(const char *name, const char *email, EVP_PKEY *key, long serial)
{
	X509 *x = X509_new();

	must(x != NULL && X509_set_version(x, X509_VERSION_3) == 1);
	must(ASN1_INTEGER_set(X509_get_serialNumber(x), serial) == 1);
	must(X509_set_pubkey(x, key) == 1);
	X509_NAME *n = X509_get_subject_name(x);
	must(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
		 (const unsigned char *)name, -1, -1, 0) == 1);
	if (email != NULL)
		must(X509_NAME_add_entry_by_txt(n, "emailAddress", MBSTRING_ASC,
			 (const unsigned char *)email, -1, -1, 0) == 1);
	return x;
}

static void
finish(X509 *x, X509 *issuer, EVP_PKEY *issuer_key, long from_s, long end_s)
{
	must(X509_gmtime_adj(X509_getm_notBefore(x), from_s) != NULL);
	must(X509_gmtime_adj(X509_getm_notAfter(x), end_s) != NULL);
	must(X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1);
	must(X509_sign(x, issuer_key,
		 EVP_PKEY_is_a(issuer_key, "ED25519") ? NULL : EVP_sha256()) >
	     0);
}

static void
authority(X509 *x, X509 *issuer, EVP_PKEY *issuer_key)
{
	extend(x, issuer, NID_basic_constraints, "critical,CA:TRUE");
	extend(x, issuer, NID_subject_key_identifier, "hash");
	finish(x, issuer, issuer_key, -864000, 864000);
}

static void
add_pem(struct buf *out, X509 *x, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *at;

	must(bio != NULL);
	if (x != NULL)
		must(PEM_write_bio_X509(bio, x) == 1);
	if (key != NULL)
		must(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0,
			 NULL, NULL) == 1);
	long len = BIO_get_mem_data(bio, &at);
	must(buf_add(out, at, (size_t)len) == 0);
	BIO_free(bio);
}

void
certificate_make(const struct certificate_want *want,
    struct certificate *ret_certificate)
{
	struct certificate *c = ret_certificate;
	EVP_PKEY *top_key = new_key("EC", 0), *between_key = new_key("EC", 0);

	c->pkey = new_key(want->key, want->bits);
	buf_init(&c->chain, PEM_MAX);
	buf_init(&c->key, PEM_MAX);
	buf_init(&c->root, PEM_MAX);
	c->top = new_certificate("Test Root", NULL, top_key, 1);
	authority(c->top, c->top, top_key);
	c->between = new_certificate("Test Authority", NULL, between_key, 2);
	authority(c->between, c->top, top_key);
	c->leaf = new_certificate("Tester", want->email, c->pkey, 3);
	if (want->names != NULL)
		extend(c->leaf, c->between, NID_subject_alt_name, want->names);
	extend(c->leaf, c->between, NID_ext_key_usage,
	    want->usage != NULL ? want->usage : "emailProtection");
	finish(c->leaf, c->between, between_key, want->from_s,
	    want->end_s != 0 ? want->end_s : 86400);
	add_pem(&c->chain, c->leaf, NULL);
	add_pem(&c->chain, c->between, NULL);
	add_pem(&c->key, NULL, c->pkey);
	add_pem(&c->root, c->top, NULL);
	EVP_PKEY_free(top_key);
	EVP_PKEY_free(between_key);
}

void
certificate_done(struct certificate *c)
{
	buf_done(&c->chain);
	buf_done(&c->key);
	buf_done(&c->root);
	X509_free(c->leaf);
	X509_free(c->between);
	X509_free(c->top);
	EVP_PKEY_free(c->pkey);
}

int
certificate_verifies(const struct certificate *c, struct slice der,
    struct slice content)
{
	const unsigned char *at = (const unsigned char *)der.at;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
	BIO *in = BIO_new_mem_buf(content.at, (int)content.len);
	X509_STORE *store = X509_STORE_new();

	must(cms != NULL && in != NULL && store != NULL);
	must(at == (const unsigned char *)der.at + der.len);
	must(X509_STORE_add_cert(store, c->top) == 1);
	int ok = CMS_is_detached(cms) == 1 &&
		 CMS_verify(cms, NULL, store, in, NULL, CMS_BINARY) == 1;
	X509_STORE_free(store);
	BIO_free(in);
	CMS_ContentInfo_free(cms);
	return ok;
}
