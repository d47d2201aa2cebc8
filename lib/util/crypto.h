/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_CRYPTO_H
#define UTIL_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * The only users of OpenSSL's libcrypto: crypto.c, crypto_secret.c, sign_key.c,
 * and cms*.c.
 * Everything here may be called from any thread, on its own objects.  0 or
 * ERR_CRYPTO / ERR_NOMEM / ERR_SYNTAX; ERR_LIMIT for what is too long.
 */

/* From getrandom(2); never fails (aborts the process instead). */
void crypto_random(void *out, size_t len);
/* Same octets? In a time that depends on the lengths only. */
bool crypto_equal(struct slice a, struct slice b);
/* Overwrites memory that held a secret. */
void crypto_wipe(void *at, size_t len);

#define CRYPTO_SHA256_LEN 32
int crypto_sha256(struct slice data, uint8_t ret_hash[CRYPTO_SHA256_LEN]);
/*
 * SHA-1, as Redis's scripts have no other: to find a place in an index.
 * Nothing secret or trusted may rest on it.
 */
#define CRYPTO_SHA1_LEN 20
int crypto_sha1(struct slice data, uint8_t ret_hash[CRYPTO_SHA1_LEN]);
int crypto_hmac_sha256(struct slice key, struct slice data,
    uint8_t ret_mac[CRYPTO_SHA256_LEN]);

/* A hash that is fed in pieces; reusable: _begin starts anew. */
struct crypto_hash;
struct crypto_hash *crypto_hash_new(void);
void crypto_hash_free(struct crypto_hash *h); /* takes NULL */
int crypto_hash_begin(struct crypto_hash *h);
int crypto_hash_add(struct crypto_hash *h, const void *octets, size_t len);
int crypto_hash_end(struct crypto_hash *h, uint8_t ret_hash[CRYPTO_SHA256_LEN]);

/*
 * Base64 of RFC 4648, 4, with its padding; decoding skips blanks, tabs, CR and
 * LF.  ERR_SYNTAX leaves out as it was.
 */
int crypto_base64_encode(struct slice data, struct buf *out);
int crypto_base64_decode(struct slice text, struct buf *out);

/* ---- secrets at rest ---- */

#define CRYPTO_MASTER_LEN 32
/*
 * The host's master key, /etc/postern/master.key: 64 hex digits and a line
 * end.  ERR_DENIED: readable or writable by others than its owner;
 * ERR_NOTFOUND, ERR_SYNTAX, ERR_IO.
 */
struct master_key {
	uint8_t octets[CRYPTO_MASTER_LEN];
};
int crypto_master_load(const char *path, struct master_key *ret_key);
/* Makes the file, mode 0600; ERR_CONFLICT when it is already there. */
int crypto_master_create(const char *path);

/*
 * A key for one purpose ("verp", "unsubscribe"), made from the master key by
 * HKDF-SHA256 (RFC 5869).
 */
int crypto_derive(const struct master_key *master, const char *purpose,
    uint8_t ret_key[CRYPTO_SHA256_LEN]);

/*
 * "enc:v1:" + base64(nonce, AES-256-GCM ciphertext, tag); context is
 * authenticated with it (tenant), so that a sealed secret can not be moved to
 * another tenant.
 */
int crypto_seal(const struct master_key *master, struct slice context,
    struct slice plain, struct buf *out);
/* ERR_SYNTAX: not that form; ERR_CRYPTO: other key, other context, changed. */
int crypto_open(const struct master_key *master, struct slice context,
    struct slice sealed, struct buf *out);
bool crypto_is_sealed(struct slice text);
/*
 * The same for octets that stay octets: nonce, ciphertext and tag, appended to
 * out; under a key of its own for each purpose (crypto_derive).  _open: as
 * crypto_open; what is not authentic is not handed out.
 */
#define CRYPTO_BOX_EXTRA 28
int crypto_box_seal(const struct master_key *master, const char *purpose,
    struct slice context, struct slice plain, struct buf *out);
int crypto_box_open(const struct master_key *master, const char *purpose,
    struct slice context, struct slice box, struct buf *out);

/*
 * Passwords and API keys: "$scrypt$ln=14,r=8,p=1$SALT$HASH" (base64).
 * _verify: 1 same, 0 other, ERR_SYNTAX when the hash is not of this form or
 * asks for more than 64 MiB.  Takes about 40 ms of CPU on purpose.
 */
int crypto_password_hash(struct slice password, struct buf *out);
int crypto_password_verify(struct slice password, struct slice hash);

/* ---- signing keys (DKIM) ---- */

struct sign_key;
enum sign_algorithm { SIGN_RSA_SHA256, SIGN_ED25519_SHA256 };

/* bits: 1024..4096 for RSA, ignored for Ed25519. */
int sign_key_generate(enum sign_algorithm algorithm, unsigned bits,
    struct sign_key **ret_key);
/*
 * PEM, PKCS#8 or PKCS#1, not encrypted.  ERR_SYNTAX: not a key, or neither RSA
 * nor Ed25519; ERR_LIMIT: not 1024..4096 bits.
 */
int sign_key_parse(struct slice pem, struct sign_key **ret_key);
int sign_key_pem(const struct sign_key *key, struct buf *out);
void sign_key_free(struct sign_key *key); /* takes NULL */
enum sign_algorithm sign_key_algorithm(const struct sign_key *key);
unsigned sign_key_bits(const struct sign_key *key);
/*
 * What the DNS record's p= holds, base64: SubjectPublicKeyInfo for RSA (RFC
 * 6376, 3.6.1), the bare 32 octets for Ed25519 (RFC 8463, 4).
 */
int sign_key_public(const struct sign_key *key, struct buf *out);
#define SIGN_MAX 512 /* octets of the largest signature: RSA 4096 */
/*
 * Signs the SHA-256 hash of the signed text.  One key may sign in several
 * threads at once.
 */
int sign_key_sign(const struct sign_key *key,
    const uint8_t hash[CRYPTO_SHA256_LEN], uint8_t ret_signature[SIGN_MAX],
    size_t *ret_len);

#endif /* UTIL_CRYPTO_H */
