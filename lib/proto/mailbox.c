/* SPDX-License-Identifier: BSD-2-Clause */
/* Mailboxes in header fields.  RFC 5322, 3.4. */
#include "proto/mailbox.h"

/*
 * What one mailbox is read into: the text outside of comments, with blanks
 * dropped where they separate tokens, and apart from it what stood in angle
 * brackets.
 */
struct reading {
	char bare[ADDRESS_MAX], angle[ADDRESS_MAX];
	size_t bare_len, angle_len;
	bool angle_cut, bare_cut;
	bool in_angle, had_angle, had_bare;
};

static void
put(struct reading *r, char c)
{
	char *to = r->in_angle ? r->angle : r->bare;
	size_t *len = r->in_angle ? &r->angle_len : &r->bare_len;

	if (!r->in_angle)
		r->had_bare = true;
	if (*len == ADDRESS_MAX)
		*(r->in_angle ? &r->angle_cut : &r->bare_cut) = true;
	else
		to[(*len)++] = c;
}

/* Behind the comment that begins at i; nested ones are counted. */
static size_t
skip_comment(struct slice s, size_t i)
{
	size_t depth = 0;

	for (; i < s.len; i++) {
		if (s.at[i] == '\\')
			i++;
		else if (s.at[i] == '(')
			depth++;
		else if (s.at[i] == ')' && --depth == 0)
			return i + 1;
	}
	return s.len;
}

/* Copies the quoted string that begins at i; returns what is behind it. */
static size_t
take_quoted(struct reading *r, struct slice s, size_t i)
{
	put(r, s.at[i++]);
	for (; i < s.len; i++) {
		char c = s.at[i];

		if (c == '\r' || c == '\n')
			continue;
		put(r, c);
		if (c == '\\' && i + 1 < s.len)
			put(r, s.at[++i]);
		else if (c == '"')
			return i + 1;
	}
	return s.len;
}

/* Reads up to the comma or semicolon that ends the mailbox. */
static size_t
read_mailbox(struct reading *r, struct slice s)
{
	size_t i = 0;

	while (i < s.len) {
		char c = s.at[i];

		if (c == '(') {
			i = skip_comment(s, i);
			continue;
		}
		if (c == '"') {
			i = take_quoted(r, s, i);
			continue;
		}
		i++;
		if (!r->in_angle && (c == ',' || c == ';'))
			break;
		if (c == '<' && !r->in_angle) {
			r->in_angle = r->had_angle = true;
			r->angle_len = 0;
		} else if (c == '>' && r->in_angle) {
			r->in_angle = false;
		} else if (c == ':' && !r->in_angle) {
			/* What stood before was the name of a group. */
			r->bare_len = 0;
			r->had_bare = false;
		} else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
			put(r, c);
		}
	}
	return i;
}

bool
mailbox_next(struct slice *rest, char room[ADDRESS_MAX],
    struct slice *ret_address)
{
	while (rest->len > 0) {
		struct reading r;
		struct slice text, address;

		r.bare_len = r.angle_len = 0;
		r.angle_cut = r.bare_cut = r.in_angle = r.had_angle =
		    r.had_bare = false;
		*rest = slice_skip(*rest, read_mailbox(&r, *rest));
		if (!r.had_bare && !r.had_angle)
			continue; /* an empty element: RFC 5322, 4.4 */
		text = r.had_angle ? (struct slice){ r.angle, r.angle_len }
				   : (struct slice){ r.bare, r.bare_len };
		/* A long display name before the brackets does no harm. */
		if ((r.had_angle ? r.angle_cut : r.bare_cut) || r.in_angle ||
		    address_canonical(text, room, &address) < 0 ||
		    address_domain(address).len == 0)
			address = SLICE("");
		*ret_address = address;
		return true;
	}
	return false;
}
