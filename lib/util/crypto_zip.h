/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_CRYPTO_ZIP_H
#define UTIL_CRYPTO_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * The encryption of files in ZIP archives: WinZip's AE-2 with AES-256.  Keys
 * come from the password by PBKDF2 (RFC 8018) with HMAC-SHA1 and 1000 rounds,
 * as the format has it: the password has to be a long one.
 */
struct crypto_zip;

#define CRYPTO_ZIP_SALT_LEN 16
#define CRYPTO_ZIP_CHECK_LEN 2
#define CRYPTO_ZIP_MAC_LEN 10

/* ERR_CRYPTO, ERR_NOMEM.  ret_check: what stands behind the salt. */
int crypto_zip_new(struct slice password,
    const uint8_t salt[CRYPTO_ZIP_SALT_LEN],
    uint8_t ret_check[CRYPTO_ZIP_CHECK_LEN], struct crypto_zip **ret_crypto);
/* In place, in the order of the file.  ERR_CRYPTO. */
int crypto_zip_encrypt(struct crypto_zip *c, uint8_t *at, size_t len);
/* Of all that was encrypted. */
int crypto_zip_mac(struct crypto_zip *c, uint8_t ret_mac[CRYPTO_ZIP_MAC_LEN]);
void crypto_zip_free(struct crypto_zip *c); /* takes NULL */

#endif /* UTIL_CRYPTO_ZIP_H */
