/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and replies of socketmap_table(5), as netstrings. */
#include "proto/socketmap.h"

#include "util/err.h"
#include "util/number.h"

/*
 * "LENGTH:"; the octets it takes, 0: not complete.  "[len] is a nonempty
 * sequence of ascii digits giving the length of [string]: the codes <30> for
 * 0, <31> for 1, ... Extra zeros at the front of [len] are prohibited."
 */
static ssize_t
parse_length(const char *buf, size_t len, size_t *ret_length)
{
	size_t length = 0;

	for (size_t i = 0; i < len; i++) {
		char c = buf[i];

		if (c == ':' && i > 0) {
			*ret_length = length;
			return (ssize_t)i + 1;
		}
		if (c < '0' || c > '9' || (i > 0 && buf[0] == '0'))
			return ERR_SYNTAX;
		length = length * 10 + (size_t)(c - '0');
		if (length > MAP_REQUEST_MAX)
			return ERR_LIMIT;
	}
	return 0;
}

ssize_t
socketmap_request_parse(const char *buf, size_t len,
    struct socketmap_request *ret_request)
{
	size_t length = 0;
	ssize_t head = parse_length(buf, len, &length);
	struct slice rest, name;

	if (head <= 0)
		return head;
	if (len - (size_t)head < length + 1)
		return 0;
	rest = (struct slice){ buf + head, length };
	if (rest.at[length] != ',' ||
	    (length > 0 && memchr(rest.at, '\0', length) != NULL))
		return ERR_SYNTAX;
	if (!slice_split(&rest, ' ', &name) || name.len == 0 || rest.at == NULL)
		return ERR_SYNTAX;
	*ret_request = (struct socketmap_request){ name, rest };
	return head + (ssize_t)length + 1;
}

int
socketmap_reply_format(enum map_code code, struct slice value, struct buf *out)
{
	static const struct slice words[] = {
		[MAP_OK] = SLICE("OK "),
		[MAP_NOTFOUND] = SLICE("NOTFOUND "),
		[MAP_TEMP] = SLICE("TEMP "),
		[MAP_PERM] = SLICE("PERM "),
	};
	struct slice word = words[code];
	char room[NUMBER_TEXT_MAX];
	size_t before = out->len;
	int rc;

	if (value.len > MAP_REPLY_MAX - word.len)
		return ERR_LIMIT;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.at[i] < ' ' || value.at[i] == 127)
			return ERR_SYNTAX;
	(void)buf_add(out, room, number_format(word.len + value.len, room));
	(void)buf_add_char(out, ':');
	(void)buf_add_slice(out, word);
	(void)buf_add_slice(out, value);
	rc = buf_add_char(out, ',');
	if (out->rc < 0) {
		out->len = before;
		return out->rc;
	}
	return rc;
}
