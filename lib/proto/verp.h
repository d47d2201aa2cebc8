/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_VERP_H
#define PROTO_VERP_H

#include <stdint.h>

#include "util/crypto.h"
#include "util/slice.h"

/*
 * Variable envelope return paths: the local part of the envelope sender names
 * the message, so that a DSN that comes back, whatever its form, finds it; and
 * it is signed, so that nobody else can make one up.
 *
 *	"b-" base32(version 1, host 4, seconds 4, queue id, MAC 8 octets)
 *
 * Numbers in network order; base32 of RFC 4648, 6, in lower case, no padding;
 * read without regard to case, as some hosts change it.  The MAC is the head
 * of HMAC-SHA256 over all that stands before it, under
 * crypto_derive(master, "verp").
 */

/* RFC 5321, 4.5.3.1.1: "The maximum total length of a ... local-part is 64
 * octets." */
#define VERP_LOCAL_MAX 64
#define VERP_QUEUE_ID_MAX 21 /* what is left in it; Postfix's have up to 17 */

struct verp_tag {
	uint32_t host;  /* verp_host() of the host whose queue id it is */
	int64_t sent_s; /* wall clock seconds, 0..2^32-1 */
	struct slice queue_id; /* letters and digits */
};

/* The first octets of the SHA-256 of the name in ASCII lower case. */
uint32_t verp_host(struct slice host_name);

/*
 * ret_local points into room.  ERR_LIMIT: the queue id is too long for a tag,
 * or the time out of range (keep the sender then); ERR_SYNTAX: not a queue
 * id; ERR_CRYPTO.
 */
int verp_format(const uint8_t key[CRYPTO_SHA256_LEN],
    const struct verp_tag *tag, char room[VERP_LOCAL_MAX],
    struct slice *ret_local);

/* Does it look like one of these?  Says nothing about its signature. */
bool verp_looks(struct slice local);

/*
 * local      local part of an address, without quotes
 * now_s      wall clock; max_age_s: 0, or how old it may be (a day of clock
 *            difference into the future is always allowed, more never)
 * room       ret_tag->queue_id points into it
 * ERR_SYNTAX: not a tag; ERR_CRYPTO: signed by somebody else, or changed;
 * ERR_DENIED: expired.
 */
int verp_parse(const uint8_t key[CRYPTO_SHA256_LEN], struct slice local,
    int64_t now_s, int64_t max_age_s, char room[VERP_QUEUE_ID_MAX],
    struct verp_tag *ret_tag);

/* For the other tag (trace_field.h): ERR_LIMIT, ERR_SYNTAX as in
 * verp_format(); ERR_DENIED as in verp_parse(). */
int verp_check(const struct verp_tag *tag);
int verp_check_age(int64_t sent_s, int64_t now_s, int64_t max_age_s);

#endif /* PROTO_VERP_H */
