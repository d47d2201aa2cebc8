/* SPDX-License-Identifier: BSD-2-Clause */
/* Encoded words in header fields.  RFC 2047. */
#include "proto/encoded_word.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>

#include "proto/charset.h"
#include "util/err.h"
#include "util/utf8.h"

/* Octets of touching encoded words of one character set, put together. */
#define RUN_MAX (64 * 1024)

struct decoding {
	struct buf *out;
	bool blank; /* one is due before the next character */
	size_t start;
	/* Decoded octets that wait for the rest of their last character. */
	struct buf run;
	char charset[CHARSET_MAX + 1];
	int rc;
};

/* One character, whole; false: no room left. */
static bool
put(struct decoding *d, const void *octets, size_t len)
{
	struct buf *out = d->out;
	size_t need = len + d->blank;

	if (d->rc < 0 || need > out->max || out->len > out->max - need)
		return false;
	if (d->blank && buf_add_char(out, ' ') < 0)
		d->rc = ERR_NOMEM;
	if (d->rc == 0 && buf_add(out, octets, len) < 0)
		d->rc = ERR_NOMEM;
	d->blank = false;
	return d->rc == 0;
}

/* UTF-8, or nearly so; false: no room left. */
static bool
put_text(struct decoding *d, struct slice s)
{
	for (size_t i = 0; i < s.len;) {
		uint32_t c = 0;
		size_t n = utf8_next(slice_skip(s, i), &c);

		if (n > 0 && (c <= ' ' || (c >= 127 && c < 160))) {
			d->blank = d->out->len > d->start;
			i += n;
		} else if (n == 0) {
			if (!put(d, "\xef\xbf\xbd", 3))
				return false;
			i++;
		} else {
			if (!put(d, s.at + i, n))
				return false;
			i += n;
		}
	}
	return true;
}

/* Writes the run in UTF-8; octets that are not of the set become U+FFFD. */
static bool
put_run_with(struct decoding *d, iconv_t cd)
{
	char *in = d->run.at, room[1024];
	size_t in_left = d->run.len;
	bool more = true;

	while (more && in_left > 0) {
		char *to = room;
		size_t to_left = sizeof(room);
		size_t n = iconv(cd, &in, &in_left, &to, &to_left);
		int why = errno;

		more =
		    put_text(d, (struct slice){ room, sizeof(room) - to_left });
		if (in_left > d->run.len)
			break; /* a converter ran over the end */
		if (n != (size_t)-1 || why == E2BIG || !more)
			continue;
		more = put_text(d, SLICE("\xef\xbf\xbd"));
		in++;
		in_left--;
		(void)iconv(cd, NULL, NULL, NULL, NULL);
	}
	return more;
}

static bool
put_run(struct decoding *d)
{
	bool more = true;

	if (d->run.len == 0)
		return true;
	if (charset_is_utf8(d->charset)) {
		more = put_text(d, buf_slice(&d->run));
	} else {
		/* It could be opened when the run began. */
		iconv_t cd =
		    iconv_open("UTF-8", charset_iconv_name(d->charset));

		if (cd == (iconv_t)-1) {
			d->rc = ERR_NOMEM;
			return false;
		}
		more = put_run_with(d, cd);
		(void)iconv_close(cd);
	}
	buf_clear(&d->run);
	return more;
}

static bool
charset_known(const char *name)
{
	const char *known = charset_iconv_name(name);

	if (charset_is_utf8(name))
		return true;
	if (known == NULL)
		return false;
	iconv_t cd = iconv_open("UTF-8", known);
	if (cd == (iconv_t)-1)
		return false;
	(void)iconv_close(cd);
	return true;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* RFC 2047, 4.2. */
static int
decode_q(struct slice text, struct buf *run)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c == '_') {
			c = ' ';
		} else if (c == '=') {
			if (text.len - i < 3 || hex(text.at[i + 1]) < 0 ||
			    hex(text.at[i + 2]) < 0)
				return ERR_SYNTAX;
			c = (char)(hex(text.at[i + 1]) << 4 |
				   hex(text.at[i + 2]));
			i += 2;
		}
		if (buf_add_char(run, c) < 0)
			return ERR_LIMIT;
	}
	return 0;
}

