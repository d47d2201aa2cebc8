/* SPDX-License-Identifier: BSD-2-Clause */
/* Signed words; base32 of RFC 4648, 6. */
#include "proto/tag_text.h"

#include <string.h>

#include "util/err.h"

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static size_t
base32_encode(const uint8_t *at, size_t len, char *to)
{
	unsigned bits = 0, count = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = (bits << 8 | at[i]) & 0xffff;
		for (count += 8; count >= 5; count -= 5)
			to[n++] = digits[bits >> (count - 5) & 31];
	}
	if (count > 0)
		to[n++] = digits[bits << (5 - count) & 31];
	return n;
}

static int
base32_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* Only what base32_encode makes: no digit too many, the last bits zero. */
static int
base32_decode(struct slice text, uint8_t *to, size_t max, size_t *ret_len)
{
	unsigned bits = 0, count = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		int value = base32_value(text.at[i]);

		if (value < 0)
			return ERR_SYNTAX;
		bits = (bits << 5 | (unsigned)value) & 0xffff;
		count += 5;
		if (count < 8)
			continue;
		if (n == max)
			return ERR_SYNTAX;
		count -= 8;
		to[n++] = (uint8_t)(bits >> count & 255);
	}
	if (count >= 5 || (bits & ((1U << count) - 1)) != 0)
		return ERR_SYNTAX;
	*ret_len = n;
	return 0;
}

void
tag_put_number(uint8_t *to, uint32_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		to[i] = (uint8_t)(value & 255);
}

uint32_t
tag_number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static int
mac_of(const uint8_t *key, const struct tag_raw *raw, uint8_t *ret_mac)
{
	return crypto_hmac_sha256((struct slice){ (const char *)key,
				      CRYPTO_SHA256_LEN },
	    (struct slice){ (const char *)raw->at, raw->len }, ret_mac);
}

int
tag_text_make(const uint8_t key[CRYPTO_SHA256_LEN], char letter,
    struct tag_raw *raw, char *room, struct slice *ret_text)
{
	uint8_t mac[CRYPTO_SHA256_LEN];
	int rc = mac_of(key, raw, mac);

	if (rc < 0)
		return rc;
	memcpy(raw->at + raw->len, mac, TAG_MAC_LEN);
	room[0] = letter;
	room[1] = '-';
	*ret_text = (struct slice){ room,
		2 + base32_encode(raw->at, raw->len + TAG_MAC_LEN, room + 2) };
	return 0;
}

bool
tag_text_looks(char letter, struct slice text, size_t least)
{
	char head[2] = { letter, '-' };

	return text.len <= TAG_TEXT_LEN(TAG_RAW_MAX) &&
	       text.len >= TAG_TEXT_LEN(least) &&
	       slice_starts_nocase(text, (struct slice){ head, sizeof(head) });
}

int
tag_text_read(const uint8_t key[CRYPTO_SHA256_LEN], char letter,
    struct slice text, struct tag_raw *ret_raw)
{
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct tag_raw raw;
	int rc;

	if (!tag_text_looks(letter, text, 0))
		return ERR_SYNTAX;
	rc = base32_decode(slice_skip(text, 2), raw.at, sizeof(raw.at),
	    &raw.len);
	if (rc < 0)
		return rc;
	if (raw.len < TAG_MAC_LEN)
		return ERR_SYNTAX;
	raw.len -= TAG_MAC_LEN;
	if ((rc = mac_of(key, &raw, mac)) < 0)
		return rc;
	if (!crypto_equal((struct slice){ (const char *)mac, TAG_MAC_LEN },
		(struct slice){ (const char *)raw.at + raw.len, TAG_MAC_LEN }))
		return ERR_CRYPTO;
	*ret_raw = raw;
	return 0;
}
