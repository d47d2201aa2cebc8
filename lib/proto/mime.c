/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a message, RFC 2045 and RFC 2046. */
#include "proto/mime.h"

#include <stdio.h>
#include <string.h>

#include "util/err.h"

#define TYPE_MAX 4096     /* octets of a Content-Type that are read */
#define PIECES_MAX 8      /* of one parameter */
#define PIECE_NAME_MAX 32 /* "report-type*7*" */

bool
mime_line(struct slice *rest, struct slice *ret_line)
{
	if (rest->len == 0)
		return false;
	(void)slice_split(rest, '\n', ret_line);
	if (rest->at == NULL)
		*rest = (struct slice){ ret_line->at + ret_line->len, 0 };
	if (ret_line->len > 0 && ret_line->at[ret_line->len - 1] == '\r')
		ret_line->len--;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The name before the colon; RFC 5322, 2.2: printable ASCII but ':'. */
static size_t
field_name(struct slice line)
{
	size_t n = 0;

	while (n < line.len && line.at[n] > ' ' && line.at[n] < 127 &&
	       line.at[n] != ':')
		n++;
	size_t colon = n;
	while (colon < line.len && is_blank(line.at[colon]))
		colon++;
	return colon < line.len && line.at[colon] == ':' ? n : 0;
}

bool
mime_field_next(struct slice *rest, struct slice *ret_name,
    struct slice *ret_value)
{
	struct slice line;

	while (mime_line(rest, &line)) {
		if (line.len == 0)
			return false;
		size_t n = field_name(line);
		if (n == 0)
			continue;
		struct slice first = line;
		const char *colon = memchr(line.at, ':', line.len);
		const char *end = line.at + line.len;
		while (rest->len > 0 && is_blank(rest->at[0]) &&
		       mime_line(rest, &line))
			end = line.at + line.len;
		*ret_name = (struct slice){ first.at, n };
		*ret_value = slice_trim(
		    (struct slice){ colon + 1, (size_t)(end - colon) - 1 });
		return true;
	}
	return false;
}

struct slice
mime_field(struct slice header, const char *name)
{
	struct slice n, v, want = slice_of(name), rest = header, line;

	while (rest.len > 0) {
		struct slice here = rest;

		if (!mime_line(&rest, &line) || line.len == 0)
			break;
		/* Most lines are told apart by their first letter. */
		if (((line.at[0] ^ want.at[0]) & ~32) != 0)
			continue;
		if (mime_field_next(&here, &n, &v) && n.at == line.at &&
		    slice_eq_nocase(n, want))
			return v;
	}
	return (struct slice){ NULL, 0 };
}

struct slice
mime_unfold(struct slice value, struct arena *arena)
{
	char *to = arena_alloc(arena, value.len + 1);
	size_t n = 0;

	if (to == NULL)
		return (struct slice){ NULL, 0 };
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		if (slice_is_blank(c)) {
			if (n > 0 && to[n - 1] != ' ')
				to[n++] = ' ';
		} else {
			to[n++] = c;
		}
	}
	if (n > 0 && to[n - 1] == ' ')
		n--;
	return (struct slice){ to, n };
}

/* Up to the next ';' that no quoted string holds. */
static struct slice
take_parameter(struct slice *rest)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < rest->len; i++) {
		char c = rest->at[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == ';')
			break;
	}
	if (i > rest->len)
		i = rest->len;
	struct slice piece = { rest->at, i };
	*rest = slice_skip(*rest, i + 1);
	return slice_trim(piece);
}

bool
mime_parameter_next(struct slice *rest, struct slice *ret_name,
    struct slice *ret_value)
{
	while (rest->len > 0) {
		struct slice v = take_parameter(rest), n;

		(void)slice_split(&v, '=', &n);
		if (v.at == NULL)
			continue;
		*ret_name = slice_trim(n);
		*ret_value = slice_trim(v);
		return true;
	}
	return false;
}

struct slice
mime_parameter(struct slice value, const char *name)
{
	struct slice want = slice_of(name), n, v;

	(void)take_parameter(&value);
	while (mime_parameter_next(&value, &n, &v)) {
		if (!slice_eq_nocase(n, want))
			continue;
		if (v.len > 0 && v.at[0] == '"') {
			v = slice_skip(v, 1);
			if (v.len > 0 && v.at[v.len - 1] == '"')
				v.len--;
		}
		return v;
	}
	return (struct slice){ NULL, 0 };
}

bool
mime_is(const struct mime_part *part, const char *type)
{
	return slice_eq_nocase(part->type, slice_of(type));
}

/* ---- the walk ---- */

struct walk {
	struct mime *mime;
	struct arena *arena;
	struct slice boundary[MIME_DEPTH_MAX];
	unsigned depth;
	struct mime_part *open; /* whose body is being read */
};

