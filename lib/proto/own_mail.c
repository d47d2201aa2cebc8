/* SPDX-License-Identifier: BSD-2-Clause */
/* The pass of mail that Postern writes itself. */
#include "proto/own_mail.h"

#include "util/err.h"
#include "util/number.h"

#define PREFIX "own "
#define TENANT_MAX 64
#define MAC_LEN 16
#define SIGNED_MAX 600

static void
add_hex(const uint8_t *octets, size_t count, char *to)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		to[2 * i] = digits[octets[i] >> 4];
		to[2 * i + 1] = digits[octets[i] & 15];
	}
}

/* MAC in hexadecimal. */
static int
sign(const uint8_t key[CRYPTO_SHA256_LEN], struct slice tenant,
    struct slice seconds, struct slice recipient, char ret_mac[2 * MAC_LEN])
{
	const struct slice parts[] = { tenant, SLICE("\n"), seconds,
		SLICE("\n"), recipient };
	uint8_t mac[CRYPTO_SHA256_LEN];
	char text[SIGNED_MAX];
	size_t len = 0;
	int rc;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].len > sizeof(text) - len)
			return ERR_LIMIT;
		if (parts[i].len > 0)
			memcpy(text + len, parts[i].at, parts[i].len);
		len += parts[i].len;
	}
	rc = crypto_hmac_sha256((struct slice){ (const char *)key,
				    CRYPTO_SHA256_LEN },
	    (struct slice){ text, len }, mac);
	if (rc == 0)
		add_hex(mac, MAC_LEN, ret_mac);
	return rc;
}

int
own_mail_format(const uint8_t key[CRYPTO_SHA256_LEN], struct slice tenant,
    struct slice recipient, int64_t now_s, char room[OWN_MAIL_VALUE_MAX],
    struct slice *ret_value)
{
	char mac[2 * MAC_LEN], digits[NUMBER_TEXT_MAX];
	struct slice seconds = { digits, 0 };
	size_t len = 0;
	int rc;

	if (tenant.len == 0 || tenant.len > TENANT_MAX || now_s < 0)
		return ERR_LIMIT;
	seconds.len = number_format((uint64_t)now_s, digits);
	if ((rc = sign(key, tenant, seconds, recipient, mac)) < 0)
		return rc;
	const struct slice parts[] = { SLICE(PREFIX), tenant, SLICE(" "),
		seconds, SLICE(" "), { mac, sizeof(mac) } };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		memcpy(room + len, parts[i].at, parts[i].len);
		len += parts[i].len;
	}
	*ret_value = (struct slice){ room, len };
	return 0;
}

int
own_mail_field(const uint8_t key[CRYPTO_SHA256_LEN], struct slice tenant,
    struct slice recipient, int64_t now_s, struct buf *out)
{
	char room[OWN_MAIL_VALUE_MAX];
	struct slice value;
	int rc = own_mail_format(key, tenant, recipient, now_s, room, &value);

	if (rc < 0)
		return rc;
	(void)buf_add_text(out, OWN_MAIL_FIELD ": ");
	(void)buf_add_slice(out, value);
	return buf_add_char(out, '\n');
}

struct slice
own_mail_id(char room[OWN_MAIL_ID_LEN])
{
	uint8_t random[OWN_MAIL_ID_LEN / 2];

	crypto_random(random, sizeof(random));
	add_hex(random, sizeof(random), room);
	return (struct slice){ room, OWN_MAIL_ID_LEN };
}

bool
own_mail_looks(struct slice value)
{
	return slice_starts(value, SLICE(PREFIX));
}

int
own_mail_parse(const uint8_t key[CRYPTO_SHA256_LEN], struct slice value,
    struct slice recipient, int64_t now_s, struct slice *ret_tenant)
{
	struct slice rest = value, tenant, seconds, mac;
	char expected[2 * MAC_LEN];
	uint64_t at;
	int rc;

	if (!own_mail_looks(value))
		return ERR_SYNTAX;
	rest = slice_skip(rest, sizeof(PREFIX) - 1);
	if (!slice_split(&rest, ' ', &tenant) ||
	    !slice_split(&rest, ' ', &seconds) ||
	    !slice_split(&rest, ' ', &mac) || rest.len > 0 || tenant.len == 0 ||
	    tenant.len > TENANT_MAX || mac.len != sizeof(expected) ||
	    number_parse(seconds, 0, INT64_MAX, &at) < 0)
		return ERR_SYNTAX;
	if ((rc = sign(key, tenant, seconds, recipient, expected)) < 0)
		return rc;
	if (!crypto_equal(mac, (struct slice){ expected, sizeof(expected) }))
		return ERR_CRYPTO;
	if ((int64_t)at > now_s + OWN_MAIL_AGE_S ||
	    now_s - (int64_t)at > OWN_MAIL_AGE_S)
		return ERR_DENIED;
	*ret_tenant = tenant;
	return 0;
}
