/* SPDX-License-Identifier: BSD-2-Clause */
/* MIME entities made safe to sign: RFC 8551, 3.1; RFC 2045; RFC 2046. */
#include "proto/mime_safe.h"

#include <stdint.h>

#include "proto/mime.h"
#include "proto/mime_ascii.h"
#include "proto/mime_encode.h"
#include "util/err.h"
#include "util/utf8.h"

#define HEADER_MAX (1024 * 1024)
#define SAMPLE_MAX 16384
#define ENCODE \
	(MIME_UNSAFE_BLANKS | MIME_UNSAFE_FROM | MIME_UNSAFE_LONG | \
	    MIME_UNSAFE_OCTETS)

/* ---- looking ---- */

/* Bit 7 of each octet of v that is c. */
static uint64_t
octets_that_are(uint64_t v, unsigned char c)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	v ^= ones * c;
	return (v - ones) & ~v & (ones * 0x80);
}

/* No 8-bit octet, NUL or CR; eight at a time, the last eight twice. */
static bool
plain_octets(const char *at, size_t len)
{
	uint64_t v, bad = 0;

	for (size_t i = 0; i + sizeof(v) <= len; i += sizeof(v)) {
		memcpy(&v, at + i, sizeof(v));
		bad |= v | octets_that_are(v, 0) | octets_that_are(v, '\r');
	}
	if (len >= sizeof(v)) {
		memcpy(&v, at + len - sizeof(v), sizeof(v));
		bad |= v | octets_that_are(v, 0) | octets_that_are(v, '\r');
		return (bad & UINT64_C(0x8080808080808080)) == 0;
	}
	for (; len > 0; at++, len--)
		if ((unsigned char)*at >= 0x80 || *at == '\0' || *at == '\r')
			return false;
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* found: so far, which need not be found again. */
static unsigned
line_unsafe(struct slice line, unsigned found)
{
	if (line.len == 0)
		return 0;
	if (line.len > MIME_SAFE_LINE)
		found |= MIME_UNSAFE_LONG;
	if (is_blank(line.at[line.len - 1]))
		found |= MIME_UNSAFE_BLANKS;
	if (line.at[0] == 'F' && slice_starts(line, SLICE("From ")))
		found |= MIME_UNSAFE_FROM;
	if ((found & MIME_UNSAFE_OCTETS) == 0 &&
	    !plain_octets(line.at, line.len))
		found |= MIME_UNSAFE_OCTETS;
	return found;
}

/* A line with its end: CRLF, LF, or none at the end of the text. */
struct line {
	struct slice text;
	size_t end; /* octets of its line end */
};

static bool
next_line(struct slice *rest, struct line *ret_line)
{
	if (rest->len == 0)
		return false;
	const char *lf = memchr(rest->at, '\n', rest->len);
	size_t len = lf != NULL ? (size_t)(lf - rest->at) : rest->len;

	*ret_line = (struct line){ { rest->at, len }, lf != NULL };
	*rest = slice_skip(*rest, len + (lf != NULL));
	if (lf != NULL && len > 0 && lf[-1] == '\r') {
		ret_line->text.len--;
		ret_line->end++;
	}
	return true;
}

unsigned
mime_unsafe(struct slice text)
{
	unsigned found = 0;
	struct line line;

	while (next_line(&text, &line)) {
		found |= line_unsafe(line.text, found);
		if (line.end == 1)
			found |= MIME_UNSAFE_LINE_ENDS;
	}
	return found;
}

/* ---- writing ---- */

struct walk {
	struct buf *out;
	size_t parts;
};

/* Line ends become CRLF. */
static int
put_lines(struct buf *out, struct slice text)
{
	struct line line;
	int rc = 0;

	while (rc == 0 && next_line(&text, &line)) {
		rc = buf_add_slice(out, line.text);
		if (rc == 0 && line.end > 0)
			rc = buf_add(out, "\r\n", 2);
	}
	return rc;
}

static int
put_text(struct buf *out, struct slice text, unsigned unsafe)
{
	return (unsafe & MIME_UNSAFE_LINE_ENDS) != 0 ? put_lines(out, text)
						     : buf_add_slice(out, text);
}

/* ---- an entity ---- */

enum encoding { IDENTITY, BINARY, QUOTED_PRINTABLE, BASE64, UNKNOWN };

struct entity {
	struct slice header, body;
	bool has_body; /* an empty line stands between */
	bool message;  /* the header is a message's, not a part's */
	struct slice type, content_type; /* "text/plain"; the whole value */
	enum encoding encoding;
	bool labelled; /* 8bit or binary */
};

/* The header goes up to the first empty line. */
static struct entity
split(struct slice text)
{
	struct entity e = { .header = { text.at, 0 } };
	struct slice rest = text;
	struct line line;

	while (next_line(&rest, &line)) {
		e.header.len = (size_t)(line.text.at - text.at);
		if (line.text.len == 0 && line.end > 0) {
			e.has_body = true;
			e.body = rest;
			return e;
		}
	}
	e.header = text;
	return e;
}

static struct slice
token_of(struct slice value)
{
	size_t n = 0;

	while (n < value.len && memchr(" \t\r\n;(\"", value.at[n], 7) == NULL)
		n++;
	return (struct slice){ value.at, n };
}

static void
read_encoding(struct entity *e)
{
	struct slice word =
	    token_of(mime_field(e->header, "Content-Transfer-Encoding"));

	if (word.len == 0 || slice_eq_nocase(word, SLICE("7bit")))
		e->encoding = IDENTITY;
	else if (slice_eq_nocase(word, SLICE("8bit")))
		e->encoding = IDENTITY;
	else if (slice_eq_nocase(word, SLICE("binary")))
		e->encoding = BINARY;
	else if (slice_eq_nocase(word, SLICE("quoted-printable")))
		e->encoding = QUOTED_PRINTABLE;
	else if (slice_eq_nocase(word, SLICE("base64")))
		e->encoding = BASE64;
	else
		e->encoding = UNKNOWN;
	e->labelled =
	    e->encoding == BINARY || slice_eq_nocase(word, SLICE("8bit"));
}

static void
read_fields(struct entity *e, struct slice fallback)
{
	e->content_type = mime_field(e->header, "Content-Type");
	e->type = token_of(e->content_type);
	if (e->type.len == 0)
		e->type = fallback;
	read_encoding(e);
}

static bool
in_family(const struct entity *e, struct slice family)
{
	return slice_starts_nocase(e->type, family);
}

/* ---- its header ---- */

struct header_out {
	struct buf *out;
	const char *encoding; /* NULL: as it is */
	bool said;
};

static int
put_field(struct header_out *h, struct slice raw)
{
	struct slice rest = raw, name, value;
	unsigned unsafe = mime_unsafe(raw);
	bool is_field = mime_field_next(&rest, &name, &value);

	if (is_field && h->encoding != NULL &&
	    slice_eq_nocase(name, SLICE("Content-Transfer-Encoding"))) {
		if (h->said)
			return 0;
		h->said = true;
		return buf_addf(h->out, "%.*s: %s\r\n", SLICE_F(name),
		    h->encoding);
	}
	if ((unsafe & ENCODE) == 0)
		return put_text(h->out, raw, unsafe);
	return is_field ? mime_ascii_field(name, value, h->out) : ERR_SYNTAX;
}

/* One field with its folded lines, or one line that is none. */
static struct slice
take_field(struct slice *rest)
{
	const char *at = rest->at;
	struct line line;

	(void)next_line(rest, &line);
	while (rest->len > 0 && is_blank(rest->at[0]))
		(void)next_line(rest, &line);
	return (struct slice){ at, (size_t)(rest->at - at) };
}

/* encoding: the one it has from now on; NULL: none must be said. */
static int
put_header(const struct entity *e, const char *encoding, struct buf *out)
{
	struct header_out h = { .out = out, .encoding = encoding };
	struct slice rest = e->header;
	int rc = 0;

	while (rc == 0 && rest.len > 0)
		rc = put_field(&h, take_field(&rest));
	if (rc < 0 || !e->has_body)
		return rc;
	if (encoding != NULL && !h.said) {
		if (e->message &&
		    mime_field(e->header, "MIME-Version").at == NULL)
			(void)buf_add_text(out, "MIME-Version: 1.0\r\n");
		(void)buf_addf(out, "Content-Transfer-Encoding: %s\r\n",
		    encoding);
	}
	return buf_add(out, "\r\n", 2);
}

/* ---- a leaf ---- */

/*
 * Is quoted-printable the shorter one, and can people read it?  The beginning
 * tells.
 */
static bool
is_mostly_plain(struct slice text)
{
	size_t quoted = 0;

	if (text.len > SAMPLE_MAX)
		text.len = SAMPLE_MAX;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		quoted += c >= 0x7f || c == '=' ||
			  (c < ' ' && c != '\t' && c != '\n' && c != '\r');
	}
	return quoted <= text.len / 5;
}

