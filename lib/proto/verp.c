/* SPDX-License-Identifier: BSD-2-Clause */
/* Signed return paths; base32 of RFC 4648, 6. */
#include "proto/verp.h"

#include "util/err.h"

#define VERSION 1
#define HEAD_LEN 9 /* version, host, seconds */
#define MAC_LEN 8
#define RAW_MAX (HEAD_LEN + VERP_QUEUE_ID_MAX + MAC_LEN)

_Static_assert(2 + (RAW_MAX * 8 + 4) / 5 <= VERP_LOCAL_MAX, "tag too long");

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

static void
put_number(uint8_t *to, uint32_t value)
{
	for (int i = 3; i >= 0; i--, value >>= 8)
		to[i] = (uint8_t)(value & 255);
}

static uint32_t
get_number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

uint32_t
verp_host(struct slice host_name)
{
	uint8_t hash[CRYPTO_SHA256_LEN] = { 0 };
	char name[256];
	size_t len =
	    host_name.len < sizeof(name) ? host_name.len : sizeof(name);

	for (size_t i = 0; i < len; i++) {
		char c = host_name.at[i];

		name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	/* Fails only where libcrypto has no SHA-256; then nothing verifies. */
	(void)crypto_sha256((struct slice){ name, len }, hash);
	return get_number(hash);
}

static bool
queue_id_ok(struct slice id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = id.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z')))
			return false;
	}
	return id.len > 0;
}

int
verp_format(const uint8_t key[CRYPTO_SHA256_LEN], const struct verp_tag *tag,
    char room[VERP_LOCAL_MAX], struct slice *ret_local)
{
	uint8_t raw[RAW_MAX], mac[CRYPTO_SHA256_LEN];
	size_t len = HEAD_LEN;
	int rc;

	if (!queue_id_ok(tag->queue_id))
		return ERR_SYNTAX;
	if (tag->queue_id.len > VERP_QUEUE_ID_MAX || tag->sent_s < 0 ||
	    tag->sent_s > UINT32_MAX)
		return ERR_LIMIT;
	raw[0] = VERSION;
	put_number(raw + 1, tag->host);
	put_number(raw + 5, (uint32_t)tag->sent_s);
	memcpy(raw + len, tag->queue_id.at, tag->queue_id.len);
	len += tag->queue_id.len;
	rc = crypto_hmac_sha256((struct slice){ (const char *)key,
				    CRYPTO_SHA256_LEN },
	    (struct slice){ (const char *)raw, len }, mac);
	if (rc < 0)
		return rc;
	memcpy(raw + len, mac, MAC_LEN);
	len += MAC_LEN;
	room[0] = 'b';
	room[1] = '-';
	*ret_local =
	    (struct slice){ room, 2 + base32_encode(raw, len, room + 2) };
	return 0;
}

bool
verp_looks(struct slice local)
{
	return local.len <= VERP_LOCAL_MAX &&
	       local.len >= 2 + ((HEAD_LEN + 1 + MAC_LEN) * 8 + 4) / 5 &&
	       slice_starts_nocase(local, SLICE("b-"));
}

int
verp_parse(const uint8_t key[CRYPTO_SHA256_LEN], struct slice local,
    int64_t now_s, int64_t max_age_s, char room[VERP_QUEUE_ID_MAX],
    struct verp_tag *ret_tag)
{
	uint8_t raw[RAW_MAX], mac[CRYPTO_SHA256_LEN];
	size_t len;
	int rc;

	if (!verp_looks(local))
		return ERR_SYNTAX;
	rc = base32_decode(slice_skip(local, 2), raw, sizeof(raw), &len);
	if (rc < 0)
		return rc;
	if (len <= HEAD_LEN + MAC_LEN || raw[0] != VERSION)
		return ERR_SYNTAX;
	len -= MAC_LEN;
	rc = crypto_hmac_sha256((struct slice){ (const char *)key,
				    CRYPTO_SHA256_LEN },
	    (struct slice){ (const char *)raw, len }, mac);
	if (rc < 0)
		return rc;
	if (!crypto_equal((struct slice){ (const char *)mac, MAC_LEN },
		(struct slice){ (const char *)raw + len, MAC_LEN }))
		return ERR_CRYPTO;

	int64_t sent_s = get_number(raw + 5);
	if (sent_s > now_s + 86400 ||
	    (max_age_s > 0 && sent_s < now_s - max_age_s))
		return ERR_DENIED;
	memcpy(room, raw + HEAD_LEN, len - HEAD_LEN);
	*ret_tag = (struct verp_tag){ .host = get_number(raw + 1),
		.sent_s = sent_s,
		.queue_id = { room, len - HEAD_LEN } };
	return 0;
}
