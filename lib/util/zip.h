/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_ZIP_H
#define UTIL_ZIP_H

#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * A ZIP archive (PKWARE's APPNOTE, 6.3) of one file, written as its octets
 * come: nothing is kept, nothing is written twice, so that it can go straight
 * to a client.  With a password it is encrypted with AES-256 as WinZip does
 * ("AE-2", winzip.com/en/support/aes-encryption): 7-Zip, WinZip, libzip and
 * others open it.
 */
struct zip;

#define ZIP_NAME_MAX 255
#define ZIP_SIZE_MAX UINT32_MAX /* of the file, and packed */
#define ZIP_PASSWORD_MAX 128

/*
 * name       of the file, UTF-8
 * at_s       its time; shown without a zone
 * password   absent or empty: not encrypted
 * Writes the head to out.  ERR_LIMIT (name, password), ERR_CRYPTO, ERR_NOMEM.
 */
int zip_begin(struct slice name, int64_t at_s, struct slice password,
    struct buf *out, struct zip **ret_zip);
/* ERR_LIMIT: the file is too large; ERR_NOMEM, and out's own. */
int zip_add(struct zip *z, struct slice data, struct buf *out);
int zip_end(struct zip *z, struct buf *out);
void zip_free(struct zip *z); /* takes NULL */

#endif /* UTIL_ZIP_H */
