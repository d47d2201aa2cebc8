/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_TRACE_FIELD_H
#define PROTO_TRACE_FIELD_H

#include <stdint.h>

#include "proto/verp.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * The field X-Postern-Ref, which the milter gives each message that leaves:
 * the same facts as in the tagged return path (verp.h), signed the same way
 * under another derived key ("trace"), and, where the message has one recipient
 * only, a keyed hash of that address.  So a complaint, from which the mailbox
 * provider has cut the addresses, and a bounce that went to an address without
 * a tag, still name the message; and nobody else can make one up.  The field
 * tells a reader nothing: no address is in it.
 */
#define TRACE_FIELD "X-Postern-Ref"
#define TRACE_VALUE_MAX 120
#define TRACE_RECIPIENT_LEN 8
#define TRACE_ADDRESS_MAX 1000

struct trace_tag {
	struct verp_tag message;
	bool single; /* the hash is there */
	/* of the canonical address */
	uint8_t recipient[TRACE_RECIPIENT_LEN];
};
/* ERR_LIMIT, ERR_SYNTAX, ERR_CRYPTO as in verp_format(). */
int trace_format(const uint8_t key[CRYPTO_SHA256_LEN],
    const struct trace_tag *tag, char room[TRACE_VALUE_MAX],
    struct slice *ret_value);
/* Does it look like one of these?  Says nothing about its signature. */
bool trace_looks(struct slice value);
/* ERR_SYNTAX, ERR_CRYPTO, ERR_DENIED as in verp_parse(). */
int trace_parse(const uint8_t key[CRYPTO_SHA256_LEN], struct slice value,
    int64_t now_s, int64_t max_age_s, char room[VERP_QUEUE_ID_MAX],
    struct trace_tag *ret_tag);

/*
 * The keyed hash that such a field has of a canonical address.
 * ERR_CRYPTO; ERR_LIMIT: longer than TRACE_ADDRESS_MAX; ERR_NOMEM.
 */
int trace_recipient(const uint8_t key[CRYPTO_SHA256_LEN], struct slice address,
    uint8_t ret_hash[TRACE_RECIPIENT_LEN]);

#endif /* PROTO_TRACE_FIELD_H */
