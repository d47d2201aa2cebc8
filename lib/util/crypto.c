/* SPDX-License-Identifier: BSD-2-Clause */
/* Hashes, random octets, base64 (RFC 4648) over OpenSSL's libcrypto. */
#include "util/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "util/err.h"

/*
 * OpenSSL 3 looks an algorithm up by name under a lock, at the price of many
 * short hashes: it is done once for the process.  The HMAC context has its
 * digest set and no key; each call works on a copy of it.
 */
static struct {
	pthread_once_t once;
	EVP_MD *sha256;
	EVP_MAC_CTX *hmac;
} fetched = { .once = PTHREAD_ONCE_INIT };

static void
fetch(void)
{
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name,
		    0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	fetched.sha256 = EVP_MD_fetch(NULL, name, NULL);
	if (mac == NULL)
		return;
	fetched.hmac = EVP_MAC_CTX_new(mac); /* holds mac */
	EVP_MAC_free(mac);
	if (fetched.hmac != NULL &&
	    EVP_MAC_CTX_set_params(fetched.hmac, params) != 1) {
		EVP_MAC_CTX_free(fetched.hmac);
		fetched.hmac = NULL;
	}
}

static bool
ready(void)
{
	(void)pthread_once(&fetched.once, fetch);
	return fetched.sha256 != NULL && fetched.hmac != NULL;
}

void
crypto_random(void *out, size_t len)
{
	char *at = out;

	while (len > 0) {
		/* Up to 256 octets come whole; larger ones may be cut. */
		ssize_t n = getrandom(at, len < 256 ? len : 256, 0);

		if (n <= 0)
			abort();
		at += n;
		len -= (size_t)n;
	}
}

bool
crypto_equal(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}

void
crypto_wipe(void *at, size_t len)
{
	if (len > 0)
		explicit_bzero(at, len);
}

int
crypto_sha256(struct slice data, uint8_t ret_hash[CRYPTO_SHA256_LEN])
{
	if (!ready() || EVP_Digest(data.at, data.len, ret_hash, NULL,
			    fetched.sha256, NULL) != 1)
		return ERR_CRYPTO;
	return 0;
}

int
crypto_sha1(struct slice data, uint8_t ret_hash[CRYPTO_SHA1_LEN])
{
	if (EVP_Digest(data.at, data.len, ret_hash, NULL, EVP_sha1(), NULL) !=
	    1)
		return ERR_CRYPTO;
	return 0;
}

int
crypto_hmac_sha256(struct slice key, struct slice data,
    uint8_t ret_mac[CRYPTO_SHA256_LEN])
{
	/* A NULL key would mean "the one before". */
	const void *octets = key.len > 0 ? key.at : "";
	uint8_t mac[CRYPTO_SHA256_LEN];
	size_t len = 0;
	int rc = ERR_CRYPTO;

	if (!ready())
		return ERR_CRYPTO;
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(fetched.hmac);
	if (ctx == NULL)
		return ERR_NOMEM;
	if (EVP_MAC_init(ctx, octets, key.len, NULL) == 1 &&
	    (data.len == 0 ||
		EVP_MAC_update(ctx, (const void *)data.at, data.len) == 1) &&
	    EVP_MAC_final(ctx, mac, &len, sizeof(mac)) == 1 &&
	    len == sizeof(mac)) {
		memcpy(ret_mac, mac, sizeof(mac));
		rc = 0;
	}
	EVP_MAC_CTX_free(ctx);
	return rc;
}

struct crypto_hash {
	EVP_MD_CTX *ctx;
};

struct crypto_hash *
crypto_hash_new(void)
{
	struct crypto_hash *h = malloc(sizeof(*h));

	if (h == NULL)
		return NULL;
	h->ctx = EVP_MD_CTX_new();
	if (h->ctx == NULL) {
		free(h);
		return NULL;
	}
	return h;
}