static int
put_encoded(struct walk *w, const struct entity *e, unsigned unsafe)
{
	bool text = in_family(e, SLICE("text/"));
	struct buf lines;
	int rc;

	if (e->encoding == IDENTITY && text && is_mostly_plain(e->body)) {
		rc = put_header(e, "quoted-printable", w->out);
		return rc < 0 ? rc : mime_encode_qp(e->body, w->out);
	}
	rc = put_header(e, "base64", w->out);
	/* Only what is binary has octets in the place of line ends. */
	if (rc < 0 || e->encoding == BINARY ||
	    (unsafe & MIME_UNSAFE_LINE_ENDS) == 0)
		return rc < 0 ? rc : mime_encode_base64(e->body, w->out);
	buf_init(&lines, 2 * e->body.len);
	rc = put_lines(&lines, e->body);
	if (rc == 0)
		rc = mime_encode_base64(buf_slice(&lines), w->out);
	buf_done(&lines);
	return rc;
}

static int
put_decoded_base64(struct walk *w, const struct entity *e)
{
	struct mime_part part = { .body = e->body, .encoding = MIME_BASE64 };
	struct buf octets;
	int rc;

	buf_init(&octets, e->body.len + 1);
	rc = mime_decode(&part, &octets);
	if (rc == 0)
		rc = put_header(e, NULL, w->out);
	if (rc == 0)
		rc = mime_encode_base64(buf_slice(&octets), w->out);
	buf_done(&octets);
	return rc;
}

