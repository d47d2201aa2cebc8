/* SPDX-License-Identifier: BSD-2-Clause */
/* The Authorization header field: RFC 7617 (Basic), RFC 6750 (Bearer). */
#include "apid/auth.h"

#include "util/buf.h"
#include "util/crypto.h"
#include "util/err.h"

#define KEY_PREFIX SLICE("ptn_")
#define KEY_RANDOM 32 /* characters behind the name's "_" */

/* base64 or base64url, padded or not, into room. */
static int
decode64(struct slice text, char *room, size_t size, size_t *ret_len)
{
	char plain[AUTH_ROOM + 4];
	struct buf out;
	size_t len = text.len;
	int rc;

	while (len > 0 && text.at[len - 1] == '=')
		len--;
	if (len > AUTH_ROOM)
		return ERR_LIMIT;
	for (size_t i = 0; i < len; i++) {
		char c = text.at[i];

		if (c == '-')
			c = '+';
		else if (c == '_')
			c = '/';
		else if (c <= ' ' || c == '=')
			return ERR_SYNTAX;
		plain[i] = c;
	}
	while (len % 4 != 0)
		plain[len++] = '=';
	buf_init(&out, AUTH_ROOM);
	rc = crypto_base64_decode((struct slice){ plain, len }, &out);
	if (rc == 0 && out.len > size)
		rc = ERR_LIMIT;
	if (rc == 0) {
		if (out.len > 0)
			memcpy(room, out.at, out.len);
		*ret_len = out.len;
	}
	if (out.at != NULL)
		crypto_wipe(out.at, out.len);
	crypto_wipe(plain, sizeof(plain));
	buf_done(&out);
	return rc;
}

static int
parse_basic(struct slice text, char room[AUTH_ROOM], struct credentials *c)
{
	const char *colon;
	size_t len;
	int rc = decode64(text, room, AUTH_ROOM, &len);

	if (rc < 0)
		return rc;
	colon = memchr(room, ':', len);
	if (colon == NULL || memchr(room, '\0', len) != NULL)
		return ERR_SYNTAX;
	c->name = (struct slice){ room, (size_t)(colon - room) };
	c->key = (struct slice){ colon + 1, len - c->name.len - 1 };
	return 0;
}

/* The name ends at the "_" before the 32 characters, else at the last "_". */
static int
parse_bearer(struct slice key, char room[AUTH_ROOM], struct credentials *c)
{
	struct slice name = slice_skip(key, KEY_PREFIX.len);
	const char *end;
	size_t len;
	int rc;

	if (key.len > AUTH_ROOM / 2)
		return ERR_LIMIT;
	if (!slice_starts(key, KEY_PREFIX))
		return ERR_SYNTAX;
	if (name.len > KEY_RANDOM + 1 &&
	    name.at[name.len - KEY_RANDOM - 1] == '_')
		end = name.at + name.len - KEY_RANDOM - 1;
	else
		end = memrchr(name.at, '_', name.len);
	if (end == NULL)
		return ERR_SYNTAX;
	name.len = (size_t)(end - name.at);

	memcpy(room, key.at, key.len);
	rc = decode64(name, room + key.len, AUTH_ROOM - key.len, &len);
	if (rc < 0)
		return rc;
	if (memchr(room, '\0', key.len + len) != NULL)
		return ERR_SYNTAX;
	c->key = (struct slice){ room, key.len };
	c->name = (struct slice){ room + key.len, len };
	return 0;
}

int
auth_parse(struct slice header, char room[AUTH_ROOM],
    struct credentials *ret_credentials)
{
	struct credentials c;
	struct slice scheme, text = slice_trim(header);
	int rc = ERR_SYNTAX;

	if (text.at == NULL)
		return ERR_SYNTAX;
	(void)slice_split(&text, ' ', &scheme);
	if (text.at == NULL)
		return ERR_SYNTAX;
	text = slice_trim(text);
	if (slice_eq_nocase(scheme, SLICE("Basic")))
		rc = parse_basic(text, room, &c);
	else if (slice_eq_nocase(scheme, SLICE("Bearer")))
		rc = parse_bearer(text, room, &c);
	if (rc < 0)
		return rc;
	if (c.name.len == 0 || c.key.len == 0)
		return ERR_SYNTAX;
	*ret_credentials = c;
	return 0;
}