void
crypto_hash_free(struct crypto_hash *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

int
crypto_hash_begin(struct crypto_hash *h)
{
	if (!ready() || EVP_DigestInit_ex2(h->ctx, fetched.sha256, NULL) != 1)
		return ERR_CRYPTO;
	return 0;
}

int
crypto_hash_add(struct crypto_hash *h, const void *octets, size_t len)
{
	if (len > 0 && EVP_DigestUpdate(h->ctx, octets, len) != 1)
		return ERR_CRYPTO;
	return 0;
}

int
crypto_hash_end(struct crypto_hash *h, uint8_t ret_hash[CRYPTO_SHA256_LEN])
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_DigestFinal_ex(h->ctx, hash, &len) != 1 ||
	    len != CRYPTO_SHA256_LEN)
		return ERR_CRYPTO;
	memcpy(ret_hash, hash, len);
	return 0;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int
crypto_base64_encode(struct slice data, struct buf *out)
{
	const unsigned char *in = (const void *)data.at;
	size_t len = data.len;
	int rc;

	if (len > SIZE_MAX / 2)
		return ERR_LIMIT;
	if ((rc = buf_reserve(out, (len + 2) / 3 * 4)) < 0)
		return rc;
	char *to = out->at + out->len;

	out->len += (len + 2) / 3 * 4;
	for (; len > 3; in += 3, to += 4, len -= 3) {
		uint32_t bits =
		    (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

		to[0] = base64_digits[bits >> 18];
		to[1] = base64_digits[bits >> 12 & 63];
		to[2] = base64_digits[bits >> 6 & 63];
		to[3] = base64_digits[bits & 63];
	}
	for (; len > 0; in += 3, to += 4) {
		size_t n = len < 3 ? len : 3;
		unsigned long bits = (unsigned long)in[0] << 16;

		if (n > 1)
			bits |= (unsigned long)in[1] << 8;
		if (n > 2)
			bits |= in[2];
		to[0] = base64_digits[bits >> 18];
		to[1] = base64_digits[bits >> 12 & 63];
		to[2] = n > 1 ? base64_digits[bits >> 6 & 63] : '=';
		to[3] = n > 2 ? base64_digits[bits & 63] : '=';
		len -= n;
	}
	return 0;
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What is left of the last group; digits 0 (nothing), 2 or 3. */
static int
base64_tail(unsigned long bits, unsigned digits, unsigned pads, char **to)
{
	if (digits == 1 || (digits > 0 && digits + pads != 4) ||
	    (digits == 0 && pads != 0))
		return ERR_SYNTAX;
	/* RFC 4648, 3.5: the bits left over are zero. */
	if ((digits == 2 && (bits & 15) != 0) ||
	    (digits == 3 && (bits & 3) != 0))
		return ERR_SYNTAX;
	if (digits == 2)
		*(*to)++ = (char)(bits >> 4 & 255);
	if (digits == 3) {
		*(*to)++ = (char)(bits >> 10 & 255);
		*(*to)++ = (char)(bits >> 2 & 255);
	}
	return 0;
}

int
crypto_base64_decode(struct slice text, struct buf *out)
{
	unsigned long bits = 0;
	unsigned digits = 0, pads = 0;
	size_t total = 0;
	int rc;

	for (size_t i = 0; i < text.len; i++)
		if (base64_value(text.at[i]) >= 0)
			total++;
	if ((rc = buf_reserve(out, total / 4 * 3 + total % 4 * 3 / 4)) < 0)
		return rc;
	char *to = out->at + out->len;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (memchr(" \t\r\n", c, 4) != NULL)
			continue;
		if (c == '=') {
			pads++;
			continue;
		}
		int value = base64_value(c);
		if (value < 0 || pads > 0)
			return ERR_SYNTAX;
		bits = (bits << 6 | (unsigned long)value) & 0xffffff;
		if (++digits < 4)
			continue;
		*to++ = (char)(bits >> 16 & 255);
		*to++ = (char)(bits >> 8 & 255);
		*to++ = (char)(bits & 255);
		digits = 0;
	}
	if ((rc = base64_tail(bits, digits, pads, &to)) < 0)
		return rc;
	out->len = (size_t)(to - out->at);
	return 0;
}