static int
put_leaf(struct walk *w, const struct entity *e)
{
	unsigned unsafe = mime_unsafe(e->body), bad = ENCODE;
	int rc;

	/* RFC 2045, 6.4: no encoding for those, and these may be lost. */
	bool fixed = in_family(e, SLICE("multipart/")) ||
		     (in_family(e, SLICE("message/")) &&
			 !in_family(e, SLICE("message/global")));
	if (fixed)
		bad &= ~(unsigned)MIME_UNSAFE_BLANKS;
	if (e->encoding == BINARY)
		bad |= MIME_UNSAFE_LINE_ENDS;
	if ((unsafe & bad) == 0) {
		rc = put_header(e, e->labelled ? "7bit" : NULL, w->out);
		return rc < 0 ? rc : put_text(w->out, e->body, unsafe);
	}
	switch (e->encoding) {
	case IDENTITY:
	case BINARY:
		return fixed ? ERR_SYNTAX : put_encoded(w, e, unsafe);
	case QUOTED_PRINTABLE:
		rc = put_header(e, NULL, w->out);
		return rc < 0 ? rc : mime_requote_qp(e->body, w->out);
	case BASE64:
		return put_decoded_base64(w, e);
	case UNKNOWN:
		break;
	}
	return ERR_SYNTAX;
}

/* ---- what holds others ---- */

static int put_entity(struct walk *w, struct entity *e, struct slice fallback,
    unsigned depth);

/*
 * "--BOUNDARY" or, told by *ret_last, "--BOUNDARY--"; blanks may follow.  Any
 * other line leaves *ret_last as it was.
 */
static bool
is_delimiter(struct slice line, struct slice boundary, bool *ret_last)
{
	if (line.len < boundary.len + 2 || line.at[0] != '-' ||
	    line.at[1] != '-' ||
	    memcmp(line.at + 2, boundary.at, boundary.len) != 0)
		return false;
	struct slice tail = slice_skip(line, boundary.len + 2);
	bool last = slice_starts(tail, SLICE("--"));
	if (slice_trim(slice_skip(tail, last ? 2 : 0)).len > 0)
		return false;
	*ret_last = last;
	return true;
}

/* RFC 2046, 5.1.1: the line end before a delimiter is the delimiter's. */
static struct slice
region(const char *from, const char *to, bool *ret_had_end)
{
	struct slice s = { from, (size_t)(to - from) };

	*ret_had_end = s.len > 0 && s.at[s.len - 1] == '\n';
	s.len -= *ret_had_end;
	if (*ret_had_end && s.len > 0 && s.at[s.len - 1] == '\r')
		s.len--;
	return s;
}

/* Text before the first part and behind the last one: nobody reads it. */
static int
put_aside(struct walk *w, struct slice text)
{
	unsigned unsafe = mime_unsafe(text);

	return (unsafe & ENCODE) != 0 ? 0 : put_text(w->out, text, unsafe);
}

static int
put_part(struct walk *w, struct slice text, struct slice fallback,
    unsigned depth)
{
	struct entity e = split(text);

	if (w->parts++ == MIME_SAFE_PARTS)
		return ERR_LIMIT;
	return put_entity(w, &e, fallback, depth + 1);
}

struct parts {
	struct slice boundary, fallback;
	unsigned depth, count; /* delimiters so far */
};