static enum mime_encoding
encoding_of(struct slice value)
{
	if (slice_starts_nocase(value, SLICE("quoted-printable")))
		return MIME_QUOTED_PRINTABLE;
	if (slice_starts_nocase(value, SLICE("base64")))
		return MIME_BASE64;
	return MIME_IDENTITY;
}

/* RFC 2231, 4: "set'language'value"; what has no such marks is the value. */
static struct slice
without_language(struct slice value)
{
	struct slice rest = value, piece;

	if (!slice_split(&rest, '\'', &piece) || rest.at == NULL ||
	    !slice_split(&rest, '\'', &piece) || rest.at == NULL)
		return value;
	return rest;
}

/* A parameter in the pieces of RFC 2231, 3: "name*0=a; name*1=b". */
static struct slice
in_pieces(struct slice value, const char *name, struct arena *arena)
{
	struct slice all = { NULL, 0 }, piece;

	for (int i = 0; i < PIECES_MAX; i++) {
		char full[PIECE_NAME_MAX];

		(void)snprintf(full, sizeof(full), "%s*%d", name, i);
		piece = mime_parameter(value, full);
		if (piece.at == NULL) {
			(void)snprintf(full, sizeof(full), "%s*%d*", name, i);
			piece = mime_parameter(value, full);
			if (i == 0)
				piece = without_language(piece);
		}
		if (piece.at == NULL)
			break;
		char *to = arena_alloc(arena, all.len + piece.len + 1);
		if (to == NULL)
			break;
		if (all.len > 0)
			memcpy(to, all.at, all.len);
		if (piece.len > 0)
			memcpy(to + all.len, piece.at, piece.len);
		all = (struct slice){ to, all.len + piece.len };
	}
	return all;
}

/* A parameter as anybody writes it. */
static struct slice
parameter(struct slice value, const char *name, struct arena *arena)
{
	struct slice v = mime_parameter(value, name);
	char full[PIECE_NAME_MAX];

	if (v.at != NULL || memchr(value.at, '*', value.len) == NULL)
		return v;
	(void)snprintf(full, sizeof(full), "%s*", name);
	v = mime_parameter(value, full);
	return v.at != NULL ? without_language(v)
			    : in_pieces(value, name, arena);
}

static void
read_type(struct walk *w, struct mime_part *part, struct slice type)
{
	struct slice rest, boundary;

	if (type.len > TYPE_MAX)
		type.len = TYPE_MAX;
	rest = type;
	part->type = take_parameter(&rest);
	if (rest.len == 0)
		return;
	part->charset = parameter(type, "charset", w->arena);
	if (!slice_starts_nocase(part->type, SLICE("multipart/")))
		return;
	part->report = parameter(type, "report-type", w->arena);
	boundary = parameter(type, "boundary", w->arena);
	if (boundary.len > 0 && w->depth < MIME_DEPTH_MAX)
		w->boundary[w->depth++] = boundary;
}

/*
 * A part begins at rest: read its header.  Returns what stands behind it.
 */
static struct slice
begin_part(struct walk *w, struct slice rest)
{
	struct mime_part *part = &w->mime->parts[w->mime->count++];
	struct slice type = { NULL, 0 }, encoding = type, name, value;
	struct slice all = rest;

	*part = (struct mime_part){ .depth = w->depth };
	while (mime_field_next(&rest, &name, &value)) {
		if (name.len < 12 || (name.at[0] | 32) != 'c')
			continue;
		if (type.at == NULL &&
		    slice_eq_nocase(name, SLICE("Content-Type")))
			type = value;
		else if (encoding.at == NULL &&
			 slice_eq_nocase(name,
			     SLICE("Content-Transfer-Encoding")))
			encoding = value;
	}
	part->header = (struct slice){ all.at, all.len - rest.len };
	part->body = (struct slice){ rest.at, 0 };
	part->encoding = encoding_of(encoding);
	read_type(w, part, type.at != NULL ? type : SLICE("text/plain"));
	w->open = part;
	return rest;
}

/*
 * Is this line a boundary that is open?  Returns its depth + 1 (0: no);
 * a lost inner end is healed by the outer one.
 */
static unsigned
boundary_of(const struct walk *w, struct slice line, bool *ret_last)
{
	if (line.len < 3 || line.at[0] != '-' || line.at[1] != '-')
		return 0;
	line = slice_skip(line, 2);
	for (unsigned i = w->depth; i > 0; i--) {
		struct slice b = w->boundary[i - 1];

		if (!slice_starts(line, b))
			continue;
		struct slice tail = slice_skip(line, b.len);
		*ret_last = slice_starts(tail, SLICE("--"));
		if (*ret_last)
			tail = slice_skip(tail, 2);
		if (slice_trim(tail).len == 0)
			return i;
	}
	return 0;
}

