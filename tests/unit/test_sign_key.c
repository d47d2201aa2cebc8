/* SPDX-License-Identifier: BSD-2-Clause */
/* Signing keys: made, read, written; the signatures verify with OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>

#include "util/crypto.h"
#include "util/err.h"

/* RFC 8463, A.2: the private key as PKCS#8, its record and its signature. */
static const char rfc8463_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
static const char rfc8463_public[] =
    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

static EVP_PKEY *
reference_key(const struct sign_key *key)
{
	struct buf pem;

	buf_init(&pem, 10000);
	assert_int_equal(sign_key_pem(key, &pem), 0);
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	buf_done(&pem);
	assert_non_null(pkey);
	return pkey;
}

/* data: what the signature is of, as OpenSSL's one-shot verify wants it. */
static bool
verifies(EVP_PKEY *pkey, const EVP_MD *md, struct slice data,
    const uint8_t *signature, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) == 1 &&
		  EVP_DigestVerify(ctx, signature, len, (const void *)data.at,
		      data.len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static void
check_signature(const struct sign_key *key, struct slice text)
{
	uint8_t hash[CRYPTO_SHA256_LEN], signature[SIGN_MAX];
	size_t len = 0;
	EVP_PKEY *pkey = reference_key(key);

	assert_int_equal(crypto_sha256(text, hash), 0);
	assert_int_equal(sign_key_sign(key, hash, signature, &len), 0);
	if (sign_key_algorithm(key) == SIGN_RSA_SHA256)
		assert_true(verifies(pkey, EVP_sha256(), text, signature, len));
	else
		assert_true(verifies(pkey, NULL,
		    (struct slice){ (const char *)hash, sizeof(hash) },
		    signature, len));
	EVP_PKEY_free(pkey);
}

static void
test_rsa(void **state)
{
	struct sign_key *key = NULL, *again = NULL;
	struct buf pem, one, two;

	(void)state;
	buf_init(&pem, 10000);
	buf_init(&one, 1000);
	buf_init(&two, 1000);
	assert_int_equal(sign_key_generate(SIGN_RSA_SHA256, 2048, &key), 0);
	assert_int_equal(sign_key_algorithm(key), SIGN_RSA_SHA256);
	assert_int_equal(sign_key_bits(key), 2048);
	check_signature(key, SLICE("first"));
	check_signature(key, SLICE(""));
	assert_int_equal(sign_key_pem(key, &pem), 0);
	assert_true(slice_starts(buf_slice(&pem),
	    SLICE("-----BEGIN PRIVATE KEY-----\n")));
	assert_int_equal(sign_key_parse(buf_slice(&pem), &again), 0);
	assert_int_equal(sign_key_public(key, &one), 0);
	assert_int_equal(sign_key_public(again, &two), 0);
	assert_true(slice_eq(buf_slice(&one), buf_slice(&two)));
	assert_true(
	    slice_starts(buf_slice(&one), SLICE("MIIBIjANBgkqhkiG9w0B")));
	check_signature(again, SLICE("second"));
	buf_done(&pem);
	buf_done(&one);
	buf_done(&two);
	sign_key_free(key);
	sign_key_free(again);
	sign_key_free(NULL);
}

static void
test_ed25519(void **state)
{
	struct sign_key *key = NULL;
	struct buf text;

	(void)state;
	buf_init(&text, 1000);
	assert_int_equal(sign_key_parse(slice_of(rfc8463_pem), &key), 0);
	assert_int_equal(sign_key_algorithm(key), SIGN_ED25519_SHA256);
	assert_int_equal(sign_key_public(key, &text), 0);
	assert_string_equal(buf_text(&text), rfc8463_public);
	check_signature(key, SLICE("first"));
	check_signature(key, SLICE("second"));
	sign_key_free(key);
	assert_int_equal(sign_key_generate(SIGN_ED25519_SHA256, 0, &key), 0);
	check_signature(key, SLICE("third"));
	sign_key_free(key);
	buf_done(&text);
}

/* PKCS#1, as "openssl genrsa -traditional" writes it. */
static void
test_pkcs1(void **state)
{
	struct sign_key *key = NULL;
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	BIO *bio = BIO_new(BIO_s_mem());
	char *at;

	(void)state;
	assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL,
			     NULL, 0, NULL, NULL),
	    1);
	long len = BIO_get_mem_data(bio, &at);
	assert_memory_equal(at, "-----BEGIN RSA", 14);
	assert_int_equal(sign_key_parse((struct slice){ at, (size_t)len },
			     &key),
	    0);
	assert_int_equal(sign_key_bits(key), 1024);
	check_signature(key, SLICE("x"));
	sign_key_free(key);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}

static void
refuse(EVP_PKEY *pkey, const EVP_CIPHER *cipher, int want)
{
	struct sign_key *key = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *at;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher,
			     cipher != NULL ? "secret" : NULL,
			     cipher != NULL ? 6 : 0, NULL, NULL),
	    1);
	long len = BIO_get_mem_data(bio, &at);
	assert_int_equal(sign_key_parse((struct slice){ at, (size_t)len },
			     &key),
	    want);
	assert_null(key);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
}

static void
test_refused(void **state)
{
	struct sign_key *key = NULL;

	(void)state;
	refuse(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), NULL, ERR_SYNTAX);
	refuse(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)512), NULL,
	    ERR_LIMIT);
	refuse(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), EVP_aes_256_cbc(),
	    ERR_SYNTAX);
	assert_int_equal(sign_key_parse(SLICE(""), &key), ERR_SYNTAX);
	assert_int_equal(sign_key_parse(SLICE("hello\n"), &key), ERR_SYNTAX);
	/* Cut at any place. */
	for (size_t n = 0; n + 5 < sizeof(rfc8463_pem) - 1; n += 7)
		assert_int_equal(sign_key_parse((struct slice){ rfc8463_pem,
						    n },
				     &key),
		    ERR_SYNTAX);
	assert_int_equal(sign_key_generate(SIGN_RSA_SHA256, 512, &key),
	    ERR_LIMIT);
	assert_int_equal(sign_key_generate(SIGN_RSA_SHA256, 8192, &key),
	    ERR_LIMIT);
	assert_null(key);
}

struct signer {
	const struct sign_key *key;
	EVP_PKEY *reference;
	int wrong;
};

static void *
sign_many(void *arg)
{
	struct signer *s = arg;
	uint8_t hash[CRYPTO_SHA256_LEN], signature[SIGN_MAX];
	size_t len = 0;

	if (crypto_sha256(SLICE("text"), hash) < 0)
		s->wrong++;
	for (int i = 0; i < 100; i++)
		if (sign_key_sign(s->key, hash, signature, &len) < 0 ||
		    !verifies(s->reference, EVP_sha256(), SLICE("text"),
			signature, len))
			s->wrong++;
	return NULL;
}

static void
test_threads(void **state)
{
	struct sign_key *key = NULL;
	pthread_t threads[4];
	struct signer signers[4];

	(void)state;
	assert_int_equal(sign_key_generate(SIGN_RSA_SHA256, 1024, &key), 0);
	for (int i = 0; i < 4; i++) {
		signers[i] = (struct signer){ key, reference_key(key), 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, sign_many,
				     &signers[i]),
		    0);
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(signers[i].wrong, 0);
		EVP_PKEY_free(signers[i].reference);
	}
	sign_key_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_pkcs1),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
