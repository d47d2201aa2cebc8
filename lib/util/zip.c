/* SPDX-License-Identifier: BSD-2-Clause */
/* A ZIP archive of one file, written as its octets come: APPNOTE 6.3. */
#include "util/zip.h"

#include <stdlib.h>
#include <time.h>
#include <zlib.h>

#include "util/crypto.h"
#include "util/crypto_zip.h"
#include "util/err.h"

/* APPNOTE, 4.3 and 4.4. */
#define SIG_LOCAL 0x04034b50U
#define SIG_DESCRIPTOR 0x08074b50U
#define SIG_CENTRAL 0x02014b50U
#define SIG_END 0x06054b50U
#define FLAG_ENCRYPTED 0x0001U
#define FLAG_DESCRIPTOR 0x0008U /* sizes stand behind the data */
#define FLAG_UTF8 0x0800U
#define METHOD_DEFLATE 8
#define METHOD_AES 99
#define MADE_BY_UNIX 0x0300U
#define VERSION_DEFLATE 20
#define VERSION_AES 51
#define UNIX_MODE 0100600U
/* WinZip's extra field. */
#define EXTRA_AES 0x9901U
#define EXTRA_AES_LEN 7
#define AES_AE2 2
#define AES_256 3
#define PIECE 16384

struct zip {
	char name[ZIP_NAME_MAX];
	size_t name_len;
	unsigned time, date;       /* MS-DOS */
	struct crypto_zip *crypto; /* NULL: not encrypted */
	z_stream deflate;
	bool deflating;
	uint64_t size, packed; /* packed: with salt and MAC */
	uLong crc;
	uint64_t written; /* before the central directory */
};

static void
put16(struct buf *out, unsigned n)
{
	const char two[] = { (char)(n & 0xff), (char)(n >> 8 & 0xff) };

	(void)buf_add(out, two, sizeof(two));
}

static void
put32(struct buf *out, uint64_t n)
{
	put16(out, (unsigned)(n & 0xffff));
	put16(out, (unsigned)(n >> 16 & 0xffff));
}

static void
dos_time(struct zip *z, int64_t at_s)
{
	time_t t = (time_t)at_s;
	struct tm tm;

	z->date = 1 << 5 | 1; /* 1980-01-01 */
	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 80 || tm.tm_year > 207)
		return;
	z->date = (unsigned)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 |
			     tm.tm_mday);
	z->time = (unsigned)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2);
}

/* What the local header and the central directory have in common. */
static void
put_common(const struct zip *z, struct buf *out, uint64_t crc, uint64_t packed,
    uint64_t size)
{
	bool aes = z->crypto != NULL;

	put16(out, aes ? VERSION_AES : VERSION_DEFLATE);
	put16(out, FLAG_DESCRIPTOR | FLAG_UTF8 | (aes ? FLAG_ENCRYPTED : 0));
	put16(out, aes ? METHOD_AES : METHOD_DEFLATE);
	put16(out, z->time);
	put16(out, z->date);
	put32(out, aes ? 0 : crc); /* AE-2 has none: it would tell */
	put32(out, packed);
	put32(out, size);
	put16(out, (unsigned)z->name_len);
	put16(out, aes ? 4 + EXTRA_AES_LEN : 0);
}

static void
put_name(const struct zip *z, struct buf *out)
{
	(void)buf_add(out, z->name, z->name_len);
	if (z->crypto == NULL)
		return;
	put16(out, EXTRA_AES);
	put16(out, EXTRA_AES_LEN);
	put16(out, AES_AE2);
	(void)buf_add_text(out, "AE");
	(void)buf_add_char(out, AES_256);
	put16(out, METHOD_DEFLATE);
}

static int
begin_crypto(struct zip *z, struct slice password, struct buf *out)
{
	uint8_t salt[CRYPTO_ZIP_SALT_LEN], check[CRYPTO_ZIP_CHECK_LEN];
	int rc;

	crypto_random(salt, sizeof(salt));
	if ((rc = crypto_zip_new(password, salt, check, &z->crypto)) < 0)
		return rc;
	put32(out, SIG_LOCAL);
	put_common(z, out, 0, 0, 0);
	put_name(z, out);
	(void)buf_add(out, salt, sizeof(salt));
	(void)buf_add(out, check, sizeof(check));
	z->packed = sizeof(salt) + sizeof(check);
	return out->rc;
}

int
zip_begin(struct slice name, int64_t at_s, struct slice password,
    struct buf *out, struct zip **ret_zip)
{
	struct zip *z;
	size_t start = out->len;
	int rc = 0;

