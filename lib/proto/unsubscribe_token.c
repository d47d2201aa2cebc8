/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens of one-click unsubscribe (RFC 8058); base64url of RFC 4648, 5. */
#include "proto/unsubscribe_token.h"

#include "util/err.h"

/*
 * One octet in front says how the rest was made, form and key, so that links
 * in mail that was sent long ago stay good when either changes.
 */
#define VERSION 1
#define PURPOSE "unsubscribe token"
#define HEAD_LEN 4 /* seconds */
#define TEXT_MAX (UNSUBSCRIBE_TOKEN_MAX / 4 * 3)
#define PLAIN_MAX (TEXT_MAX - 1 - CRYPTO_BOX_EXTRA)

static const char version[1] = { VERSION };

static struct master_key
box_key(const uint8_t key[CRYPTO_SHA256_LEN])
{
	struct master_key master;

	_Static_assert(sizeof(master.octets) == CRYPTO_SHA256_LEN, "a key");
	memcpy(master.octets, key, CRYPTO_SHA256_LEN);
	return master;
}

/* ---- base64url ---- */

static struct slice
url_encode(struct slice octets, char room[UNSUBSCRIBE_TOKEN_MAX])
{
	struct slice text = { NULL, 0 };
	struct buf out;

	buf_init(&out, UNSUBSCRIBE_TOKEN_MAX);
	if (crypto_base64_encode(octets, &out) == 0) {
		while (out.len > 0 && out.at[out.len - 1] == '=')
			out.len--;
		for (size_t i = 0; i < out.len; i++)
			room[i] = out.at[i] == '+'   ? '-'
				  : out.at[i] == '/' ? '_'
						     : out.at[i];
		text = (struct slice){ room, out.len };
	}
	buf_done(&out);
	return text;
}

static bool
url_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Only what url_encode makes: one text for the same octets. */
static int
url_decode(struct slice text, struct buf *out)
{
	char room[UNSUBSCRIBE_TOKEN_MAX + 3];
	size_t len = 0;

	if (text.len > UNSUBSCRIBE_TOKEN_MAX)
		return ERR_SYNTAX;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (!url_digit(c))
			return ERR_SYNTAX;
		room[len++] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	while (len % 4 != 0)
		room[len++] = '=';
	return crypto_base64_decode((struct slice){ room, len }, out);
}

/* ---- what is inside ---- */

static int
add_short(struct buf *out, struct slice s)
{
	if (s.len > 255)
		return ERR_LIMIT;
	(void)buf_add_char(out, (char)s.len);
	return buf_add_slice(out, s);
}

static int
plain_format(const struct unsubscribe_token *token, struct buf *out)
{
	uint64_t seconds = (uint64_t)token->made_s;
	int rc;

	if (token->made_s < 0 || token->made_s > UINT32_MAX ||
	    token->tenant.len == 0 || token->list.len == 0 ||
	    token->address.len == 0)
		return ERR_LIMIT;
	for (int shift = 24; shift >= 0; shift -= 8)
		(void)buf_add_char(out, (char)(seconds >> shift & 255));
	rc = add_short(out, token->tenant);
	if (rc == 0)
		rc = add_short(out, token->list);
	if (rc == 0)
		rc = buf_add_slice(out, token->address);
	return rc < 0 ? rc : out->rc;
}

static bool
take_short(struct slice *rest, struct slice *ret_piece)
{
	size_t len = rest->len > 0 ? (unsigned char)rest->at[0] : 0;

	if (len == 0 || rest->len - 1 < len)
		return false;
	*ret_piece = (struct slice){ rest->at + 1, len };
	*rest = slice_skip(*rest, 1 + len);
	return true;
}

/* plain: lives as long as what is told. */
static int
plain_parse(struct slice plain, struct unsubscribe_token *ret_token)
{
	struct unsubscribe_token token = { .made_s = 0 };
	struct slice rest = slice_skip(plain, HEAD_LEN);

	if (plain.len < HEAD_LEN || !take_short(&rest, &token.tenant) ||
	    !take_short(&rest, &token.list) || rest.len == 0)
		return ERR_SYNTAX;
	token.address = rest;
	for (size_t i = 0; i < HEAD_LEN; i++)
		token.made_s = token.made_s << 8 | (unsigned char)plain.at[i];
	*ret_token = token;
	return 0;
}

int
unsubscribe_token_format(const uint8_t key[CRYPTO_SHA256_LEN],
    const struct unsubscribe_token *token, char room[UNSUBSCRIBE_TOKEN_MAX],
    struct slice *ret_token)
{
	struct master_key box = box_key(key);
	struct slice text = { NULL, 0 };
	struct buf plain, out;
	int rc;

	buf_init(&plain, PLAIN_MAX);
	buf_init(&out, TEXT_MAX);
	rc = plain_format(token, &plain);
	if (rc == 0)
		rc = buf_add(&out, version, sizeof(version));
	if (rc == 0)
		rc = crypto_box_seal(&box, PURPOSE,
		    (struct slice){ version, sizeof(version) },
		    buf_slice(&plain), &out);
	if (rc == 0) {
		text = url_encode(buf_slice(&out), room);
		rc = text.at != NULL ? 0 : ERR_NOMEM;
	}
	buf_done(&plain);
	buf_done(&out);
	crypto_wipe(&box, sizeof(box));
	if (rc == 0)
		*ret_token = text;
	return rc;
}

int
unsubscribe_token_parse(const uint8_t key[CRYPTO_SHA256_LEN], struct slice text,
    char room[UNSUBSCRIBE_TOKEN_MAX], struct unsubscribe_token *ret_token)
{
	struct master_key box = box_key(key);
	struct buf raw, plain;
	int rc;

	buf_init(&raw, UNSUBSCRIBE_TOKEN_MAX);
	buf_init(&plain, UNSUBSCRIBE_TOKEN_MAX);
	rc = url_decode(text, &raw);
	if (rc == 0 && (raw.len < 1 + CRYPTO_BOX_EXTRA || raw.at[0] != VERSION))
		rc = ERR_SYNTAX;
	if (rc == 0)
		rc = crypto_box_open(&box, PURPOSE,
		    (struct slice){ version, sizeof(version) },
		    slice_skip(buf_slice(&raw), 1), &plain);
	if (rc == 0 && plain.len == 0)
		rc = ERR_SYNTAX;
	if (rc == 0) {
		memcpy(room, plain.at, plain.len);
		rc = plain_parse((struct slice){ room, plain.len }, ret_token);
	}
	buf_done(&raw);
	buf_done(&plain);
	crypto_wipe(&box, sizeof(box));
	return rc;
}
