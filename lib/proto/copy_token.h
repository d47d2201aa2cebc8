/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_COPY_TOKEN_H
#define PROTO_COPY_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "util/crypto.h"
#include "util/slice.h"

/*
 * The value of the field "X-Postern-Copy", by which a message that the milter
 * sends in again through the internal listener is known as its own: signed
 * (HMAC-SHA256 under crypto_derive(master, "copy")), short-lived, and taken off
 * before the message goes on.
 */
#define COPY_FIELD "X-Postern-Copy"
#define COPY_TOKEN_MAX 1500
#define COPY_TOKEN_AGE_S 3600

enum copy_kind {
	COPY_SPLIT,  /* some of the message's recipients, of one treatment */
	COPY_BCC,    /* for the archive host */
	COPY_NOTICE, /* Postern's own mail */
};
struct copy_token {
	enum copy_kind kind;
	int64_t made_s; /* wall clock */
	struct slice tenant;
	struct slice queue_id;  /* of the message that it is a copy of */
	struct slice sender;    /* envelope sender as it first came */
	struct slice client;    /* address of the first client, or empty */
	struct slice sasl_user; /* or empty */
	struct slice next_hop;  /* COPY_BCC: "[host]:port", else empty */
	/* What was found out about the message, which its copies share: */
	bool unscanned; /* nobody could scan it: they are marked, too */
	bool held;      /* it waits to be looked at: so do they */
};
int copy_token_format(const uint8_t key[CRYPTO_SHA256_LEN],
    const struct copy_token *token, char room[COPY_TOKEN_MAX],
    struct slice *ret_text);
/* ERR_SYNTAX; ERR_CRYPTO: not ours; ERR_DENIED: expired. */
int copy_token_parse(const uint8_t key[CRYPTO_SHA256_LEN], struct slice text,
    int64_t now_s, char room[COPY_TOKEN_MAX], struct copy_token *ret_token);

#endif /* PROTO_COPY_TOKEN_H */
