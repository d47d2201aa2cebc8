/* SPDX-License-Identifier: BSD-2-Clause */
/* Request targets: percent-decoding and query strings.  RFC 3986. */
#include "apid/uri.h"

#include "util/buf.h"
#include "util/err.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Octets of the UTF-8 sequence at the head of s, 0: none.  RFC 3629, 4. */
static size_t
utf8_sequence(const unsigned char *s, size_t len)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return s[0] != 0;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f; /* no surrogates */
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
uri_text_ok(struct slice text)
{
	while (text.len > 0) {
		size_t n =
		    utf8_sequence((const unsigned char *)text.at, text.len);

		if (n == 0)
			return false;
		text = slice_skip(text, n);
	}
	return true;
}

int
uri_decode(struct slice in, enum uri_plus plus, struct arena *arena,
    struct slice *ret_out)
{
	char *room = arena_alloc(arena, in.len + 1);
	size_t len = 0;

	if (room == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];

		if (c == '%') {
			int high, low;

			if (i + 2 >= in.len ||
			    (high = hex_digit(in.at[i + 1])) < 0 ||
			    (low = hex_digit(in.at[i + 2])) < 0)
				return ERR_SYNTAX;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus == URI_PLUS_IS_BLANK) {
			c = ' ';
		}
		room[len++] = c;
	}
	if (!uri_text_ok((struct slice){ room, len }))
		return ERR_SYNTAX;
	*ret_out = (struct slice){ room, len };
	return 0;
}

int
uri_encode(struct slice in, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.at[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') ||
		    (c != '\0' && strchr("-._~", c) != NULL)) {
			(void)buf_add_char(out, (char)c);
			continue;
		}
		(void)buf_add_char(out, '%');
		(void)buf_add_char(out, digits[c >> 4]);
		(void)buf_add_char(out, digits[c & 15]);
	}
	return out->rc;
}

int
query_parse(struct slice query, struct arena *arena,
    struct query_param ret_params[QUERY_MAX], size_t *ret_count)
{
	struct slice piece;
	size_t count = 0;
	int rc;

	while (slice_split(&query, '&', &piece)) {
		struct slice name, value = piece;

		if (piece.len == 0)
			continue;
		if (count == QUERY_MAX)
			return ERR_LIMIT;
		(void)slice_split(&value, '=', &name);
		if (value.at == NULL)
			value = SLICE("");
		if ((rc = uri_decode(name, URI_PLUS_IS_BLANK, arena,
			 &ret_params[count].name)) < 0 ||
		    (rc = uri_decode(value, URI_PLUS_IS_BLANK, arena,
			 &ret_params[count].value)) < 0)
			return rc;
		count++;
	}
	*ret_count = count;
	return 0;
}
