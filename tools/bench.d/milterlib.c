/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * milterlib: a milter that only signs, as the price of libmilter and RSA: the
 * body is hashed as it comes, a text of a header's length is signed, and one
 * field is added at the top.  It writes no log, keeps no facts, and makes no
 * canonical form; its signatures do not verify.
 *
 * usage: milterlib KEY.pem unix:PATH|inet:PORT@HOST
 */
#include <libmilter/mfapi.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER_LEN 600 /* octets of header that a signature covers */

static EVP_PKEY *key;

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long ignored1, unsigned long ignored2, unsigned long *ret_actions,
    unsigned long *ret_steps, unsigned long *ret1, unsigned long *ret2)
{
	(void)ctx;
	(void)actions;
	(void)ignored1;
	(void)ignored2;
	*ret_actions = SMFIF_ADDHDRS;
	*ret_steps = steps & (SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOUNKNOWN |
				 SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NR_MAIL |
				 SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_BODY);
	*ret1 = *ret2 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	EVP_MD_CTX *hash = smfi_getpriv(ctx);

	(void)argv;
	if (hash == NULL) {
		hash = EVP_MD_CTX_new();
		(void)smfi_setpriv(ctx, hash);
	}
	(void)EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
	return SMFIS_NOREPLY;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	(void)ctx;
	(void)argv;
	return SMFIS_NOREPLY;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *octets, size_t len)
{
	(void)EVP_DigestUpdate(smfi_getpriv(ctx), octets, len);
	return SMFIS_NOREPLY;
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	static const char tags[] =
	    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=shop.test; s=s1;\n"
	    "\tt=1795411200; h=From:To:Subject:Date:Message-ID; b=";
	unsigned char hash[32], signature[512], header[HEADER_LEN];
	size_t signature_len = sizeof(signature);
	char name[] = "DKIM-Signature", value[1200];
	unsigned hash_len = sizeof(hash);
	EVP_MD_CTX *sign = EVP_MD_CTX_new();

	memset(header, 'x', sizeof(header));
	if (sign == NULL ||
	    EVP_DigestFinal_ex(smfi_getpriv(ctx), hash, &hash_len) != 1 ||
	    EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(sign, signature, &signature_len, header,
		sizeof(header)) != 1)
		return SMFIS_TEMPFAIL;
	EVP_MD_CTX_free(sign);
	memcpy(value, tags, sizeof(tags));
	(void)EVP_EncodeBlock((unsigned char *)value + sizeof(tags) - 1,
	    signature, (int)signature_len);
	(void)smfi_insheader(ctx, 0, name, value);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	EVP_MD_CTX_free(smfi_getpriv(ctx));
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

int
main(int argc, char *argv[])
{
	char name[] = "milterlib";
	struct smfiDesc desc = { .xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate };
	FILE *f;

	if (argc != 3) {
		(void)fprintf(stderr,
		    "usage: milterlib KEY.pem unix:PATH|inet:PORT@HOST\n");
		return 2;
	}
	f = fopen(argv[1], "r");
	if (f != NULL)
		key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	if (key == NULL) {
		(void)fprintf(stderr, "%s: no key\n", argv[1]);
		return 1;
	}
	(void)fclose(f);
	(void)umask(0); /* the MTA is another user */
	if (smfi_setconn(argv[2]) != MI_SUCCESS ||
	    smfi_register(desc) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
