/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secrets at rest: the master key, keys derived from it (RFC 5869), sealing
 * with AES-256-GCM, and passwords with scrypt (RFC 7914).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/crypto.h"
#include "util/err.h"
#include "util/number.h"

static int
error_of_errno(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOTFOUND;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case EEXIST:
		return ERR_CONFLICT;
	case ENOMEM:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#define MASTER_DIGITS (2 * CRYPTO_MASTER_LEN)

static int
master_parse(struct slice text, struct master_key *ret_key)
{
	struct master_key key = { { 0 } };

	if (text.len > 0 && text.at[text.len - 1] == '\n')
		text.len--;
	if (text.len != MASTER_DIGITS)
		return ERR_SYNTAX;
	for (size_t i = 0; i < CRYPTO_MASTER_LEN; i++) {
		int high = hex_value(text.at[2 * i]);
		int low = hex_value(text.at[2 * i + 1]);

		if (high < 0 || low < 0) {
			crypto_wipe(&key, sizeof(key));
			return ERR_SYNTAX;
		}
		key.octets[i] = (uint8_t)(high << 4 | low);
	}
	*ret_key = key;
	crypto_wipe(&key, sizeof(key));
	return 0;
}

int
crypto_master_load(const char *path, struct master_key *ret_key)
{
	char text[MASTER_DIGITS + 2];
	size_t len = 0;
	ssize_t n = 0;
	struct stat st;
	int rc;

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_of_errno();
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		rc = ERR_IO;
	} else if ((st.st_mode & 077) != 0) {
		rc = ERR_DENIED;
	} else {
		while (len < sizeof(text) &&
		       (n = read(fd, text + len, sizeof(text) - len)) > 0)
			len += (size_t)n;
		rc = n < 0 ? ERR_IO
			   : master_parse((struct slice){ text, len }, ret_key);
	}
	(void)close(fd);
	crypto_wipe(text, sizeof(text));
	return rc;
}

static int
write_whole(int fd, const char *at, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n <= 0)
			return ERR_IO;
		at += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : ERR_IO;
}

