/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_UNSUBSCRIBE_TOKEN_H
#define PROTO_UNSUBSCRIBE_TOKEN_H

#include <stdint.h>

#include "util/crypto.h"
#include "util/slice.h"

/*
 * The opaque part of a one-click unsubscribe address (RFC 8058): who leaves
 * which list of which tenant.  Nobody can read it, make one up or change one:
 * the payload is encrypted and authenticated (AES-256-GCM under
 * crypto_derive(master, "unsubscribe")), base64url without padding.  Its first
 * octet tells how it was made, so that form and key may change while links in
 * old mail stay good.
 */
#define UNSUBSCRIBE_TOKEN_MAX 800
struct unsubscribe_token {
	struct slice tenant;
	struct slice list;    /* name of the filter */
	struct slice address; /* canonical */
	int64_t made_s;       /* wall clock */
};
/*
 * ret_token points into room.  Each call gives another text.  ERR_LIMIT: too
 * long, a part is empty, or the time beyond 32 bits; ERR_CRYPTO, ERR_NOMEM.
 */
int unsubscribe_token_format(const uint8_t key[CRYPTO_SHA256_LEN],
    const struct unsubscribe_token *token, char room[UNSUBSCRIBE_TOKEN_MAX],
    struct slice *ret_token);
/*
 * room: ret_token points into it.  ERR_SYNTAX: not a token; ERR_CRYPTO: made
 * by somebody else, with another key, or changed.
 */
int unsubscribe_token_parse(const uint8_t key[CRYPTO_SHA256_LEN],
    struct slice text, char room[UNSUBSCRIBE_TOKEN_MAX],
    struct unsubscribe_token *ret_token);

#endif /* PROTO_UNSUBSCRIBE_TOKEN_H */
