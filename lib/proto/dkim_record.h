/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_DKIM_RECORD_H
#define PROTO_DKIM_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"
#include "util/crypto.h"
#include "util/slice.h"

/* The DNS record of a DKIM key.  RFC 6376, 3.6.1; RFC 8463, 4. */
struct dkim_record {
	enum { DKIM_RECORD_RSA, DKIM_RECORD_ED25519, DKIM_RECORD_OTHER } type;
	struct slice key; /* p=, base64 without blanks; empty: revoked */
	bool sha256;      /* h= does not leave it out */
	bool email;       /* s= does not leave it out */
	bool testing;     /* t=y */
	bool strict;      /* t=s: i= may not name a sub-domain */
};

/*
 * text  the strings of one TXT record, joined
 * room  holds what ret_record points to; emptied first
 * ERR_SYNTAX: no such record (not a list of tags, a tag twice, v= that is not
 * the first or not DKIM1, no p=, p= that is not base64); ERR_LIMIT, ERR_NOMEM.
 */
int dkim_record_parse(struct slice text, struct buf *room,
    struct dkim_record *ret_record);

/* How the DNS stands to a key of ours. */
enum dkim_match {
	DKIM_MATCH_OK,
	DKIM_MATCH_NONE,    /* no record at all */
	DKIM_MATCH_BAD,     /* what is there is no key record */
	DKIM_MATCH_SEVERAL, /* RFC 6376, 3.6.2.2: then all is undefined */
	DKIM_MATCH_REVOKED, /* p= is empty */
	DKIM_MATCH_OTHER,   /* another key */
	DKIM_MATCH_UNFIT,   /* our key, but h=, k= or s= rule its use out */
	DKIM_MATCH_STRICT,  /* our key, but t=s, and we sign for sub-domains */
	DKIM_MATCH_NTYPES
};
/*
 * texts       the TXT records there
 * subdomains  whether signatures may name a sub-domain in i=
 * ERR_CRYPTO, ERR_NOMEM; else enum dkim_match.
 */
int dkim_record_match(const struct slice *texts, size_t count,
    const struct sign_key *key, bool subdomains);
/* "is in the DNS", "is not in the DNS", ... */
const char *dkim_match_text(enum dkim_match match);

/* "v=DKIM1; k=...; p=...", as it is to be published. */
int dkim_record_print(const struct sign_key *key, struct buf *out);

#endif /* PROTO_DKIM_RECORD_H */
