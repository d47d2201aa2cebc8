/* SPDX-License-Identifier: BSD-2-Clause */
/* DNS records of DKIM keys, read, written and compared.  RFC 6376, 3.6.1. */
#include "proto/dkim_record.h"

#include "util/err.h"

#define RECORD_MAX 8192 /* RSA with 4096 bits takes 740 octets */
#define TAGS_MAX 32

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 6376, 3.2: tag-name = ALPHA *ALNUMPUNC */
static bool
tag_name_ok(struct slice name)
{
	bool ok = name.len > 0 && is_alpha(name.at[0]);

	for (size_t i = 1; i < name.len && ok; i++)
		ok = is_alpha(name.at[i]) || is_digit(name.at[i]) ||
		     name.at[i] == '_';
	return ok;
}

/* Whether a list with colons between has the word. */
static bool
list_has(struct slice list, const char *word)
{
	struct slice item;

	while (slice_split(&list, ':', &item))
		if (slice_eq_nocase(slice_trim(item), slice_of(word)))
			return true;
	return false;
}

/* RFC 6376, 2.10: base64string may be folded, and ends with its padding. */
static int
read_key(struct slice value, struct buf *room, struct slice *ret_key)
{
	size_t padding = 0;

	buf_clear(room);
	for (size_t i = 0; i < value.len; i++) {
		char c = value.at[i];

		if (memchr(" \t\r\n", c, 4) != NULL)
			continue;
		if (c == '=' && ++padding > 2)
			return ERR_SYNTAX;
		if (c != '=' && (padding > 0 || !(is_alpha(c) || is_digit(c) ||
						    c == '+' || c == '/')))
			return ERR_SYNTAX;
		(void)buf_add_char(room, c);
	}
	*ret_key = buf_slice(room);
	return room->rc;
}

static int
take_tag(struct slice name, struct slice value, bool first, struct buf *room,
    struct dkim_record *r)
{
	char tag = name.len == 1 ? name.at[0] : '\0';

	switch (tag) {
	case 'v':
		return first && slice_eq(value, SLICE("DKIM1")) ? 0
								: ERR_SYNTAX;
	case 'k':
		if (slice_eq_nocase(value, SLICE("ed25519")))
			r->type = DKIM_RECORD_ED25519;
		else if (!slice_eq_nocase(value, SLICE("rsa")))
			r->type = DKIM_RECORD_OTHER;
		return 0;
	case 'h':
		r->sha256 = list_has(value, "sha256");
		return 0;
	case 's':
		r->email = list_has(value, "email") || list_has(value, "*");
		return 0;
	case 't':
		r->testing = list_has(value, "y");
		r->strict = list_has(value, "s");
		return 0;
	case 'p':
		return read_key(value, room, &r->key);
	default:
		return 0; /* RFC 6376, 3.2: unknown tags are ignored */
	}
}

int
dkim_record_parse(struct slice text, struct buf *room,
    struct dkim_record *ret_record)
{
	struct dkim_record r = { .sha256 = true, .email = true };
	struct slice seen[TAGS_MAX], rest = text, part;
	size_t count = 0;
	int rc;

	if (text.len > RECORD_MAX)
		return ERR_LIMIT;
	while (slice_split(&rest, ';', &part)) {
		struct slice name, value = part;

		if (slice_trim(part).len == 0 && rest.at == NULL && count > 0)
			break; /* behind the last semicolon */
		if (!slice_split(&value, '=', &name) || value.at == NULL ||
		    count == TAGS_MAX)
			return ERR_SYNTAX;
		name = slice_trim(name);
		if (!tag_name_ok(name))
			return ERR_SYNTAX;
		for (size_t i = 0; i < count; i++)
			if (slice_eq(seen[i], name))
				return ERR_SYNTAX;
		rc = take_tag(name, slice_trim(value), count == 0, room, &r);
		if (rc < 0)
			return rc;
		seen[count++] = name;
	}
	if (r.key.at == NULL)
		return ERR_SYNTAX;
	*ret_record = r;
	return 0;
}

static struct slice
without_padding(struct slice s)
{
	while (s.len > 0 && s.at[s.len - 1] == '=')
		s.len--;
	return s;
}

static enum dkim_match
compare(const struct dkim_record *r, const struct sign_key *key,
    struct slice public, bool subdomains)
{
	bool rsa = sign_key_algorithm(key) == SIGN_RSA_SHA256;

	if (r->key.len == 0)
		return DKIM_MATCH_REVOKED;
	if (!slice_eq(without_padding(r->key), without_padding(public)))
		return DKIM_MATCH_OTHER;
	if (!r->sha256 || !r->email ||
	    (rsa ? r->type != DKIM_RECORD_RSA : r->type != DKIM_RECORD_ED25519))
		return DKIM_MATCH_UNFIT;
	if (r->strict && subdomains)
		return DKIM_MATCH_STRICT;
	return DKIM_MATCH_OK;
}

int
dkim_record_match(const struct slice *texts, size_t count,
    const struct sign_key *key, bool subdomains)
{
	struct dkim_record record;
	struct buf room, public;
	int rc;

	if (count == 0)
		return DKIM_MATCH_NONE;
	if (count > 1)
		return DKIM_MATCH_SEVERAL;
	buf_init(&room, RECORD_MAX);
	buf_init(&public, RECORD_MAX);
	rc = sign_key_public(key, &public);
	if (rc == 0)
		rc = dkim_record_parse(texts[0], &room, &record);
	if (rc == 0)
		rc = (int)compare(&record, key, buf_slice(&public), subdomains);
	else if (rc == ERR_SYNTAX || rc == ERR_LIMIT)
		rc = DKIM_MATCH_BAD;
	buf_done(&room);
	buf_done(&public);
	return rc;
}

const char *
dkim_match_text(enum dkim_match match)
{
	static const char *const texts[] = {
		[DKIM_MATCH_OK] = "is in the DNS",
		[DKIM_MATCH_NONE] = "is not in the DNS",
		[DKIM_MATCH_BAD] = "holds no DKIM key record",
		[DKIM_MATCH_SEVERAL] = "holds several TXT records",
		[DKIM_MATCH_REVOKED] = "is revoked (p= is empty)",
		[DKIM_MATCH_OTHER] = "holds another key",
		[DKIM_MATCH_UNFIT] = "rules our signatures out by its h=, k= "
				     "or s=",
		[DKIM_MATCH_STRICT] = "rules sub-domains out by t=s",
	};

	return (unsigned)match < DKIM_MATCH_NTYPES ? texts[match] : "";
}

int
dkim_record_print(const struct sign_key *key, struct buf *out)
{
	(void)buf_add_text(out, sign_key_algorithm(key) == SIGN_RSA_SHA256
				    ? "v=DKIM1; k=rsa; p="
				    : "v=DKIM1; k=ed25519; p=");
	return sign_key_public(key, out);
}
