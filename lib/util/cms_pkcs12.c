/* SPDX-License-Identifier: BSD-2-Clause */
/* PKCS#12 files (RFC 7292) to PEM, for certificates of S/MIME. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include "util/cms.h"
#include "util/crypto.h"
#include "util/err.h"

#define PASSWORD_MAX 500

/*
 * Certification authorities still hand out files in RC2-40, which OpenSSL 3
 * keeps in its legacy provider: loaded here, for nothing but such a file.
 */
struct pkcs12 {
	OSSL_LIB_CTX *libctx;
	OSSL_PROVIDER *standard, *legacy;
	PKCS12 *file;
	EVP_PKEY *key;
	X509 *own;
	STACK_OF(X509) * others;
};

static void
close_all(struct pkcs12 *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->own);
	sk_X509_pop_free(p->others, X509_free);
	PKCS12_free(p->file);
	if (p->legacy != NULL)
		(void)OSSL_PROVIDER_unload(p->legacy);
	if (p->standard != NULL)
		(void)OSSL_PROVIDER_unload(p->standard);
	OSSL_LIB_CTX_free(p->libctx);
	ERR_clear_error();
}

static int
read_file(struct pkcs12 *p, struct slice file)
{
	const unsigned char *at = (const unsigned char *)file.at;

	p->libctx = OSSL_LIB_CTX_new();
	if (p->libctx == NULL)
		return ERR_NOMEM;
	p->standard = OSSL_PROVIDER_load(p->libctx, "default");
	p->legacy = OSSL_PROVIDER_load(p->libctx, "legacy"); /* or NULL */
	if (p->standard == NULL)
		return ERR_UNAVAIL;
	p->file = PKCS12_init_ex(NID_pkcs7_data, p->libctx, NULL);
	if (p->file == NULL)
		return ERR_NOMEM;
	/* Frees and clears p->file when it fails. */
	return d2i_PKCS12(&p->file, &at, (long)file.len) != NULL ? 0
								 : ERR_SYNTAX;
}

/* An empty password is written in one of two ways (RFC 7292, B.1). */
static int
check_password(struct pkcs12 *p, const char **password)
{
	if (PKCS12_mac_present(p->file) != 1)
		return 0; /* nothing to check it by: decrypting will tell */
	if (PKCS12_verify_mac(p->file, *password, -1) == 1)
		return 0;
	if ((*password)[0] != '\0' || PKCS12_verify_mac(p->file, NULL, 0) != 1)
		return ERR_DENIED;
	*password = NULL;
	return 0;
}

static int
add_bio(BIO *bio, struct buf *out)
{
	char *at = NULL;
	long len = BIO_get_mem_data(bio, &at);

	return len > 0 ? buf_add(out, at, (size_t)len) : ERR_CRYPTO;
}

static int
write_chain(const struct pkcs12 *p, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int rc = 0;

	if (bio == NULL)
		return ERR_NOMEM;
	if (PEM_write_bio_X509(bio, p->own) != 1)
		rc = ERR_CRYPTO;
	for (int i = 0; rc == 0 && i < sk_X509_num(p->others); i++)
		if (PEM_write_bio_X509(bio, sk_X509_value(p->others, i)) != 1)
			rc = ERR_CRYPTO;
	if (rc == 0)
		rc = add_bio(bio, out);
	BIO_free(bio);
	return rc;
}

static int
write_key(const struct pkcs12 *p, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	int rc;

	if (bio == NULL)
		return ERR_NOMEM;
	rc = PEM_write_bio_PKCS8PrivateKey(bio, p->key, NULL, NULL, 0, NULL,
		 NULL) == 1
		 ? add_bio(bio, out)
		 : ERR_CRYPTO;
	BIO_free(bio);
	return rc;
}

int
cms_pkcs12_open(struct slice file, struct slice password, struct buf *ret_chain,
    struct buf *ret_key)
{
	struct pkcs12 p = { .libctx = NULL };
	char text[PASSWORD_MAX + 1];
	const char *word = text;
	int rc;

	if (file.len == 0 || file.len > CMS_PKCS12_MAX)
		return ERR_SYNTAX;
	if (password.len > PASSWORD_MAX ||
	    memchr(password.at, '\0', password.len) != NULL)
		return ERR_DENIED;
	if (password.len > 0)
		memcpy(text, password.at, password.len);
	text[password.len] = '\0';
	rc = read_file(&p, file);
	if (rc == 0)
		rc = check_password(&p, &word);
	/* The password is right: what fails now is a cipher we have not. */
	if (rc == 0 &&
	    PKCS12_parse(p.file, word, &p.key, &p.own, &p.others) != 1)
		rc = PKCS12_mac_present(p.file) == 1 ? ERR_UNAVAIL : ERR_DENIED;
	if (rc == 0 && (p.key == NULL || p.own == NULL))
		rc = ERR_SYNTAX;
	if (rc == 0)
		rc = write_chain(&p, ret_chain);
	if (rc == 0)
		rc = write_key(&p, ret_key);
	crypto_wipe(text, sizeof(text));
	close_all(&p);
	return rc;
}
