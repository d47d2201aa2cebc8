/* SPDX-License-Identifier: BSD-2-Clause */
/* Signed return paths. */
#include "proto/verp.h"

#include "proto/tag_text.h"
#include "util/err.h"

#define LETTER 'b'
#define VERSION 1
#define HEAD_LEN 9 /* version, host, seconds */

_Static_assert(TAG_TEXT_LEN(HEAD_LEN + VERP_QUEUE_ID_MAX) <= VERP_LOCAL_MAX,
    "tag too long");

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
	return tag_number(hash);
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
verp_check(const struct verp_tag *tag)
{
	if (!queue_id_ok(tag->queue_id))
		return ERR_SYNTAX;
	return tag->queue_id.len > VERP_QUEUE_ID_MAX || tag->sent_s < 0 ||
		       tag->sent_s > UINT32_MAX
		   ? ERR_LIMIT
		   : 0;
}

int
verp_check_age(int64_t sent_s, int64_t now_s, int64_t max_age_s)
{
	return sent_s > now_s + 86400 ||
		       (max_age_s > 0 && sent_s < now_s - max_age_s)
		   ? ERR_DENIED
		   : 0;
}

int
verp_format(const uint8_t key[CRYPTO_SHA256_LEN], const struct verp_tag *tag,
    char room[VERP_LOCAL_MAX], struct slice *ret_local)
{
	struct tag_raw raw = { .len = HEAD_LEN };
	int rc = verp_check(tag);

	if (rc < 0)
		return rc;
	raw.at[0] = VERSION;
	tag_put_number(raw.at + 1, tag->host);
	tag_put_number(raw.at + 5, (uint32_t)tag->sent_s);
	memcpy(raw.at + raw.len, tag->queue_id.at, tag->queue_id.len);
	raw.len += tag->queue_id.len;
	return tag_text_make(key, LETTER, &raw, room, ret_local);
}

bool
verp_looks(struct slice local)
{
	return local.len <= VERP_LOCAL_MAX &&
	       tag_text_looks(LETTER, local, HEAD_LEN + 1);
}

int
verp_parse(const uint8_t key[CRYPTO_SHA256_LEN], struct slice local,
    int64_t now_s, int64_t max_age_s, char room[VERP_QUEUE_ID_MAX],
    struct verp_tag *ret_tag)
{
	struct tag_raw raw;
	int64_t sent_s;
	int rc;

	if (!verp_looks(local))
		return ERR_SYNTAX;
	if ((rc = tag_text_read(key, LETTER, local, &raw)) < 0)
		return rc;
	if (raw.len <= HEAD_LEN || raw.len > HEAD_LEN + VERP_QUEUE_ID_MAX ||
	    raw.at[0] != VERSION)
		return ERR_SYNTAX;
	sent_s = tag_number(raw.at + 5);
	if ((rc = verp_check_age(sent_s, now_s, max_age_s)) < 0)
		return rc;
	raw.len -= HEAD_LEN;
	memcpy(room, raw.at + HEAD_LEN, raw.len);
	*ret_tag = (struct verp_tag){ .host = tag_number(raw.at + 1),
		.sent_s = sent_s,
		.queue_id = { room, raw.len } };
	return 0;
}
