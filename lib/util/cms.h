/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_CMS_H
#define UTIL_CMS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * Certificates and CMS signatures for S/MIME (RFC 5652, RFC 8551), by OpenSSL;
 * the only user of its CMS and PKCS#12.  A signer is made once for a settings
 * revision and may sign in several threads at once.
 */
struct cms_signer;

/*
 * chain  PEM: the certificate itself first, then its issuers, in any order
 * key    PEM, PKCS#8 or PKCS#1, not encrypted
 * ERR_SYNTAX: not PEM, or a key that is neither RSA nor EC; ERR_CONFLICT: the
 * key is not the certificate's; ERR_LIMIT: RSA below 2048 bits or above 8192,
 * EC below 256, or more than CMS_CHAIN_MAX certificates; ERR_NOMEM.
 */
#define CMS_CHAIN_MAX 10
int cms_signer_parse(struct slice chain, struct slice key,
    struct cms_signer **ret_signer);
/* The same without a key, to look at: it can not sign (ERR_CRYPTO). */
int cms_signer_look(struct slice chain, struct cms_signer **ret_signer);
void cms_signer_free(struct cms_signer *s); /* takes NULL */

/*
 * Does the certificate name this address (RFC 8550, 3: an rfc822Name of
 * subjectAltName, or emailAddress of the subject)?  ASCII case does not count.
 * address: "@domain": every name in it is looked at, one in that domain is
 * enough.
 */
bool cms_signer_names(const struct cms_signer *s, struct slice address);
/* The first of these names, appended to out; ERR_NOTFOUND: it has none. */
int cms_signer_first_name(const struct cms_signer *s, struct buf *out);
/* Do key usage and extended key usage allow signed mail (RFC 8550, 4.4)? */
bool cms_signer_for_mail(const struct cms_signer *s);
/* Wall clock seconds. */
int64_t cms_signer_not_before(const struct cms_signer *s);
int64_t cms_signer_not_after(const struct cms_signer *s);
/* "CN=..., O=..." and the issuer's, for people. */
int cms_signer_subject(const struct cms_signer *s, struct buf *out);
int cms_signer_issuer(const struct cms_signer *s, struct buf *out);

/*
 * A signature that is fed in pieces with the MIME entity, lines in CRLF.
 * ERR_CRYPTO, ERR_NOMEM; an error of _add is told by _end, too.
 */
struct cms_signing;
int cms_sign_begin(const struct cms_signer *s, int64_t now_s,
    struct cms_signing **ret_signing);
int cms_sign_add(struct cms_signing *g, const void *octets, size_t len);
/* Appends DER, detached, SHA-256, with the whole chain, and frees g. */
int cms_sign_end(struct cms_signing *g, struct buf *out);
void cms_sign_abort(struct cms_signing *g); /* takes NULL */

/*
 * A PKCS#12 file to the PEM texts that cms_signer_parse takes.  ERR_SYNTAX:
 * not PKCS#12, or nothing of use in it; ERR_DENIED: wrong password;
 * ERR_UNAVAIL: encrypted in a way that this host's OpenSSL does not know (old
 * files: its legacy provider is missing).  ret_key holds a secret: wipe it.
 */
#define CMS_PKCS12_MAX (256 * 1024)
int cms_pkcs12_open(struct slice file, struct slice password,
    struct buf *ret_chain, struct buf *ret_key);

#endif /* UTIL_CMS_H */
