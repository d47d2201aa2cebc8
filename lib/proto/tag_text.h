/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_TAG_TEXT_H
#define PROTO_TAG_TEXT_H

#include <stdint.h>

#include "util/crypto.h"
#include "util/slice.h"

/*
 * Some octets as a signed word that survives mail systems, which may change
 * its case:
 *
 *	letter "-" base32(octets, MAC)
 *
 * base32 of RFC 4648, 6, in lower case, no padding.  The MAC is the head of
 * HMAC-SHA256 over the octets.
 */
#define TAG_RAW_MAX 38 /* octets without the MAC */
#define TAG_MAC_LEN 8
/* Of the word for so many octets. */
#define TAG_TEXT_LEN(n) (2 + (((n) + TAG_MAC_LEN) * 8 + 4) / 5)

struct tag_raw {
	uint8_t at[TAG_RAW_MAX + TAG_MAC_LEN];
	size_t len; /* without the MAC */
};
/* room: TAG_TEXT_LEN(raw->len).  Leaves the MAC behind the octets.
 * ERR_CRYPTO, ERR_NOMEM. */
int tag_text_make(const uint8_t key[CRYPTO_SHA256_LEN], char letter,
    struct tag_raw *raw, char *room, struct slice *ret_text);
/* Could this be the word for so many octets or more?  The MAC is not looked
 * at. */
bool tag_text_looks(char letter, struct slice text, size_t least);
/*
 * ERR_SYNTAX: not such a word, or not as it would be made (but for case);
 * ERR_CRYPTO: signed by somebody else, or changed.
 */
int tag_text_read(const uint8_t key[CRYPTO_SHA256_LEN], char letter,
    struct slice text, struct tag_raw *ret_raw);

/* Numbers in network order, 4 octets. */
void tag_put_number(uint8_t *to, uint32_t value);
uint32_t tag_number(const uint8_t *at);

#endif /* PROTO_TAG_TEXT_H */
