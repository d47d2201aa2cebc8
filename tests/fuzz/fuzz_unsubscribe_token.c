/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unsubscribe tokens: what nobody with the key has made does not parse; what
 * was made parses to what it was made of, until one letter is changed.  The
 * first octet chooses: a text from outside, the inside of a sealed one, or
 * the parts of one to be made.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/unsubscribe_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[CRYPTO_SHA256_LEN];

static void
whole(const struct unsubscribe_token *t)
{
	if (t->tenant.len == 0 || t->list.len == 0 || t->address.len == 0 ||
	    t->made_s < 0 || t->made_s > UINT32_MAX)
		abort();
}

/* The inside may be anything, if somebody with the key sealed it. */
static void
try_inside(struct slice inside)
{
	struct master_key master = { { 0 } };
	char room[UNSUBSCRIBE_TOKEN_MAX];
	struct unsubscribe_token token;
	struct buf raw, text;

	buf_init(&raw, 4096);
	buf_init(&text, 8192);
	if (buf_add_char(&raw, 1) == 0 &&
	    crypto_box_seal(&master, "unsubscribe token",
		(struct slice){ "\001", 1 }, inside, &raw) == 0 &&
	    crypto_base64_encode(buf_slice(&raw), &text) == 0) {
		for (size_t i = 0; i < text.len; i++)
			text.at[i] = text.at[i] == '+'   ? '-'
				     : text.at[i] == '/' ? '_'
							 : text.at[i];
		while (text.len > 0 && text.at[text.len - 1] == '=')
			text.len--;
		if (unsubscribe_token_parse(key, buf_slice(&text), room,
			&token) == 0)
			whole(&token);
	}
	buf_done(&raw);
	buf_done(&text);
}

static void
try_parts(struct slice in)
{
	char room[UNSUBSCRIBE_TOKEN_MAX], again[UNSUBSCRIBE_TOKEN_MAX];
	struct unsubscribe_token token = { .made_s = (int64_t)in.len }, parsed;
	struct slice text;

	(void)slice_split(&in, '\n', &token.tenant);
	(void)slice_split(&in, '\n', &token.list);
	token.address = in;
	if (unsubscribe_token_format(key, &token, room, &text) < 0)
		return;
	if (text.len > UNSUBSCRIBE_TOKEN_MAX ||
	    unsubscribe_token_parse(key, text, again, &parsed) < 0 ||
	    !slice_eq(parsed.tenant, token.tenant) ||
	    !slice_eq(parsed.list, token.list) ||
	    !slice_eq(parsed.address, token.address) ||
	    parsed.made_s != token.made_s)
		abort();
	size_t i = token.address.len % text.len;

	room[i] = room[i] == 'A' ? 'B' : 'A';
	if (unsubscribe_token_parse(key, text, again, &parsed) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size };
	char room[UNSUBSCRIBE_TOKEN_MAX];
	struct unsubscribe_token token;

	if (size == 0)
		return 0;
	in = slice_skip(in, 1);
	if (data[0] % 3 == 0 &&
	    unsubscribe_token_parse(key, in, room, &token) == 0)
		whole(&token);
	else if (data[0] % 3 == 1)
		try_inside(in);
	else if (data[0] % 3 == 2)
		try_parts(in);
	return 0;
}
