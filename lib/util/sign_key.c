/* SPDX-License-Identifier: BSD-2-Clause */
/* Signing keys for DKIM: RSA (RFC 6376, 3.3.1) and Ed25519 (RFC 8463). */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "util/crypto.h"
#include "util/err.h"

#define RSA_BITS_MIN 1024
#define RSA_BITS_MAX 4096
#define PEM_MAX (64 * 1024)

/*
 * Setting a context up looks algorithms up by name; it is done once for each
 * key, and each signature is made with a copy.  The original is only read, so
 * any thread may copy it.
 */
struct sign_key {
	EVP_PKEY *pkey;
	enum sign_algorithm algorithm;
	EVP_PKEY_CTX *rsa;   /* SIGN_RSA_SHA256 */
	EVP_MD_CTX *ed25519; /* SIGN_ED25519_SHA256 */
};

static int
prepare_rsa(struct sign_key *key)
{
	key->rsa = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	if (key->rsa == NULL)
		return ERR_NOMEM;
	if (EVP_PKEY_sign_init(key->rsa) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(key->rsa, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(key->rsa, EVP_sha256()) != 1)
		return ERR_CRYPTO;
	return 0;
}

static int
prepare_ed25519(struct sign_key *key)
{
	key->ed25519 = EVP_MD_CTX_new();
	if (key->ed25519 == NULL)
		return ERR_NOMEM;
	if (EVP_DigestSignInit_ex(key->ed25519, NULL, NULL, NULL, NULL,
		key->pkey, NULL) != 1)
		return ERR_CRYPTO;
	return 0;
}

/* Takes pkey over, also when it fails. */
static int
key_of(EVP_PKEY *pkey, struct sign_key **ret_key)
{
	struct sign_key *key = calloc(1, sizeof(*key));
	int rc;

	if (key == NULL) {
		EVP_PKEY_free(pkey);
		return ERR_NOMEM;
	}
	key->pkey = pkey;
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		int bits = EVP_PKEY_get_bits(pkey);

		key->algorithm = SIGN_RSA_SHA256;
		rc = bits < RSA_BITS_MIN || bits > RSA_BITS_MAX
			 ? ERR_LIMIT
			 : prepare_rsa(key);
	} else if (EVP_PKEY_is_a(pkey, "ED25519")) {
		key->algorithm = SIGN_ED25519_SHA256;
		rc = prepare_ed25519(key);
	} else {
		rc = ERR_SYNTAX;
	}
	if (rc < 0) {
		ERR_clear_error();
		sign_key_free(key);
		return rc;
	}
	*ret_key = key;
	return 0;
}

int
sign_key_generate(enum sign_algorithm algorithm, unsigned bits,
    struct sign_key **ret_key)
{
	EVP_PKEY *pkey = NULL;

	switch (algorithm) {
	case SIGN_RSA_SHA256:
		if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
			return ERR_LIMIT;
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
		break;
	case SIGN_ED25519_SHA256:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	return pkey == NULL ? ERR_CRYPTO : key_of(pkey, ret_key);
}

/* For a key that is encrypted: there is nobody to ask. */
static int
no_password(char *room, int size, int writing, void *ctx)
{
	(void)room;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

int
sign_key_parse(struct slice pem, struct sign_key **ret_key)
{
	if (pem.len == 0 || pem.len > PEM_MAX)
		return ERR_SYNTAX;
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
	if (bio == NULL)
		return ERR_NOMEM;
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	if (pkey == NULL) {
		ERR_clear_error();
		return ERR_SYNTAX;
	}
	return key_of(pkey, ret_key);
}

int
sign_key_pem(const struct sign_key *key, struct buf *out)
{
	char *at = NULL;
	int rc = ERR_CRYPTO;

	BIO *bio = BIO_new(BIO_s_secmem());
	if (bio == NULL)
		return ERR_NOMEM;
	if (PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL,
		NULL) == 1) {
		long len = BIO_get_mem_data(bio, &at);

		rc = len > 0 ? buf_add(out, at, (size_t)len) : ERR_CRYPTO;
		if (len > 0)
			crypto_wipe(at, (size_t)len);
	}
	BIO_free(bio);
	return rc;
}

void
sign_key_free(struct sign_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_CTX_free(key->rsa);
	EVP_MD_CTX_free(key->ed25519);
	EVP_PKEY_free(key->pkey);
	free(key);
}

enum sign_algorithm
sign_key_algorithm(const struct sign_key *key)
{
	return key->algorithm;
}

unsigned
sign_key_bits(const struct sign_key *key)
{
	return (unsigned)EVP_PKEY_get_bits(key->pkey);
}

int
sign_key_public(const struct sign_key *key, struct buf *out)
{
	uint8_t raw[32];
	unsigned char *der = NULL;
	size_t raw_len = sizeof(raw);

	if (key->algorithm == SIGN_ED25519_SHA256) {
		if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &raw_len) != 1)
			return ERR_CRYPTO;
		return crypto_base64_encode((struct slice){ (const char *)raw,
						raw_len },
		    out);
	}
	int len = i2d_PUBKEY(key->pkey, &der);
	if (len <= 0)
		return ERR_CRYPTO;
	int rc = crypto_base64_encode((struct slice){ (const char *)der,
					  (size_t)len },
	    out);
	OPENSSL_free(der);
	return rc;
}

static int
sign_rsa(const struct sign_key *key, const uint8_t *hash, uint8_t *room,
    size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->rsa);

	if (ctx == NULL)
		return ERR_NOMEM;
	int ok = EVP_PKEY_sign(ctx, room, len, hash, CRYPTO_SHA256_LEN);
	EVP_PKEY_CTX_free(ctx);
	return ok == 1 ? 0 : ERR_CRYPTO;
}

/* RFC 8463, 3: what is signed is the SHA-256 hash of the text. */
static int
sign_ed25519(const struct sign_key *key, const uint8_t *hash, uint8_t *room,
    size_t *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	if (ctx == NULL)
		return ERR_NOMEM;
	ok = EVP_MD_CTX_copy_ex(ctx, key->ed25519) == 1 &&
	     EVP_DigestSign(ctx, room, len, hash, CRYPTO_SHA256_LEN) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : ERR_CRYPTO;
}

int
sign_key_sign(const struct sign_key *key, const uint8_t hash[CRYPTO_SHA256_LEN],
    uint8_t ret_signature[SIGN_MAX], size_t *ret_len)
{
	uint8_t room[SIGN_MAX];
	size_t len = sizeof(room);
	int rc = key->algorithm == SIGN_RSA_SHA256
		     ? sign_rsa(key, hash, room, &len)
		     : sign_ed25519(key, hash, room, &len);

	if (rc < 0) {
		ERR_clear_error();
		return rc;
	}
	memcpy(ret_signature, room, len);
	*ret_len = len;
	return 0;
}
