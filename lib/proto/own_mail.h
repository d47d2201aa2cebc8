/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_OWN_MAIL_H
#define PROTO_OWN_MAIL_H

#include <stdint.h>

#include "util/buf.h"
#include "util/crypto.h"
#include "util/slice.h"

/*
 * Mail that Postern writes itself (bounces that are forwarded, alarms) goes in
 * by the MTA's internal listener, where the milter lets in what carries a pass:
 * the value of the field X-Postern-Copy, signed by who has the master key, for
 * one recipient and a short time.
 *
 *	"own TENANT SECONDS MAC"
 *
 * MAC: the first 16 octets, in hexadecimal, of HMAC-SHA256 over tenant, seconds
 * and recipient with LF between, under crypto_derive(master, "copy").
 */
#define OWN_MAIL_FIELD "X-Postern-Copy"
#define OWN_MAIL_VALUE_MAX 128
#define OWN_MAIL_AGE_S 600

/* recipient: canonical.  ERR_LIMIT: no room for the tenant; ERR_CRYPTO. */
int own_mail_format(const uint8_t key[CRYPTO_SHA256_LEN], struct slice tenant,
    struct slice recipient, int64_t now_s, char room[OWN_MAIL_VALUE_MAX],
    struct slice *ret_value);
/* The same as a field at the head of a mail. */
int own_mail_field(const uint8_t key[CRYPTO_SHA256_LEN], struct slice tenant,
    struct slice recipient, int64_t now_s, struct buf *out);
/* The left part of its Message-ID: random; returns it, in room. */
#define OWN_MAIL_ID_LEN 32
struct slice own_mail_id(char room[OWN_MAIL_ID_LEN]);
/* Is it meant to be one?  Says nothing about its signature. */
bool own_mail_looks(struct slice value);
/*
 * ret_tenant points into value.  ERR_SYNTAX; ERR_CRYPTO: signed by somebody
 * else, for another recipient, or changed; ERR_DENIED: too old, or from the
 * future.
 */
int own_mail_parse(const uint8_t key[CRYPTO_SHA256_LEN], struct slice value,
    struct slice recipient, int64_t now_s, struct slice *ret_tenant);

#endif /* PROTO_OWN_MAIL_H */
