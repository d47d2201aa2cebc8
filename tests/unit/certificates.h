/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_CERTIFICATES_H
#define TESTS_CERTIFICATES_H

#include <openssl/x509.h>

#include "util/buf.h"

/* Certificates for tests: a root, one between, and the one that is asked for,
 * all fresh. */
struct certificate_want {
	const char *key;    /* "RSA" (default), "EC", "ED25519" */
	unsigned bits;      /* RSA; 0: 2048 */
	const char *names;  /* "email:a@b,email:c@d"; NULL: no subjectAltName */
	const char *email;  /* emailAddress of the subject, or NULL */
	const char *usage;  /* extended key usage; NULL: emailProtection */
	long from_s, end_s; /* from now; end_s 0: in a day */
};
struct certificate {
	struct buf chain, key, root; /* PEM */
	EVP_PKEY *pkey;
	X509 *leaf, *between, *top;
};
void certificate_make(const struct certificate_want *want,
    struct certificate *ret_certificate);
void certificate_done(struct certificate *c);
/* The detached signature is good, back to the root, at this time. */
int certificate_verifies(const struct certificate *c, struct slice der,
    struct slice content);

#endif /* TESTS_CERTIFICATES_H */