static int
digit64(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

/* RFC 2047, 4.1; padding may be missing, as it often is. */
static int
decode_b(struct slice text, struct buf *run)
{
	unsigned bits = 0, count = 0;

	while (text.len > 0 && text.at[text.len - 1] == '=')
		text.len--;
	for (size_t i = 0; i < text.len; i++) {
		int value = digit64(text.at[i]);

		if (value < 0) {
			if (memchr(" \t\r\n=", text.at[i], 5) != NULL)
				continue; /* words glued or folded inside */
			return ERR_SYNTAX;
		}
		bits = (bits << 6 | (unsigned)value) & 0xffff;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		if (buf_add_char(run, (char)(bits >> count & 255)) < 0)
			return ERR_LIMIT;
	}
	return count >= 6 ? ERR_SYNTAX : 0;
}

struct word {
	struct slice charset, text;
	char encoding;
	size_t len; /* of the whole word */
};

/* "=?charset?encoding?text?=" at the start of s. */
static bool
parse_word(struct slice s, struct word *ret_word)
{
	struct slice rest = slice_skip(s, 2), encoding, language, charset;

	if (!slice_starts(s, SLICE("=?")) ||
	    !slice_split(&rest, '?', &charset) ||
	    !slice_split(&rest, '?', &encoding) || rest.at == NULL)
		return false;
	language = charset;
	(void)slice_split(&language, '*', &charset);
	if (charset.len == 0 || charset.len > CHARSET_MAX || encoding.len != 1)
		return false;
	for (size_t i = 0; i < charset.len; i++) {
		char c = charset.at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z') || memchr("-_.:+", c, 5)))
			return false;
	}
	/* No "?" may stand in the text: one look is enough. */
	const char *end = memchr(rest.at, '?', rest.len);
	if (end == NULL || end + 1 == rest.at + rest.len || end[1] != '=')
		return false;
	*ret_word = (struct word){ .charset = charset,
		.text = { rest.at, (size_t)(end - rest.at) },
		.encoding = (char)(encoding.at[0] | 32),
		.len = (size_t)(end + 2 - s.at) };
	return true;
}

/* Decodes the word onto the run; false: it stays as it is. */
static bool
take_word(struct decoding *d, const struct word *w)
{
	char charset[CHARSET_MAX + 1];
	size_t before = d->run.len;
	bool same;

	memcpy(charset, w->charset.at, w->charset.len);
	charset[w->charset.len] = '\0';
	same = before > 0 && strcasecmp(charset, d->charset) == 0;
	if (!same && !charset_known(charset))
		return false;
	if (!same && !put_run(d))
		return true; /* full: nothing more is written anyway */
	before = d->run.len;
	int rc = w->encoding == 'q'   ? decode_q(w->text, &d->run)
		 : w->encoding == 'b' ? decode_b(w->text, &d->run)
				      : ERR_SYNTAX;
	if (rc < 0) {
		d->run.len = before;
		d->run.rc = 0;
		return false;
	}
	memcpy(d->charset, charset, sizeof(charset));
	return true;
}

static size_t
blanks_at(struct slice s)
{
	size_t n = 0;

	while (n < s.len && memchr(" \t\r\n", s.at[n], 4) != NULL)
		n++;
	return n;
}

/* One step: a word, blanks, or text up to what may be the next word. */
static bool
step(struct decoding *d, struct slice *rest)
{
	struct word w;
	size_t n = blanks_at(*rest);
	struct slice behind = slice_skip(*rest, n);

	if ((n == 0 || d->run.len > 0) && parse_word(behind, &w) &&
	    take_word(d, &w)) {
		/* RFC 2047, 6.2: blanks between two words are not shown. */
		*rest = slice_skip(behind, w.len);
		return d->rc == 0;
	}
	if (!put_run(d))
		return false;
	if (n == 0) {
		/* At least one octet, or it would be tried again. */
		const char *p = memmem(rest->at + 1, rest->len - 1, "=?", 2);
		size_t blank = 1;

		n = p != NULL ? (size_t)(p - rest->at) : rest->len;
		while (blank < n && rest->at[blank] != ' ' &&
		       rest->at[blank] != '\t' && rest->at[blank] != '\r' &&
		       rest->at[blank] != '\n')
			blank++;
		n = blank;
	}
	if (!put_text(d, (struct slice){ rest->at, n }))
		return false;
	*rest = slice_skip(*rest, n);
	return true;
}

int
encoded_word_decode(struct slice value, struct buf *out)
{
	struct decoding d = { .out = out, .start = out->len };

	if (value.len == 0)
		return 0;
	buf_init(&d.run, RUN_MAX);
	while (value.len > 0 && step(&d, &value))
		;
	if (d.rc == 0)
		(void)put_run(&d);
	buf_done(&d.run);
	return d.rc;
}
