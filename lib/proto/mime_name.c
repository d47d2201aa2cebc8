/* SPDX-License-Identifier: BSD-2-Clause */
/* Parameters of MIME fields as text.  RFC 2231; RFC 2047 where it is not. */
#include "proto/mime_name.h"

#include "proto/charset.h"
#include "proto/encoded_word.h"
#include "proto/mime.h"
#include "util/err.h"
#include "util/number.h"
#include "util/utf8.h"

#define SECTIONS_MAX 100
#define NAME_OCTETS_MAX 4096 /* of a parameter, before it is decoded */

/* name, name*, name*0, name*1*, ... */
struct section {
	struct slice value; /* with its quotes; absent: none */
	bool coded;         /* percent signs */
};
struct sections {
	struct section at[SECTIONS_MAX];
	struct section whole; /* name* */
	struct section plain; /* name */
};

/* "*", "*12", "*12*" behind the name. */
static void
take_section(struct sections *s, struct slice tail, struct slice value)
{
	struct section section = { value, false };
	uint64_t n;

	tail = slice_skip(tail, 1);
	if (tail.len == 0) {
		section.coded = true;
		if (s->whole.value.at == NULL)
			s->whole = section;
		return;
	}
	if (tail.at[tail.len - 1] == '*') {
		section.coded = true;
		tail.len--;
	}
	if (number_parse(tail, 0, SECTIONS_MAX - 1, &n) == 0 &&
	    s->at[n].value.at == NULL)
		s->at[n] = section;
}

static void
collect(struct slice field, struct slice want, struct sections *s)
{
	struct slice name, value, tail, type;

	(void)slice_split(&field, ';', &type);
	while (mime_parameter_next(&field, &name, &value)) {
		if (name.len < want.len || !slice_starts_nocase(name, want))
			continue;
		tail = slice_skip(name, want.len);
		if (tail.len > 0 && tail.at[0] == '*')
			take_section(s, tail, value);
		else if (tail.len == 0 && s->plain.value.at == NULL)
			s->plain = (struct section){ value, false };
	}
}

/* ---- octets ---- */

/* The quotes off, and RFC 5322's quoted pairs; a backslash that is not before
 * a quote or another one is part of a name as Windows has it. */
static int
add_unquoted(struct slice v, struct buf *out)
{
	int rc = 0;

	if (v.len == 0 || v.at[0] != '"')
		return buf_add_slice(out, v);
	v = slice_skip(v, 1);
	if (v.len > 0 && v.at[v.len - 1] == '"')
		v.len--;
	for (size_t i = 0; i < v.len && rc == 0; i++) {
		if (v.at[i] == '\\' && i + 1 < v.len &&
		    (v.at[i + 1] == '"' || v.at[i + 1] == '\\'))
			i++;
		if (v.at[i] != '\r' && v.at[i] != '\n')
			rc = buf_add_char(out, v.at[i]);
	}
	return rc;
}

static int
add_decoded(struct slice v, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0; i < v.len && rc == 0; i++) {
		if (v.at[i] == '%' && i + 2 < v.len &&
		    mime_hex_digit(v.at[i + 1]) >= 0 &&
		    mime_hex_digit(v.at[i + 2]) >= 0) {
			rc = buf_add_char(out,
			    (char)(mime_hex_digit(v.at[i + 1]) * 16 +
				   mime_hex_digit(v.at[i + 2])));
			i += 2;
		} else {
			rc = buf_add_char(out, v.at[i]);
		}
	}
	return rc;
}

/* One section; some quote what they have percent signs in. */
static int
add_section(const struct section *s, struct buf *out)
{
	struct buf bare;
	int rc;

	if (!s->coded)
		return add_unquoted(s->value, out);
	buf_init(&bare, NAME_OCTETS_MAX);
	rc = add_unquoted(s->value, &bare);
	if (rc == 0)
		rc = add_decoded(buf_slice(&bare), out);
	buf_done(&bare);
	return rc;
}

/* ---- text ---- */

