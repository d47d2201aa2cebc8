/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8, read and written strictly (RFC 3629). */
#include "util/utf8.h"

size_t
utf8_next(struct slice s, uint32_t *ret_char)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n;
	uint32_t c;

	if (s.len == 0)
		return 0;
	c = (unsigned char)s.at[0];
	if (c < 0x80) {
		*ret_char = c;
		return 1;
	}
	if (c >= 0xc2 && c <= 0xdf)
		n = 2;
	else if (c >= 0xe0 && c <= 0xef)
		n = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		n = 4;
	else
		return 0;
	if (s.len < n)
		return 0;
	c &= 0x7fU >> n;
	for (size_t i = 1; i < n; i++) {
		uint32_t next = (unsigned char)s.at[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (next & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_char = c;
	return n;
}

size_t
utf8_put(uint32_t c, char room[4])
{
	if (c < 0x80) {
		room[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		room[0] = (char)(0xc0 | c >> 6);
		room[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		room[0] = (char)(0xe0 | c >> 12);
		room[1] = (char)(0x80 | (c >> 6 & 0x3f));
		room[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	room[0] = (char)(0xf0 | c >> 18);
	room[1] = (char)(0x80 | (c >> 12 & 0x3f));
	room[2] = (char)(0x80 | (c >> 6 & 0x3f));
	room[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool
utf8_ok(struct slice s)
{
	uint32_t c;

	while (s.len > 0) {
		size_t n = utf8_next(s, &c);

		if (n == 0)
			return false;
		s = slice_skip(s, n);
	}
	return true;
}

/* Overrides and isolates: text after them is shown in another order. */
static bool
turns_direction(uint32_t c)
{
	return c == 0x200e || c == 0x200f || c == 0x061c ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void
utf8_safe(struct slice s, struct buf *out)
{
	static const struct slice unknown = { "\xef\xbf\xbd", 3 };
	uint32_t c = 0;

	while (s.len > 0) {
		size_t n = utf8_next(s, &c);
		struct slice shown = { s.at, n };

		if (n == 0)
			shown = unknown;
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
			 c == 0x2029 || turns_direction(c))
			shown = SLICE("?");
		if (out->len + shown.len > out->max ||
		    buf_add_slice(out, shown) < 0)
			return;
		s = slice_skip(s, n > 0 ? n : 1);
	}
}

size_t
utf8_count(struct slice s)
{
	size_t count = 0;
	uint32_t c;

	for (; s.len > 0; count++) {
		size_t n = utf8_next(s, &c);

		s = slice_skip(s, n > 0 ? n : 1);
	}
	return count;
}
