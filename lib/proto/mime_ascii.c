/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fields in ASCII: RFC 2047, RFC 2231, RFC 5322, 2.2.3. */
#include "proto/mime_ascii.h"

#include "proto/mime_safe.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/utf8.h"

#define FIELD_MAX (256 * 1024)
#define LINE_WISH 76
#define WORD_OCTETS 42    /* of text in one encoded word: 75 with the rest */
#define SEGMENT_OCTETS 20 /* of a parameter: 60 when all are quoted */

static bool
has_8bit(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] >= 0x80)
			return true;
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Octets of s that may stand together: at most max, whole characters. */
static size_t
piece_of(struct slice s, size_t max, bool utf8)
{
	size_t n = 0;
	uint32_t c;

	if (s.len <= max)
		return s.len;
	if (!utf8)
		return max;
	while (n < max) {
		size_t len = utf8_next(slice_skip(s, n), &c);

		if (len == 0 || n + len > max)
			break;
		n += len;
	}
	return n > 0 ? n : max;
}

/* "=?utf-8?B?...?= =?utf-8?B?...?=" */
static int
encoded_words(struct slice text, struct buf *out)
{
	bool utf8 = utf8_ok(text);
	int rc = 0;

	while (rc == 0 && text.len > 0) {
		size_t n = piece_of(text, WORD_OCTETS, utf8);

		(void)buf_add_text(out,
		    utf8 ? "=?utf-8?B?" : "=?unknown-8bit?B?");
		(void)crypto_base64_encode((struct slice){ text.at, n }, out);
		text = slice_skip(text, n);
		rc = buf_add_text(out, text.len > 0 ? "?= " : "?=");
	}
	return rc;
}

/* ---- text ---- */

/* All from the first word with 8-bit octets to the last one. */
static int
unstructured(struct slice value, struct buf *out)
{
	size_t from = 0, to = value.len;

	while ((unsigned char)value.at[from] < 0x80)
		from++;
	while (from > 0 && !is_blank(value.at[from - 1]))
		from--;
	while ((unsigned char)value.at[to - 1] < 0x80)
		to--;
	while (to < value.len && !is_blank(value.at[to]))
		to++;
	(void)buf_add(out, value.at, from);
	(void)encoded_words((struct slice){ value.at + from, to - from }, out);
	return buf_add(out, value.at + to, value.len - to);
}

/* ---- addresses ---- */

/* How far a quoted string that begins here goes; all of s if it has no end. */
static size_t
quoted_len(struct slice s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.at[i] == '\\')
			i++;
		else if (s.at[i] == '"')
			return i + 1;
	}
	return s.len;
}

static int
unquote(struct slice quoted, struct buf *out)
{
	struct slice s = slice_skip(quoted, 1);
	int rc = 0;

	if (s.len > 0 && s.at[s.len - 1] == '"')
		s.len--;
	for (size_t i = 0; rc == 0 && i < s.len; i++) {
		if (s.at[i] == '\\' && i + 1 < s.len)
			i++;
		rc = buf_add_char(out, s.at[i]);
	}
	return rc;
}

static void
blank_between(struct buf *out)
{
	if (out->len > 0 && !is_blank(out->at[out->len - 1]))
		(void)buf_add_char(out, ' ');
}

/* Words up to the next special; without the blanks behind them. */
static size_t
phrase_len(struct slice s)
{
	size_t n = 0;

	while (n < s.len && memchr("\"()<>[]:;@,", s.at[n], 11) == NULL)
		n++;
	while (n > 0 && is_blank(s.at[n - 1]))
		n--;
	return n;
}

/* RFC 2047, 5: in place of a word of a phrase, or inside a comment. */
static int
structured(struct slice value, struct buf *out)
{
	struct buf plain;

	buf_init(&plain, FIELD_MAX);
	while (out->rc == 0 && value.len > 0) {
		bool quoted = value.at[0] == '"';
		size_t n = quoted                  ? quoted_len(value)
			   : is_blank(value.at[0]) ? 0
						   : phrase_len(value);
		struct slice piece = { value.at, n + (n == 0) };

		if (n == 0 || !has_8bit(piece)) {
			(void)buf_add_slice(out, piece);
		} else {
			buf_clear(&plain);
			out->rc = quoted ? unquote(piece, &plain)
					 : buf_add_slice(&plain, piece);
			blank_between(out);
			if (out->rc == 0)
				(void)encoded_words(buf_slice(&plain), out);
			if (piece.len < value.len &&
			    memchr("), \t", value.at[piece.len], 4) == NULL)
				blank_between(out);
		}
		value = slice_skip(value, piece.len);
	}
	buf_done(&plain);
	return out->rc;
}

/* ---- parameters ---- */

static size_t
parameter_len(struct slice s)
{
	size_t n = 0;

	while (n < s.len && s.at[n] != ';')
		n += s.at[n] == '"' ? quoted_len(slice_skip(s, n)) : 1;
	return n;
}

/* RFC 2231, 7: attribute-char stays, all else is percent-encoded. */
static int
percent(struct slice s, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || c == '.' || c == '-' ||
		    c == '_') {
			(void)buf_add_char(out, (char)c);
			continue;
		}
		(void)buf_add_char(out, '%');
		(void)buf_add_char(out, digits[c >> 4]);
		(void)buf_add_char(out, digits[c & 15]);
	}
	return out->rc;
}