/* So that the name survives a power failure as well as the content. */
static void
sync_folder_of(const char *path)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;

	if (len >= sizeof(folder))
		return;
	memcpy(folder, path, len);
	folder[len] = '\0';
	int fd =
	    open(len > 0 ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

int
crypto_master_create(const char *path)
{
	uint8_t octets[CRYPTO_MASTER_LEN];
	char text[MASTER_DIGITS + 2], name[4096];
	int rc;

	int n = snprintf(name, sizeof(name), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(name))
		return ERR_LIMIT;
	/* Under another name first: the file is never seen half written. */
	int fd = mkostemp(name, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return error_of_errno();
	crypto_random(octets, sizeof(octets));
	for (size_t i = 0; i < sizeof(octets); i++)
		(void)snprintf(text + 2 * i, 3, "%02x", octets[i]);
	text[MASTER_DIGITS] = '\n';
	rc = write_whole(fd, text, MASTER_DIGITS + 1);
	if (close(fd) < 0 && rc == 0)
		rc = ERR_IO;
	/* Unlike rename(2), link(2) never replaces a key that is there. */
	if (rc == 0 && link(name, path) < 0)
		rc = error_of_errno();
	(void)unlink(name);
	if (rc == 0)
		sync_folder_of(path);
	crypto_wipe(octets, sizeof(octets));
	crypto_wipe(text, sizeof(text));
	return rc;
}

int
crypto_derive(const struct master_key *master, const char *purpose,
    uint8_t ret_key[CRYPTO_SHA256_LEN])
{
	static const char salt[CRYPTO_SHA256_LEN]; /* RFC 5869, 2.2: zeros */
	uint8_t prk[CRYPTO_SHA256_LEN];
	char info[200];
	int rc;

	/* RFC 5869, 2.3: T(1) = HMAC(PRK, info | 0x01); one block is enough. */
	int n = snprintf(info, sizeof(info), "postern %s\001", purpose);
	if (n < 0 || (size_t)n >= sizeof(info))
		return ERR_LIMIT;
	rc = crypto_hmac_sha256((struct slice){ salt, sizeof(salt) },
	    (struct slice){ (const char *)master->octets, CRYPTO_MASTER_LEN },
	    prk);
	if (rc == 0)
		rc = crypto_hmac_sha256((struct slice){ (const char *)prk,
					    sizeof(prk) },
		    (struct slice){ info, (size_t)n }, ret_key);
	crypto_wipe(prk, sizeof(prk));
	return rc;
}

#define SEALED_PREFIX "enc:v1:"
#define NONCE_LEN 12
#define TAG_LEN 16
_Static_assert(NONCE_LEN + TAG_LEN == CRYPTO_BOX_EXTRA, "form of a box");
#define SEALED_MAX (1024 * 1024)

static EVP_CIPHER *aes_gcm;
static pthread_once_t aes_gcm_once = PTHREAD_ONCE_INIT;

static void
aes_gcm_fetch(void)
{
	aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

enum direction { OPEN = 0, SEAL = 1 };

/* With the key and nonce set, and the context told; NULL: failed. */
static EVP_CIPHER_CTX *
gcm_begin(enum direction direction, const struct master_key *master,
    const char *purpose, const uint8_t *nonce, struct slice context)
{
	uint8_t key[CRYPTO_SHA256_LEN];
	int len;

	(void)pthread_once(&aes_gcm_once, aes_gcm_fetch);
	if (aes_gcm == NULL || context.len > SEALED_MAX ||
	    crypto_derive(master, purpose, key) < 0)
		return NULL;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (ctx != NULL &&
	    (EVP_CipherInit_ex2(ctx, aes_gcm, key, nonce, direction, NULL) !=
		    1 ||
		(context.len > 0 &&
		    EVP_CipherUpdate(ctx, NULL, &len, (const void *)context.at,
			(int)context.len) != 1))) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	crypto_wipe(key, sizeof(key));
	return ctx;
}

/* Nonce, ciphertext and tag, behind what is in out. */
static int
gcm_seal(const struct master_key *master, const char *purpose,
    struct slice context, struct slice plain, struct buf *out)
{
	int n = 0, rc;

	if (plain.len > INT_MAX - CRYPTO_BOX_EXTRA)
		return ERR_LIMIT;
	if ((rc = buf_reserve(out, plain.len + CRYPTO_BOX_EXTRA)) < 0)
		return rc;
	uint8_t *nonce = (void *)(out->at + out->len), *to = nonce + NONCE_LEN;
	crypto_random(nonce, NONCE_LEN);
	EVP_CIPHER_CTX *ctx = gcm_begin(SEAL, master, purpose, nonce, context);
	if (ctx == NULL)
		return ERR_CRYPTO;
	if ((plain.len > 0 &&
		EVP_CipherUpdate(ctx, to, &n, (const void *)plain.at,
		    (int)plain.len) != 1) ||
	    EVP_CipherFinal_ex(ctx, to + plain.len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN,
		to + plain.len) != 1)
		rc = ERR_CRYPTO;
	else
		out->len += plain.len + CRYPTO_BOX_EXTRA;
	EVP_CIPHER_CTX_free(ctx);
	return rc;
}

int
crypto_seal(const struct master_key *master, struct slice context,
    struct slice plain, struct buf *out)
{
	size_t before = out->len;
	struct buf raw;
	int rc;

	if (plain.len > SEALED_MAX)
		return ERR_LIMIT;
	buf_init(&raw, SEALED_MAX + CRYPTO_BOX_EXTRA);
	rc = gcm_seal(master, "seal", context, plain, &raw);
	if (rc == 0)
		rc = buf_add_text(out, SEALED_PREFIX);
	if (rc == 0)
		rc = crypto_base64_encode(buf_slice(&raw), out);
	if (rc < 0)
		out->len = before;
	buf_done(&raw);
	return rc;
}

int
crypto_box_seal(const struct master_key *master, const char *purpose,
    struct slice context, struct slice plain, struct buf *out)
{
	return gcm_seal(master, purpose, context, plain, out);
}

static int
gcm_open(const struct master_key *master, const char *purpose,
    struct slice context, struct slice raw, struct buf *out)
{
	uint8_t tag[TAG_LEN];
	int n = 0, rc;

	if (raw.len < CRYPTO_BOX_EXTRA || raw.len > INT_MAX)
		return ERR_SYNTAX;
	const uint8_t *from = (const void *)raw.at;
	size_t len = raw.len - CRYPTO_BOX_EXTRA;

	if ((rc = buf_reserve(out, len)) < 0)
		return rc;
	memcpy(tag, from + NONCE_LEN + len, TAG_LEN);
	EVP_CIPHER_CTX *ctx = gcm_begin(OPEN, master, purpose, from, context);
	if (ctx == NULL)
		return ERR_CRYPTO;
	uint8_t *to = (void *)(out->at + out->len);
	if ((len > 0 && EVP_CipherUpdate(ctx, to, &n, from + NONCE_LEN,
			    (int)len) != 1) ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) !=
		1 ||
	    EVP_CipherFinal_ex(ctx, to + len, &n) != 1) {
		crypto_wipe(to, len); /* not authentic: nobody may see it */
		rc = ERR_CRYPTO;
	} else {
		out->len += len;
	}
	EVP_CIPHER_CTX_free(ctx);
	return rc;
}

int
crypto_box_open(const struct master_key *master, const char *purpose,
    struct slice context, struct slice box, struct buf *out)
{
	return gcm_open(master, purpose, context, box, out);
}

bool
crypto_is_sealed(struct slice text)
{
	return slice_starts(text, SLICE(SEALED_PREFIX));
}

int
crypto_open(const struct master_key *master, struct slice context,
    struct slice sealed, struct buf *out)
{
	struct buf raw;
	int rc;

	if (!crypto_is_sealed(sealed))
		return ERR_SYNTAX;
	buf_init(&raw, 2 * SEALED_MAX);
	rc = crypto_base64_decode(slice_skip(sealed, sizeof(SEALED_PREFIX) - 1),
	    &raw);
	if (rc == 0)
		rc = gcm_open(master, "seal", context, buf_slice(&raw), out);
	buf_done(&raw);
	return rc;
}

/* scrypt, RFC 7914: N = 2^ln blocks of 128 * r octets, 16 MiB as we make them.
 */
#define SCRYPT_LN 14
#define SCRYPT_R 8
#define SCRYPT_P 1
#define SCRYPT_SALT_LEN 16
#define SCRYPT_MEMORY_MAX (64UL * 1024 * 1024)

struct scrypt {
	uint64_t ln, r, p;
	uint8_t salt[64];
	size_t salt_len;
	uint8_t hash[32];
};

static int
scrypt_run(const struct scrypt *s, struct slice password, uint8_t ret_hash[32])
{
	/* Of what the algorithm itself needs, and a little beside it. */
	uint64_t memory = SCRYPT_MEMORY_MAX + 1024 * 1024;

	if (EVP_PBE_scrypt(password.len > 0 ? password.at : "", password.len,
		s->salt, s->salt_len, 1UL << s->ln, s->r, s->p, memory,
		ret_hash, 32) != 1)
		return ERR_CRYPTO;
	return 0;
}

int
crypto_password_hash(struct slice password, struct buf *out)
{
	struct scrypt s = { .ln = SCRYPT_LN, .r = SCRYPT_R, .p = SCRYPT_P };
	size_t before = out->len;
	int rc;

	s.salt_len = SCRYPT_SALT_LEN;
	crypto_random(s.salt, s.salt_len);
	if ((rc = scrypt_run(&s, password, s.hash)) < 0)
		return rc;
	rc = buf_addf(out, "$scrypt$ln=%d,r=%d,p=%d$", SCRYPT_LN, SCRYPT_R,
	    SCRYPT_P);
	if (rc == 0)
		rc = crypto_base64_encode((struct slice){ (const char *)s.salt,
					      s.salt_len },
		    out);
	if (rc == 0)
		rc = buf_add_char(out, '$');
	if (rc == 0)
		rc = crypto_base64_encode((struct slice){ (const char *)s.hash,
					      sizeof(s.hash) },
		    out);
	if (rc < 0)
		out->len = before;
	return rc;
}

static int
parse_cost(struct slice *rest, char end, const char *name, uint64_t max,
    uint64_t *ret_value)
{
	struct slice piece;

	if (!slice_split(rest, end, &piece) ||
	    !slice_starts(piece, slice_of(name)))
		return ERR_SYNTAX;
	return number_parse(slice_skip(piece, strlen(name)), 1, max,
		   ret_value) == 0
		   ? 0
		   : ERR_SYNTAX;
}

static int
parse_octets(struct slice text, uint8_t *to, size_t min, size_t max,
    size_t *ret_len)
{
	struct buf raw;

	buf_init(&raw, 256);
	int rc = crypto_base64_decode(text, &raw);
	if (rc == 0 && (raw.len < min || raw.len > max))
		rc = ERR_SYNTAX;
	if (rc == 0) {
		memcpy(to, raw.at, raw.len);
		*ret_len = raw.len;
	}
	buf_done(&raw);
	return rc == 0 ? 0 : ERR_SYNTAX;
}

static int
scrypt_parse(struct slice text, struct scrypt *ret_s)
{
	struct slice rest, salt;
	struct scrypt s;
	size_t len;

	if (!slice_starts(text, SLICE("$scrypt$")))
		return ERR_SYNTAX;
	rest = slice_skip(text, 8);
	if (parse_cost(&rest, ',', "ln=", 24, &s.ln) < 0 ||
	    parse_cost(&rest, ',', "r=", 64, &s.r) < 0 ||
	    parse_cost(&rest, '$', "p=", 16, &s.p) < 0)
		return ERR_SYNTAX;
	if (128 * s.r * ((1UL << s.ln) + s.p) >
	    SCRYPT_MEMORY_MAX + 128 * s.r * s.p)
		return ERR_SYNTAX;
	if (!slice_split(&rest, '$', &salt) || rest.at == NULL ||
	    parse_octets(salt, s.salt, 8, sizeof(s.salt), &s.salt_len) < 0 ||
	    parse_octets(rest, s.hash, sizeof(s.hash), sizeof(s.hash), &len) <
		0)
		return ERR_SYNTAX;
	*ret_s = s;
	return 0;
}

int
crypto_password_verify(struct slice password, struct slice hash)
{
	struct scrypt s;
	uint8_t mine[32];
	int rc;

	if ((rc = scrypt_parse(hash, &s)) < 0 ||
	    (rc = scrypt_run(&s, password, mine)) < 0)
		return rc;
	return crypto_equal((struct slice){ (const char *)mine, 32 },
		   (struct slice){ (const char *)s.hash, 32 })
		   ? 1
		   : 0;
}
