/* SPDX-License-Identifier: BSD-2-Clause */
/* Signatures of webhooks: the Standard Webhooks specification 1.0.0. */
#include "apid/webhook_sign.h"

#include "util/crypto.h"
#include "util/err.h"

#define SECRET_PREFIX SLICE("whsec_")
#define SECRET_MAX 256

static int
sign_one(struct slice secret, struct slice text, struct buf *out)
{
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct buf key;
	int rc;

	if (!slice_starts(secret, SECRET_PREFIX))
		return ERR_SYNTAX;
	buf_init(&key, SECRET_MAX);
	rc = crypto_base64_decode(slice_skip(secret, SECRET_PREFIX.len), &key);
	if (rc == 0 && key.len == 0)
		rc = ERR_SYNTAX;
	if (rc == 0)
		rc = crypto_hmac_sha256(buf_slice(&key), text, mac);
	if (key.at != NULL)
		crypto_wipe(key.at, key.len);
	buf_done(&key);
	if (rc < 0)
		return rc;
	(void)buf_add_text(out, "v1,");
	return crypto_base64_encode((struct slice){ (const char *)mac,
					sizeof(mac) },
	    out);
}

int
webhook_sign(const struct slice *secrets, size_t count, struct slice id,
    int64_t timestamp_s, struct slice body, struct buf *out)
{
	struct buf text;
	int rc = 0;

	buf_init(&text, id.len + body.len + 40);
	(void)buf_add_slice(&text, id);
	(void)buf_addf(&text, ".%lld.", (long long)timestamp_s);
	(void)buf_add_slice(&text, body);
	if (text.rc < 0)
		rc = text.rc;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (i > 0)
			(void)buf_add_char(out, ' ');
		rc = sign_one(secrets[i], buf_slice(&text), out);
	}
	buf_done(&text);
	return rc < 0 ? rc : out->rc;
}