	if (name.len > ZIP_NAME_MAX || password.len > ZIP_PASSWORD_MAX)
		return ERR_LIMIT;
	if ((z = calloc(1, sizeof(*z))) == NULL)
		return ERR_NOMEM;
	memcpy(z->name, name.at, name.len);
	z->name_len = name.len;
	z->crc = crc32(0, NULL, 0);
	dos_time(z, at_s);
	/* Raw deflate: no head of zlib's. */
	if (deflateInit2(&z->deflate, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
		-MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		zip_free(z);
		return ERR_NOMEM;
	}
	z->deflating = true;
	if (password.len > 0) {
		rc = begin_crypto(z, password, out);
	} else {
		put32(out, SIG_LOCAL);
		put_common(z, out, 0, 0, 0);
		put_name(z, out);
		rc = out->rc;
	}
	if (rc < 0) {
		zip_free(z);
		return rc;
	}
	z->written = out->len - start - z->packed;
	*ret_zip = z;
	return 0;
}

static int
pack(struct zip *z, int flush, struct buf *out)
{
	int state, rc;

	do {
		size_t n;

		if ((rc = buf_reserve(out, PIECE)) < 0)
			return rc;
		z->deflate.next_out = (Bytef *)out->at + out->len;
		z->deflate.avail_out = PIECE;
		state = deflate(&z->deflate, flush);
		n = PIECE - z->deflate.avail_out;
		if (z->crypto != NULL &&
		    crypto_zip_encrypt(z->crypto, (uint8_t *)out->at + out->len,
			n) < 0)
			return ERR_CRYPTO;
		out->len += n;
		z->packed += n;
	} while (z->deflate.avail_out == 0);
	return state == Z_OK || state == Z_STREAM_END || state == Z_BUF_ERROR
		   ? 0
		   : ERR_NOMEM;
}

int
zip_add(struct zip *z, struct slice data, struct buf *out)
{
	if (z->size + data.len > ZIP_SIZE_MAX - PIECE)
		return ERR_LIMIT;
	z->size += data.len;
	while (data.len > 0) {
		uInt n = data.len < PIECE ? (uInt)data.len : PIECE;
		int rc;

		z->crc = crc32(z->crc, (const Bytef *)data.at, n);
		z->deflate.next_in = (z_const Bytef *)(uintptr_t)data.at;
		z->deflate.avail_in = n;
		if ((rc = pack(z, Z_NO_FLUSH, out)) < 0)
			return rc;
		data = slice_skip(data, n);
	}
	return out->rc;
}

static void
put_directory(struct zip *z, struct buf *out)
{
	uint64_t offset = z->written + z->packed;
	size_t start = out->len;

	put32(out, SIG_DESCRIPTOR);
	put32(out, z->crypto != NULL ? 0 : z->crc);
	put32(out, z->packed);
	put32(out, z->size);
	offset += out->len - start;
	start = out->len;
	put32(out, SIG_CENTRAL);
	put16(out,
	    MADE_BY_UNIX | (z->crypto != NULL ? VERSION_AES : VERSION_DEFLATE));
	put_common(z, out, z->crc, z->packed, z->size);
	put16(out, 0); /* comment */
	put16(out, 0); /* disk */
	put16(out, 0); /* internal attributes */
	put32(out, (uint64_t)UNIX_MODE << 16);
	put32(out, 0); /* where the local header is */
	put_name(z, out);
	start = out->len - start;
	put32(out, SIG_END);
	put16(out, 0); /* this disk */
	put16(out, 0); /* disk of the directory */
	put16(out, 1); /* entries here */
	put16(out, 1); /* entries */
	put32(out, start);
	put32(out, offset);
	put16(out, 0); /* comment */
}

int
zip_end(struct zip *z, struct buf *out)
{
	uint8_t mac[CRYPTO_ZIP_MAC_LEN];
	int rc;

	z->deflate.avail_in = 0;
	if ((rc = pack(z, Z_FINISH, out)) < 0)
		return rc;
	if (z->crypto != NULL) {
		if (crypto_zip_mac(z->crypto, mac) < 0)
			return ERR_CRYPTO;
		(void)buf_add(out, mac, sizeof(mac));
		z->packed += sizeof(mac);
	}
	if (z->packed > ZIP_SIZE_MAX)
		return ERR_LIMIT;
	put_directory(z, out);
	return out->rc;
}

void
zip_free(struct zip *z)
{
	if (z == NULL)
		return;
	if (z->deflating)
		(void)deflateEnd(&z->deflate);
	crypto_zip_free(z->crypto);
	free(z);
}
