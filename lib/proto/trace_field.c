/* SPDX-License-Identifier: BSD-2-Clause */
/* The field that names a message of ours. */
#include "proto/trace_field.h"

#include "proto/tag_text.h"
#include "util/err.h"

#define LETTER 'r'
#define HEAD_LEN 9 /* version, host, seconds */
#define HASH_LEN TRACE_RECIPIENT_LEN
#define LABEL "recipient:" /* no tag begins so: hashes are none */

/* The first octet. */
enum {
	VERSION_MANY = 1, /* head, queue id */
	VERSION_ONE = 2,  /* head, hash, queue id */
};

_Static_assert(HEAD_LEN + HASH_LEN + VERP_QUEUE_ID_MAX <= TAG_RAW_MAX,
    "tag too long");
_Static_assert(TAG_TEXT_LEN(TAG_RAW_MAX) <= TRACE_VALUE_MAX,
    "no room for the tag");

int
trace_recipient(const uint8_t key[CRYPTO_SHA256_LEN], struct slice address,
    uint8_t ret_hash[TRACE_RECIPIENT_LEN])
{
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct buf text;
	int rc;

	buf_init(&text, sizeof(LABEL) + TRACE_ADDRESS_MAX);
	(void)buf_add_text(&text, LABEL);
	rc = buf_add_slice(&text, address);
	if (rc == 0)
		rc = crypto_hmac_sha256((struct slice){ (const char *)key,
					    CRYPTO_SHA256_LEN },
		    buf_slice(&text), mac);
	buf_done(&text);
	if (rc == 0)
		memcpy(ret_hash, mac, TRACE_RECIPIENT_LEN);
	return rc;
}

int
trace_format(const uint8_t key[CRYPTO_SHA256_LEN], const struct trace_tag *tag,
    char room[TRACE_VALUE_MAX], struct slice *ret_value)
{
	const struct verp_tag *m = &tag->message;
	struct tag_raw raw = { .len = HEAD_LEN };
	int rc = verp_check(m);

	if (rc < 0)
		return rc;
	raw.at[0] = tag->single ? VERSION_ONE : VERSION_MANY;
	tag_put_number(raw.at + 1, m->host);
	tag_put_number(raw.at + 5, (uint32_t)m->sent_s);
	if (tag->single) {
		memcpy(raw.at + raw.len, tag->recipient, HASH_LEN);
		raw.len += HASH_LEN;
	}
	memcpy(raw.at + raw.len, m->queue_id.at, m->queue_id.len);
	raw.len += m->queue_id.len;
	return tag_text_make(key, LETTER, &raw, room, ret_value);
}

bool
trace_looks(struct slice value)
{
	return tag_text_looks(LETTER, value, HEAD_LEN + 1);
}

int
trace_parse(const uint8_t key[CRYPTO_SHA256_LEN], struct slice value,
    int64_t now_s, int64_t max_age_s, char room[VERP_QUEUE_ID_MAX],
    struct trace_tag *ret_tag)
{
	struct trace_tag tag = { .single = false };
	struct tag_raw raw;
	size_t head = HEAD_LEN;
	int rc = tag_text_read(key, LETTER, value, &raw);

	if (rc < 0)
		return rc;
	tag.single = raw.len > 0 && raw.at[0] == VERSION_ONE;
	if (tag.single)
		head += HASH_LEN;
	if (raw.len <= head || raw.len > head + VERP_QUEUE_ID_MAX ||
	    (!tag.single && raw.at[0] != VERSION_MANY))
		return ERR_SYNTAX;
	tag.message.host = tag_number(raw.at + 1);
	tag.message.sent_s = tag_number(raw.at + 5);
	if ((rc = verp_check_age(tag.message.sent_s, now_s, max_age_s)) < 0)
		return rc;
	if (tag.single)
		memcpy(tag.recipient, raw.at + HEAD_LEN, HASH_LEN);
	memcpy(room, raw.at + head, raw.len - head);
	tag.message.queue_id = (struct slice){ room, raw.len - head };
	*ret_tag = tag;
	return 0;
}
