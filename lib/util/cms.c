/* SPDX-License-Identifier: BSD-2-Clause */
/* S/MIME signatures as CMS SignedData: RFC 5652, RFC 8551, 2.5. */
#include "util/cms.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "util/err.h"

#define PEM_MAX (256 * 1024)
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define EC_BITS_MIN 256
#define NAME_OCTETS_MAX 2000

/*
 * Only read after it was made: X509 and EVP_PKEY count their users in a way
 * that any thread may, and their caches are filled here.
 */
struct cms_signer {
	EVP_PKEY *key; /* NULL: to look at only */
	X509 *chain[CMS_CHAIN_MAX];
	size_t chain_len;
	int64_t not_before, not_after;
	bool for_mail;
	STACK_OF(OPENSSL_STRING) * names; /* NULL: none */
	STACK_OF(X509_ALGOR) * capabilities;
};

struct cms_signing {
	CMS_ContentInfo *cms;
	BIO *input;
	int rc; /* of cms_sign_add */
};

/* ---- reading ---- */

/* For what is encrypted: there is nobody to ask. */
static int
no_password(char *room, int size, int writing, void *ctx)
{
	(void)room;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

/* The chain in the order of the text. */
static int
read_chain(struct cms_signer *s, BIO *in)
{
	X509 *x;

	while ((x = PEM_read_bio_X509(in, NULL, no_password, NULL)) != NULL) {
		if (s->chain_len == CMS_CHAIN_MAX) {
			X509_free(x);
			return ERR_LIMIT;
		}
		s->chain[s->chain_len++] = x;
		/* Fills what is looked up later by several threads. */
		(void)X509_check_purpose(x, -1, 0);
	}
	unsigned long last = ERR_peek_last_error();
	if (s->chain_len == 0 || ERR_GET_LIB(last) != ERR_LIB_PEM ||
	    ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
		return ERR_SYNTAX;
	return 0;
}

static int
read_key(struct cms_signer *s, BIO *in)
{
	s->key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
	if (s->key == NULL)
		return ERR_SYNTAX;
	int bits = EVP_PKEY_get_bits(s->key);
	if (EVP_PKEY_is_a(s->key, "RSA")) {
		if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
			return ERR_LIMIT;
	} else if (EVP_PKEY_is_a(s->key, "EC")) {
		if (bits < EC_BITS_MIN)
			return ERR_LIMIT;
	} else {
		return ERR_SYNTAX;
	}
	return X509_check_private_key(s->chain[0], s->key) == 1 ? 0
								: ERR_CONFLICT;
}

static int
seconds_of(const ASN1_TIME *t, int64_t *ret_s)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return ERR_SYNTAX;
	*ret_s = (int64_t)timegm(&tm);
	return 0;
}

/*
 * What a reader may encrypt an answer with (RFC 8551, 2.5.2).  Nothing is
 * known of the sender's own mail reader, so only what all of them can: RFC
 * 5751 had AES-128 in CBC mode as a MUST.
 */
static int
make_capabilities(struct cms_signer *s)
{
	return CMS_add_simple_smimecap(&s->capabilities, NID_aes_256_cbc, -1) ==
			   1 &&
		       CMS_add_simple_smimecap(&s->capabilities,
			   NID_aes_128_cbc, -1) == 1
		   ? 0
		   : ERR_NOMEM;
}

static int
look_at(struct cms_signer *s)
{
	X509 *x = s->chain[0];
	int rc = seconds_of(X509_get0_notBefore(x), &s->not_before);

	if (rc == 0)
		rc = seconds_of(X509_get0_notAfter(x), &s->not_after);
	s->for_mail = X509_check_purpose(x, X509_PURPOSE_SMIME_SIGN, 0) == 1;
	s->names = X509_get1_email(x);
	return rc;
}

static int
with_bio(struct cms_signer *s, struct slice pem,
    int (*reader)(struct cms_signer *s, BIO *in))
{
	if (pem.len == 0 || pem.len > PEM_MAX)
		return ERR_SYNTAX;
	BIO *in = BIO_new_mem_buf(pem.at, (int)pem.len);
	if (in == NULL)
		return ERR_NOMEM;
	int rc = reader(s, in);
	BIO_free(in);
	return rc;
}

/* key: NULL when it is only to be looked at. */
static int
parse(struct slice chain, const struct slice *key,
    struct cms_signer **ret_signer)
{
	struct cms_signer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_NOMEM;
	int rc = with_bio(s, chain, read_chain);
	if (rc == 0 && key != NULL)
		rc = with_bio(s, *key, read_key);
	if (rc == 0)
		rc = look_at(s);
	if (rc == 0)
		rc = make_capabilities(s);
	ERR_clear_error();
	if (rc < 0) {
		cms_signer_free(s);
		return rc;
	}
	*ret_signer = s;
	return 0;
}

int
cms_signer_parse(struct slice chain, struct slice key,
    struct cms_signer **ret_signer)
{
	return parse(chain, &key, ret_signer);
}

int
cms_signer_look(struct slice chain, struct cms_signer **ret_signer)
{
	return parse(chain, NULL, ret_signer);
}

void
cms_signer_free(struct cms_signer *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->chain_len; i++)
		X509_free(s->chain[i]);
	EVP_PKEY_free(s->key);
	X509_email_free(s->names);
	sk_X509_ALGOR_pop_free(s->capabilities, X509_ALGOR_free);
	free(s);
}

/* ---- looking ---- */

static bool
name_matches(struct slice name, struct slice address)
{
	if (address.len == 0 || address.at[0] != '@')
		return slice_eq_nocase(name, address);
	return name.len > address.len &&
	       slice_eq_nocase(slice_skip(name, name.len - address.len),
		   address);
}

