/* SPDX-License-Identifier: BSD-2-Clause */
/* ESMTP parameters as xtext.  RFC 3461, 4. */
#include "proto/xtext.h"

int
xtext_encode(struct slice text, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c >= '!' && c <= '~' && c != '+' && c != '=') {
			(void)buf_add_char(out, text.at[i]);
			continue;
		}
		const char hex[] = { '+', digits[c >> 4], digits[c & 15] };
		(void)buf_add(out, hex, sizeof(hex));
	}
	return out->rc;
}
