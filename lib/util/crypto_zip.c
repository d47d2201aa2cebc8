/* SPDX-License-Identifier: BSD-2-Clause */
/* The encryption of files in ZIP archives: WinZip's AE-2; RFC 8018, 2104. */
#include "util/crypto_zip.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "util/crypto.h"
#include "util/err.h"

#define KEY_LEN 32
#define ROUNDS 1000
#define BLOCK 16
#define SHA1_LEN 20
#define BLOCKS_AT_ONCE 256

struct crypto_zip {
	EVP_CIPHER_CTX *aes;
	EVP_MAC_CTX *mac;
	uint64_t counter;
	uint8_t stream[BLOCKS_AT_ONCE * BLOCK];
	size_t used; /* of stream */
};

static EVP_MAC_CTX *
mac_new(const uint8_t key[KEY_LEN])
{
	char digest[] = "SHA1";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (ctx != NULL && EVP_MAC_init(ctx, key, KEY_LEN, params) == 1)
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

int
crypto_zip_new(struct slice password, const uint8_t salt[CRYPTO_ZIP_SALT_LEN],
    uint8_t ret_check[CRYPTO_ZIP_CHECK_LEN], struct crypto_zip **ret_crypto)
{
	uint8_t keys[2 * KEY_LEN + CRYPTO_ZIP_CHECK_LEN];
	struct crypto_zip *c = calloc(1, sizeof(*c));
	int rc = ERR_CRYPTO;

	if (c == NULL)
		return ERR_NOMEM;
	c->used = sizeof(c->stream);
	c->aes = EVP_CIPHER_CTX_new();
	if (c->aes == NULL || PKCS5_PBKDF2_HMAC(password.at, (int)password.len,
				  salt, CRYPTO_ZIP_SALT_LEN, ROUNDS, EVP_sha1(),
				  sizeof(keys), keys) != 1)
		goto fail;
	c->mac = mac_new(keys + KEY_LEN);
	if (c->mac == NULL || EVP_EncryptInit_ex(c->aes, EVP_aes_256_ecb(),
				  NULL, keys, NULL) != 1)
		goto fail;
	(void)EVP_CIPHER_CTX_set_padding(c->aes, 0);
	memcpy(ret_check, keys + 2 * KEY_LEN, CRYPTO_ZIP_CHECK_LEN);
	crypto_wipe(keys, sizeof(keys));
	*ret_crypto = c;
	return 0;

fail:
	crypto_wipe(keys, sizeof(keys));
	crypto_zip_free(c);
	return rc;
}

/* Counter mode with the least octet first, from 1 on: not OpenSSL's own. */
static int
refill(struct crypto_zip *c)
{
	int len = 0;

	memset(c->stream, 0, sizeof(c->stream));
	for (size_t b = 0; b < BLOCKS_AT_ONCE; b++) {
		c->counter++;
		for (unsigned i = 0; i < sizeof(c->counter); i++)
			c->stream[b * BLOCK + i] =
			    (uint8_t)(c->counter >> (8 * i));
	}
	c->used = 0;
	return EVP_EncryptUpdate(c->aes, c->stream, &len, c->stream,
		   sizeof(c->stream)) == 1
		   ? 0
		   : ERR_CRYPTO;
}

int
crypto_zip_encrypt(struct crypto_zip *c, uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (c->used == sizeof(c->stream) && refill(c) < 0)
			return ERR_CRYPTO;
		at[i] ^= c->stream[c->used++];
	}
	return EVP_MAC_update(c->mac, at, len) == 1 ? 0 : ERR_CRYPTO;
}

int
crypto_zip_mac(struct crypto_zip *c, uint8_t ret_mac[CRYPTO_ZIP_MAC_LEN])
{
	uint8_t mac[SHA1_LEN];
	size_t len = 0;

	if (EVP_MAC_final(c->mac, mac, &len, sizeof(mac)) != 1 ||
	    len != sizeof(mac))
		return ERR_CRYPTO;
	memcpy(ret_mac, mac, CRYPTO_ZIP_MAC_LEN);
	return 0;
}

void
crypto_zip_free(struct crypto_zip *c)
{
	if (c == NULL)
		return;
	EVP_CIPHER_CTX_free(c->aes);
	EVP_MAC_CTX_free(c->mac);
	crypto_wipe(c, sizeof(*c));
	free(c);
}