bool
cms_signer_names(const struct cms_signer *s, struct slice address)
{
	/* sk_..._num(NULL) is -1. */
	for (int i = 0; i < sk_OPENSSL_STRING_num(s->names); i++)
		if (name_matches(slice_of(sk_OPENSSL_STRING_value(s->names, i)),
			address))
			return true;
	return false;
}

int
cms_signer_first_name(const struct cms_signer *s, struct buf *out)
{
	if (sk_OPENSSL_STRING_num(s->names) < 1)
		return ERR_NOTFOUND;
	return buf_add_text(out, sk_OPENSSL_STRING_value(s->names, 0));
}

bool
cms_signer_for_mail(const struct cms_signer *s)
{
	return s->for_mail;
}

int64_t
cms_signer_not_before(const struct cms_signer *s)
{
	return s->not_before;
}

int64_t
cms_signer_not_after(const struct cms_signer *s)
{
	return s->not_after;
}

static int
print_name(const X509_NAME *name, struct buf *out)
{
	/* As RFC 2253, but UTF-8 stays readable and a blank follows commas. */
	const unsigned long flags =
	    (XN_FLAG_RFC2253 & ~(XN_FLAG_SEP_MASK | ASN1_STRFLGS_ESC_MSB)) |
	    XN_FLAG_SEP_CPLUS_SPC;
	char *at = NULL;
	int rc = ERR_NOMEM;
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio == NULL)
		return ERR_NOMEM;
	if (X509_NAME_print_ex(bio, name, 0, flags) >= 0) {
		long len = BIO_get_mem_data(bio, &at);

		if (len > NAME_OCTETS_MAX)
			len = NAME_OCTETS_MAX;
		rc = buf_add(out, at, len > 0 ? (size_t)len : 0);
	}
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

int
cms_signer_subject(const struct cms_signer *s, struct buf *out)
{
	return print_name(X509_get_subject_name(s->chain[0]), out);
}

int
cms_signer_issuer(const struct cms_signer *s, struct buf *out)
{
	return print_name(X509_get_issuer_name(s->chain[0]), out);
}

/* ---- signing ---- */

/*
 * RFC 8551, 2.5: signing time, capabilities, and the certificate that is meant
 * (RFC 5035, by CMS_CADES); content type and message digest OpenSSL adds.
 */
static int
add_signer(CMS_ContentInfo *cms, const struct cms_signer *s, int64_t now_s)
{
	CMS_SignerInfo *si = CMS_add1_signer(cms, s->chain[0], s->key,
	    EVP_sha256(), CMS_NOSMIMECAP | CMS_CADES);
	ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)now_s);
	int rc = ERR_CRYPTO;

	if (si != NULL && now != NULL &&
	    CMS_signed_add1_attr_by_NID(si, NID_pkcs9_signingTime,
		ASN1_STRING_type(now), now, -1) == 1 &&
	    CMS_add_smimecap(si, s->capabilities) == 1)
		rc = 0;
	ASN1_TIME_free(now);
	for (size_t i = 1; rc == 0 && i < s->chain_len; i++)
		if (CMS_add1_cert(cms, s->chain[i]) != 1)
			rc = ERR_CRYPTO;
	return rc;
}

int
cms_sign_begin(const struct cms_signer *s, int64_t now_s,
    struct cms_signing **ret_signing)
{
	struct cms_signing *g = calloc(1, sizeof(*g));
	int rc = ERR_CRYPTO;

	if (g == NULL)
		return ERR_NOMEM;
	g->cms = CMS_sign(NULL, NULL, NULL, NULL,
	    CMS_PARTIAL | CMS_DETACHED | CMS_BINARY);
	if (g->cms != NULL && s->key != NULL)
		rc = add_signer(g->cms, s, now_s);
	if (rc == 0) {
		/* The hash alone: what is written goes nowhere else. */
		g->input = CMS_dataInit(g->cms, NULL);
		rc = g->input != NULL ? 0 : ERR_CRYPTO;
	}
	if (rc < 0) {
		cms_sign_abort(g);
		return rc;
	}
	*ret_signing = g;
	return 0;
}

int
cms_sign_add(struct cms_signing *g, const void *octets, size_t len)
{
	size_t done = 0;

	while (g->rc == 0 && done < len) {
		size_t part = len - done < INT_MAX ? len - done : INT_MAX;
		int n =
		    BIO_write(g->input, (const char *)octets + done, (int)part);

		if (n <= 0)
			g->rc = ERR_CRYPTO;
		else
			done += (size_t)n;
	}
	return g->rc;
}

int
cms_sign_end(struct cms_signing *g, struct buf *out)
{
	int rc = g->rc;

	if (rc == 0 && CMS_dataFinal(g->cms, g->input) != 1)
		rc = ERR_CRYPTO;
	if (rc == 0) {
		int len = i2d_CMS_ContentInfo(g->cms, NULL);
		unsigned char *to;

		rc = len > 0 ? buf_reserve(out, (size_t)len) : ERR_CRYPTO;
		if (rc == 0) {
			to = (unsigned char *)out->at + out->len;
			len = i2d_CMS_ContentInfo(g->cms, &to);
			out->len += len > 0 ? (size_t)len : 0;
			rc = len > 0 ? 0 : ERR_CRYPTO;
		}
	}
	cms_sign_abort(g);
	return rc;
}

void
cms_sign_abort(struct cms_signing *g)
{
	if (g == NULL)
		return;
	BIO_free_all(g->input);
	CMS_ContentInfo_free(g->cms);
	ERR_clear_error();
	free(g);
}
