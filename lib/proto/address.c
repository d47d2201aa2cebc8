/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail addresses (RFC 5321 4.1.2, RFC 6531) in one canonical form. */
#include "proto/address.h"

#include "util/err.h"

#define DOMAIN_MAX 253 /* RFC 1035, 2.3.4, in text form */
#define LABEL_MAX 63

static bool
is_utf8_octet(char c)
{
	return (unsigned char)c >= 0x80;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_letter_or_digit(char c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 5322, 3.2.3, with the dot and RFC 6531's octets. */
static bool
is_atext_or_dot(char c)
{
	return is_letter_or_digit(c) || is_utf8_octet(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/* How many octets the UTF-8 sequence at s has (RFC 3629, 4); 0: none. */
static size_t
utf8_sequence(struct slice s)
{
	unsigned char a = (unsigned char)s.at[0];
	size_t n = a < 0x80   ? 1
		   : a < 0xc2 ? 0
		   : a < 0xe0 ? 2
		   : a < 0xf0 ? 3
			      : 4;

	if (a > 0xf4 || n == 0 || n > s.len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.at[i] & 0xc0) != 0x80)
			return 0;
	unsigned char b = n > 1 ? (unsigned char)s.at[1] : 0;
	if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) ||
	    (a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f))
		return 0;
	return n;
}

/* No control octets, and UTF-8 where it is not ASCII. */
static bool
is_text(struct slice s)
{
	while (s.len > 0) {
		size_t n = utf8_sequence(s);

		if (n == 0 || (unsigned char)s.at[0] < ' ' || s.at[0] == '\177')
			return false;
		s = slice_skip(s, n);
	}
	return true;
}

enum charset { CHARSET_ASCII, CHARSET_UTF8 };

static bool
domain_ok(struct slice domain, enum charset charset)
{
	size_t label = 0;

	if (domain.len == 0 || domain.len > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < domain.len; i++) {
		char c = domain.at[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!is_letter_or_digit(c) && c != '-' && c != '_' &&
		    !(charset == CHARSET_UTF8 && is_utf8_octet(c)))
			return false;
		if (++label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

bool
address_domain_ok(struct slice domain)
{
	return domain_ok(domain, CHARSET_ASCII);
}

/*
 * RFC 5321, 4.1.3: "[1.2.3.4]", "[IPv6:::1]", "[tag:dcontent]".  Its dcontent
 * may hold "@"; no literal in use does, and refusing it keeps the last "@" of
 * every address the one before its domain.
 */
static bool
literal_ok(struct slice s)
{
	if (s.len < 3 || s.len > DOMAIN_MAX || s.at[0] != '[' ||
	    s.at[s.len - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' ||
		    memchr("[\\]@", s.at[i], 4) != NULL)
			return false;
	return true;
}

/*
 * The length of a quoted string at the start of s, both quotes included; 0 if
 * none is there, or if something else than "@" follows it.
 */
static size_t
quoted_length(struct slice s)
{
	if (s.len < 2 || s.at[0] != '"')
		return 0;
	for (size_t i = 1; i < s.len; i++) {
		if (s.at[i] == '\\')
			i++;
		else if (s.at[i] == '"')
			return i + 1 == s.len || s.at[i + 1] == '@' ? i + 1 : 0;
	}
	return 0;
}

/* The octets of an address before its last "@" that is not in quotes. */
static size_t
local_length(struct slice address)
{
	size_t n = quoted_length(address);

	if (n > 0 || address.len == 0)
		return n;
	const char *at = memrchr(address.at, '@', address.len);

	return at != NULL ? (size_t)(at - address.at) : address.len;
}

enum form { FORM_CANONICAL, FORM_MAILBOX };
struct output {
	char *at;
	size_t len;
	enum form form;
};

static int
put(struct output *out, char c)
{
	if (out->len == ADDRESS_MAX)
		return ERR_LIMIT;
	out->at[out->len++] = out->form == FORM_CANONICAL ? lower(c) : c;
	return 0;
}

/* RFC 5321, 4.1.2: "Dot-string = Atom *("."  Atom)"; of atext and dots. */
static bool
is_dot_string(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '.' &&
		    (i == 0 || i + 1 == s.len || s.at[i + 1] == '.'))
			return false;
	return true;
}

enum quoting { QUOTING_IN, QUOTING_NONE };

/* The local part, in quotes where it needs them (RFC 5321, 4.1.2). */
static int
put_local(struct output *out, struct slice local, enum quoting in)
{
	bool plain = local.len > 0;
	int rc = 0;

	for (size_t i = 0; i < local.len; i++)
		if (!is_atext_or_dot(local.at[i]) &&
		    !(in == QUOTING_IN && local.at[i] == '\\' &&
			i + 1 < local.len && is_atext_or_dot(local.at[i + 1])))
			plain = false;
	if (out->form == FORM_MAILBOX && !is_dot_string(local))
		plain = false;
	if (!plain)
		rc = put(out, '"');
	for (size_t i = 0; i < local.len && rc == 0; i++) {
		char c = local.at[i];

		if (in == QUOTING_IN && c == '\\' && i + 1 < local.len)
			c = local.at[++i];
		if (c == '"' || c == '\\')
			rc = put(out, '\\');
		if (rc == 0)
			rc = put(out, c);
	}
	return rc == 0 && !plain ? put(out, '"') : rc;
}

/* Angle brackets and a source route (RFC 5321, 4.1.2, A-d-l) taken off. */
static int
strip(struct slice *s)
{
	*s = slice_trim(*s);
	if (s->len > 0 && s->at[0] == '<') {
		if (s->len < 2 || s->at[s->len - 1] != '>')
			return ERR_SYNTAX;
		*s = (struct slice){ s->at + 1, s->len - 2 };
	}
	if (s->len > 0 && s->at[0] == '@') {
		const char *colon = memchr(s->at, ':', s->len);

		if (colon == NULL)
			return ERR_SYNTAX;
		*s = slice_skip(*s, (size_t)(colon - s->at) + 1);
		if (s->len == 0)
			return ERR_SYNTAX;
	}
	return 0;
}

/* Behind the local part: nothing, or "@" and a domain. */
static int
put_domain(struct output *out, struct slice domain)
{
	int rc;

	if (domain.len > 1 && domain.at[domain.len - 1] == '.')
		domain.len--;
	if (!domain_ok(domain, CHARSET_UTF8) && !literal_ok(domain))
		return ERR_SYNTAX;
	if ((rc = put(out, '@')) < 0)
		return rc;
	for (size_t i = 0; i < domain.len; i++)
		if ((rc = put(out, domain.at[i])) < 0)
			return rc;
	return 0;
}

static int
print(struct slice in, enum form form, char room[ADDRESS_MAX],
    struct slice *ret_address)
{
	struct output out = { room, 0, form };
	enum quoting quoting = QUOTING_IN;
	struct slice local, domain = { NULL, 0 };
	size_t n;
	int rc;

	if (in.len > ADDRESS_MAX + 2)
		return ERR_LIMIT;
	if ((rc = strip(&in)) < 0)
		return rc;
	if (!is_text(in))
		return ERR_SYNTAX;
	if (in.len > 0) {
		if ((n = quoted_length(in)) > 0) {
			local = (struct slice){ in.at + 1, n - 2 };
		} else {
			quoting = QUOTING_NONE;
			n = local_length(in);
			if (n == 0)
				return ERR_SYNTAX;
			local = (struct slice){ in.at, n };
		}
		if (n < in.len)
			domain = slice_skip(in, n + 1);
		if ((rc = put_local(&out, local, quoting)) < 0)
			return rc;
		if (n < in.len && (rc = put_domain(&out, domain)) < 0)
			return rc;
	}
	*ret_address = (struct slice){ room, out.len };
	return 0;
}

int
address_canonical(struct slice in, char room[ADDRESS_MAX],
    struct slice *ret_address)
{
	return print(in, FORM_CANONICAL, room, ret_address);
}

int
address_mailbox(struct slice in, char room[ADDRESS_MAX],
    struct slice *ret_address)
{
	return print(in, FORM_MAILBOX, room, ret_address);
}

struct slice
address_domain(struct slice address)
{
	struct slice rest = slice_skip(address, local_length(address));

	return rest.len > 0 ? slice_skip(rest, 1) : SLICE("");
}

struct slice
address_local(struct slice address)
{
	return (struct slice){ address.at, local_length(address) };
}