/* name*=utf-8''..., or name*0*=...; name*1*=... */
static int
extended(struct slice name, struct slice value, struct buf *out)
{
	bool utf8 = utf8_ok(value);
	bool one = value.len <= 2 * (size_t)SEGMENT_OCTETS;

	for (unsigned i = 0; out->rc == 0 && (i == 0 || value.len > 0); i++) {
		size_t n =
		    one ? value.len : piece_of(value, SEGMENT_OCTETS, utf8);

		(void)buf_addf(out, "%s%.*s*", i > 0 ? "; " : "",
		    SLICE_F(name));
		if (!one)
			(void)buf_addf(out, "%u*", i);
		(void)buf_add_char(out, '=');
		if (i == 0)
			(void)buf_add_text(out, utf8 ? "utf-8''" : "''");
		(void)percent((struct slice){ value.at, n }, out);
		value = slice_skip(value, n);
	}
	return out->rc;
}

static int
parameter(struct slice text, struct buf *out)
{
	struct slice value = text, name;
	struct buf plain;
	int rc;

	if (!has_8bit(text))
		return buf_add_slice(out, text);
	if (!slice_split(&value, '=', &name) || value.at == NULL)
		return ERR_SYNTAX;
	name = slice_trim(name);
	value = slice_trim(value);
	if (name.len == 0 || name.len > 100 || has_8bit(name) ||
	    memchr(name.at, '*', name.len) != NULL)
		return ERR_SYNTAX;
	if (value.len == 0 || value.at[0] != '"')
		return extended(name, value, out);
	buf_init(&plain, FIELD_MAX);
	rc = unquote(value, &plain);
	if (rc == 0)
		rc = extended(name, buf_slice(&plain), out);
	buf_done(&plain);
	return rc;
}

static int
parameters(struct slice value, struct buf *out)
{
	size_t n = parameter_len(value);
	struct slice first = { value.at, n };

	if (has_8bit(first))
		return ERR_SYNTAX;
	(void)buf_add_slice(out, first);
	while (out->rc == 0 && n < value.len) {
		value = slice_skip(value, n + 1);
		n = parameter_len(value);
		first = slice_trim((struct slice){ value.at, n });
		if (first.len == 0)
			continue;
		(void)buf_add_text(out, "; ");
		int rc = parameter(first, out);
		if (rc < 0)
			return rc;
	}
	return out->rc;
}

/* ---- all together ---- */

static bool
is_one_of(struct slice name, const char *const names[])
{
	for (; *names != NULL; names++)
		if (slice_eq_nocase(name, slice_of(*names)))
			return true;
	return false;
}

/*
 * Line ends go; what is left of control octets becomes a blank.  In a field
 * that says what a part is they might end a word for some: refused.
 */
static int
flatten(struct slice name, struct slice value, struct buf *out)
{
	bool strict = slice_starts_nocase(name, SLICE("Content-"));
	struct slice s = slice_trim(value);
	int rc = buf_reserve(out, s.len);

	for (size_t i = 0; rc == 0 && i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (c == '\n' ||
		    (c == '\r' && i + 1 < s.len && s.at[i + 1] == '\n'))
			continue;
		bool control = (c < ' ' && c != 27 && c != '\t') || c == 127;
		if (control && strict)
			return ERR_SYNTAX;
		out->at[out->len++] = control || c == '\t' ? ' ' : (char)c;
	}
	return rc;
}

/* RFC 5322, 2.2.3: before blanks, as many words in a line as fit. */
static int
fold(struct slice name, struct slice value, struct buf *out)
{
	size_t line = name.len + 2;

	(void)buf_add_slice(out, name);
	(void)buf_add_text(out, value.len > 0 ? ": " : ":");
	for (size_t i = 0; i < value.len;) {
		size_t blanks = i, end;

		while (blanks < value.len && is_blank(value.at[blanks]))
			blanks++;
		for (end = blanks; end < value.len && !is_blank(value.at[end]);)
			end++;
		if (blanks == value.len)
			break; /* there are none at the end */
		if (i > 0 && line + (end - i) > LINE_WISH) {
			(void)buf_add(out, "\r\n", 2);
			line = 0;
		}
		line += end - i;
		if (line > MIME_SAFE_LINE)
			return ERR_SYNTAX;
		(void)buf_add(out, value.at + i, end - i);
		i = end;
	}
	return buf_add(out, "\r\n", 2);
}

int
mime_ascii_field(struct slice name, struct slice value, struct buf *out)
{
	static const char *const with_parameters[] = { "Content-Type",
		"Content-Disposition", NULL };
	static const char *const with_addresses[] = { "From", "To", "Cc", "Bcc",
		"Sender", "Reply-To", "Resent-From", "Resent-To", "Resent-Cc",
		"Resent-Sender", NULL };
	struct buf flat, ascii;
	struct slice s;
	int rc;

	buf_init(&flat, FIELD_MAX);
	buf_init(&ascii, FIELD_MAX);
	rc = flatten(name, value, &flat);
	s = slice_trim(buf_slice(&flat));
	if (rc == 0 && !has_8bit(s))
		rc = buf_add_slice(&ascii, s);
	else if (rc == 0 && is_one_of(name, with_parameters))
		rc = parameters(s, &ascii);
	else if (rc == 0 && is_one_of(name, with_addresses))
		rc = structured(s, &ascii);
	else if (rc == 0)
		rc = unstructured(s, &ascii);
	if (rc == 0)
		rc = fold(name, slice_trim(buf_slice(&ascii)), out);
	buf_done(&flat);
	buf_done(&ascii);
	return rc;
}