/* What stands from..to, and then the delimiter. */
static int
put_until(struct walk *w, const struct parts *p, const char *from,
    const struct line *delimiter, bool last)
{
	bool had_end;
	struct slice text = region(from, delimiter->text.at, &had_end);
	int rc = p->count == 0 ? put_aside(w, text)
			       : put_part(w, text, p->fallback, p->depth);

	if (rc == 0 && had_end)
		rc = buf_add(w->out, "\r\n", 2);
	if (rc < 0)
		return rc;
	(void)buf_add_text(w->out, "--");
	(void)buf_add_slice(w->out, p->boundary);
	if (last)
		(void)buf_add_text(w->out, "--");
	return buf_add_text(w->out, delimiter->end > 0 ? "\r\n" : "");
}

static int
put_multipart(struct walk *w, const struct entity *e, struct slice boundary,
    unsigned depth)
{
	struct parts p = { .boundary = boundary,
		.depth = depth,
		.fallback = slice_eq_nocase(e->type, SLICE("multipart/digest"))
				? SLICE("message/rfc822")
				: SLICE("text/plain") };
	struct slice rest = e->body;
	const char *from = rest.at;
	bool last = false;
	struct line line;
	int rc;

	rc = put_header(e, e->labelled ? "7bit" : NULL, w->out);
	while (rc == 0 && !last && next_line(&rest, &line)) {
		if (!is_delimiter(line.text, boundary, &last))
			continue;
		rc = put_until(w, &p, from, &line, last);
		p.count++;
		from = rest.at;
	}
	if (rc < 0)
		return rc;
	struct slice tail = { from, (size_t)(rest.at - from) + rest.len };
	return last ? put_aside(w, tail) : put_part(w, tail, p.fallback, depth);
}

/* Its delimiter lines can be written, and there is at least one. */
static bool
has_parts(const struct entity *e, struct slice boundary)
{
	struct slice rest = e->body;
	struct line line;
	bool last;

	if (boundary.len == 0 || boundary.len > MIME_SAFE_LINE - 4 ||
	    line_unsafe(boundary, 0) != 0 ||
	    memchr(boundary.at, '\n', boundary.len) != NULL)
		return false;
	while (next_line(&rest, &line))
		if (is_delimiter(line.text, boundary, &last))
			return true;
	return false;
}

static int
put_message(struct walk *w, const struct entity *e, unsigned depth)
{
	struct entity inner = split(e->body);
	int rc = put_header(e, e->labelled ? "7bit" : NULL, w->out);

	inner.message = true;
	return rc < 0 ? rc
		      : put_entity(w, &inner, SLICE("text/plain"), depth + 1);
}

static int
put_entity(struct walk *w, struct entity *e, struct slice fallback,
    unsigned depth)
{
	if (depth > MIME_SAFE_DEPTH)
		return ERR_LIMIT;
	read_fields(e, fallback);
	bool open = e->encoding == IDENTITY || e->encoding == BINARY;
	if (!e->has_body)
		return put_header(e, e->labelled ? "7bit" : NULL, w->out);
	if (open && in_family(e, SLICE("multipart/"))) {
		struct slice boundary =
		    mime_parameter(e->content_type, "boundary");

		if (has_parts(e, boundary))
			return put_multipart(w, e, boundary, depth);
	}
	if (open && slice_eq_nocase(e->type, SLICE("message/rfc822")))
		return put_message(w, e, depth);
	return put_leaf(w, e);
}

/* ---- the whole ---- */

/* RFC 2045, 5.2: without Content-Type it is us-ascii, which this is not. */
static int
label(struct slice body, struct buf *header)
{
	if ((mime_unsafe(body) & MIME_UNSAFE_OCTETS) == 0)
		return 0;
	return buf_add_text(header,
	    utf8_ok(body) ? "Content-Type: text/plain; charset=utf-8\r\n"
			  : "Content-Type: text/plain; "
			    "charset=unknown-8bit\r\n");
}

int
mime_safe(const struct header_field *fields, size_t count, struct slice body,
    struct buf *out)
{
	struct walk w = { .out = out };
	struct entity e = { .has_body = true };
	struct buf header;
	int rc = 0;

	buf_init(&header, HEADER_MAX);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		(void)buf_add_slice(&header, fields[i].name);
		(void)buf_add_char(&header, ':');
		if (fields[i].value.len > 0 && !is_blank(fields[i].value.at[0]))
			(void)buf_add_char(&header, ' ');
		(void)buf_add_slice(&header, fields[i].value);
		rc = buf_add(&header, "\r\n", 2);
	}
	if (rc == 0 &&
	    mime_field(buf_slice(&header), "Content-Type").at == NULL)
		rc = label(body, &header);
	e.header = buf_slice(&header);
	e.body = body.at != NULL ? body : SLICE("");
	if (rc == 0)
		rc = put_entity(&w, &e, SLICE("text/plain"), 0);
	buf_done(&header);
	return rc;
}