static int
put_safe(struct slice octets, struct buf *out)
{
	int rc = 0;

	while (octets.len > 0 && rc == 0) {
		uint32_t c;
		size_t n = utf8_next(octets, &c);

		rc = n > 0 ? buf_add(out, octets.at, n)
			   : buf_add_text(out, "\xef\xbf\xbd");
		octets = slice_skip(octets, n > 0 ? n : 1);
	}
	return rc;
}

static int
put_charset(struct slice octets, struct slice charset, struct buf *out)
{
	int rc = charset_to_utf8(octets, charset, out);

	return rc == ERR_NOTFOUND ? put_safe(octets, out) : rc;
}

/* Raw octets: what old Japanese mailers write has no label. */
static int
put_raw(struct slice octets, struct buf *out)
{
	struct buf guess;
	int rc;

	if (memchr(octets.at, '\x1b', octets.len) != NULL)
		return put_charset(octets, SLICE("iso-2022-jp"), out);
	if (utf8_ok(octets))
		return slice_find(octets, SLICE("=?")) != NULL
			   ? encoded_word_decode(octets, out)
			   : buf_add_slice(out, octets);
	buf_init(&guess, out->max);
	rc = charset_to_utf8(octets, SLICE("shift_jis"), &guess);
	if (rc == 0 &&
	    slice_find(buf_slice(&guess), SLICE("\xef\xbf\xbd")) == NULL)
		rc = buf_add_slice(out, buf_slice(&guess));
	else
		rc = put_safe(octets, out);
	buf_done(&guess);
	return rc;
}

/* Takes CHARSET'LANGUAGE' off the head; absent: there is none. */
static struct slice
take_charset(struct slice *octets)
{
	struct slice rest = *octets, charset, language;

	if (!slice_split(&rest, '\'', &charset) || rest.at == NULL ||
	    !slice_split(&rest, '\'', &language) || rest.at == NULL)
		return (struct slice){ NULL, 0 };
	*octets = rest;
	return charset;
}

static int
put_text(struct slice octets, bool coded, struct buf *out)
{
	struct slice charset = { NULL, 0 };

	if (coded)
		charset = take_charset(&octets);
	if (octets.len == 0)
		return 0;
	return charset.len > 0 ? put_charset(octets, charset, out)
			       : put_raw(octets, out);
}

static int
put_sections(const struct sections *s, struct buf *out)
{
	struct buf octets;
	int rc = 0;

	buf_init(&octets, NAME_OCTETS_MAX);
	for (size_t i = 0;
	     rc == 0 && i < SECTIONS_MAX && s->at[i].value.at != NULL; i++)
		rc = add_section(&s->at[i], &octets);
	if (rc == 0)
		rc = put_text(buf_slice(&octets), s->at[0].coded, out);
	buf_done(&octets);
	return rc;
}

static int
put_one(const struct section *s, struct buf *out)
{
	struct buf octets;
	int rc;

	buf_init(&octets, NAME_OCTETS_MAX);
	rc = add_section(s, &octets);
	if (rc == 0)
		rc = put_text(buf_slice(&octets), s->coded, out);
	buf_done(&octets);
	return rc;
}

int
mime_parameter_text(struct slice field, const char *name, struct buf *out)
{
	struct sections s = { .whole = { { NULL, 0 }, false } };
	size_t before = out->len;
	int rc;

	collect(field, slice_of(name), &s);
	if (s.whole.value.at != NULL)
		rc = put_one(&s.whole, out);
	else if (s.at[0].value.at != NULL)
		rc = put_sections(&s, out);
	else if (s.plain.value.at != NULL)
		rc = put_one(&s.plain, out);
	else
		rc = ERR_NOTFOUND;
	if (rc < 0)
		out->len = before;
	return rc;
}

int
mime_file_name(struct slice text, struct buf *out)
{
	for (size_t i = text.len; i > 0; i--)
		if (text.at[i - 1] == '/' || text.at[i - 1] == '\\') {
			text = slice_skip(text, i);
			break;
		}
	text = slice_trim(text);
	if (slice_eq(text, SLICE(".")) || slice_eq(text, SLICE("..")))
		text.len = 0;
	utf8_safe(text, out);
	return out->rc;
}