static void
end_body(struct walk *w, const char *at)
{
	if (w->open == NULL)
		return;
	/* RFC 2046, 5.1.1: the line end before it is the boundary's. */
	struct slice *b = &w->open->body;
	b->len = (size_t)(at - b->at);
	if (b->len > 0 && b->at[b->len - 1] == '\n')
		b->len--;
	if (b->len > 0 && b->at[b->len - 1] == '\r')
		b->len--;
	w->open = NULL;
}

int
mime_parse(struct slice message, struct arena *arena, struct mime *ret_mime)
{
	return mime_parse_all(message, MIME_PARTS_MAX, arena, ret_mime);
}

int
mime_parse_all(struct slice message, size_t parts_max, struct arena *arena,
    struct mime *ret_mime)
{
	struct mime mime = { .parts = arena_calloc(arena, parts_max,
				 sizeof(*mime.parts)) };
	struct walk w = { .mime = &mime, .arena = arena };
	struct slice rest = message, line;

	if (mime.parts == NULL)
		return ERR_NOMEM;
	if (rest.at == NULL)
		rest = SLICE("");
	rest = begin_part(&w, rest);
	while (w.depth > 0 && rest.len > 0) {
		const char *at = rest.at;
		bool last = false;

		if (!mime_line(&rest, &line))
			break;
		unsigned level = boundary_of(&w, line, &last);
		if (level == 0)
			continue;
		end_body(&w, at);
		w.depth = last ? level - 1 : level;
		if (last)
			continue;
		mime.cut = mime.count == parts_max;
		if (mime.cut)
			break;
		rest = begin_part(&w, rest);
	}
	if (w.open != NULL)
		w.open->body.len =
		    (size_t)(message.at + message.len - w.open->body.at);
	*ret_mime = mime;
	return 0;
}

/* ---- transfer encodings ---- */

int
mime_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Room for what in may become, as far as out has any. */
static size_t
make_room(struct buf *out, size_t want)
{
	size_t room = out->max > out->len ? out->max - out->len : 0;

	if (want > room)
		want = room;
	return want == 0 || buf_reserve(out, want) < 0 ? 0 : want;
}

/* RFC 2045, 6.7. */
static int
decode_qp(struct slice in, struct buf *out)
{
	size_t room = make_room(out, in.len), n = 0;
	char *to = room > 0 ? out->at + out->len : NULL;

	for (size_t i = 0; i < in.len; i++) {
		size_t left = in.len - i;
		char c = in.at[i];

		if (c == '=' && left > 1 && in.at[i + 1] == '\n') {
			i++;
			continue;
		}
		if (c == '=' && left > 2 && in.at[i + 1] == '\r' &&
		    in.at[i + 2] == '\n') {
			i += 2;
			continue;
		}
		if (c == '=' && left > 2 && mime_hex_digit(in.at[i + 1]) >= 0 &&
		    mime_hex_digit(in.at[i + 2]) >= 0) {
			c = (char)(mime_hex_digit(in.at[i + 1]) * 16 +
				   mime_hex_digit(in.at[i + 2]));
			i += 2;
		}
		if (n == room) {
			out->len += n;
			return buf_add_char(out, c);
		}
		to[n++] = c;
	}
	out->len += n;
	return 0;
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* RFC 2045, 6.8: octets that are not of the alphabet are skipped. */
static int
decode_base64(struct slice in, struct buf *out)
{
	size_t room = make_room(out, in.len / 4 * 3 + 3), n = 0;
	char *to = room > 0 ? out->at + out->len : NULL;
	unsigned bits = 0, count = 0;

	for (size_t i = 0; i < in.len && in.at[i] != '='; i++) {
		int v = base64_value(in.at[i]);

		if (v < 0)
			continue;
		bits = bits << 6 | (unsigned)v;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		char c = (char)(bits >> count & 0xff);
		if (n == room) {
			out->len += n;
			return buf_add_char(out, c);
		}
		to[n++] = c;
	}
	out->len += n;
	return 0;
}

int
mime_decode(const struct mime_part *part, struct buf *out)
{
	switch (part->encoding) {
	case MIME_QUOTED_PRINTABLE:
		return decode_qp(part->body, out);
	case MIME_BASE64:
		return decode_base64(part->body, out);
	case MIME_IDENTITY:
		break;
	}
	size_t room = out->max > out->len ? out->max - out->len : 0;
	struct slice s = part->body;
	if (s.len <= room)
		return buf_add_slice(out, s);
	s.len = room;
	(void)buf_add_slice(out, s);
	return ERR_LIMIT;
}
