/* SPDX-License-Identifier: BSD-2-Clause */
/* MX records of a DNS answer, with their time to live.  RFC 1035, 4. */
#include "proto/dns_answer.h"

#include "proto/address.h"
#include "util/err.h"

enum { TYPE_CNAME = 5, TYPE_SOA = 6, TYPE_MX = 15, CLASS_IN = 1 };
/* More pointers than labels that a name may have: a loop. */
#define POINTERS_MAX 128
#define HEAD 12

struct cursor {
	const uint8_t *at;
	size_t len, pos;
	bool bad;
};

static unsigned
take(struct cursor *c, unsigned octets)
{
	unsigned value = 0;

	if (c->bad || c->len - c->pos < octets) {
		c->bad = true;
		return 0;
	}
	while (octets-- > 0)
		value = value << 8 | c->at[c->pos++];
	return value;
}

static void
skip(struct cursor *c, size_t octets)
{
	if (c->bad || c->len - c->pos < octets)
		c->bad = true;
	else
		c->pos += octets;
}

/* What a label adds to a name in text form.  False: it is no host name. */
static bool
add_label(char room[DNS_NAME_MAX + 1], size_t *n, const uint8_t *label,
    size_t len)
{
	if (*n + (*n > 0) + len > DNS_NAME_MAX)
		return false;
	if (*n > 0)
		room[(*n)++] = '.';
	for (size_t i = 0; i < len; i++) {
		char c = (char)label[i];

		if (c == '.')
			return false;
		room[(*n)++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return true;
}

/*
 * RFC 1035, 4.1.4.  room may be NULL.  *ret_usable: whether it is a host name;
 * the root is one, with no octets.
 */
static void
take_name(struct cursor *c, char room[DNS_NAME_MAX + 1], size_t *ret_len,
    bool *ret_usable)
{
	size_t n = 0, pos = c->pos, pointers = 0;
	bool usable = true, followed = false;

	while (!c->bad && pos < c->len && c->at[pos] != 0) {
		size_t label = c->at[pos];

		if (label >= 0xc0 && c->len - pos >= 2) {
			if (!followed)
				c->pos = pos + 2;
			followed = true;
			pos = (label & 0x3f) << 8 | c->at[pos + 1];
			c->bad = ++pointers > POINTERS_MAX;
			continue;
		}
		if (label > 63 || c->len - pos - 1 < label) {
			c->bad = true;
			break;
		}
		if (room != NULL && usable)
			usable = add_label(room, &n, c->at + pos + 1, label);
		pos += label + 1;
	}
	if (pos >= c->len)
		c->bad = true;
	if (!c->bad && !followed)
		c->pos = pos + 1;
	if (c->bad || room == NULL)
		return;
	*ret_len = n;
	*ret_usable =
	    usable && (n == 0 || address_domain_ok((struct slice){ room, n }));
}

static void
skip_name(struct cursor *c)
{
	take_name(c, NULL, NULL, NULL);
}

/* An answer being read. */
struct reading {
	struct dns_mx_answer *answer;
	size_t spare; /* room that no host is in */
	uint32_t positive, negative;
};

/* Whether a stands before b. */
static bool
is_before(const struct dns_mx *a, const struct dns_mx *b)
{
	size_t n = a->host.len < b->host.len ? a->host.len : b->host.len;
	int order;

	if (a->preference != b->preference)
		return a->preference < b->preference;
	order = n > 0 ? memcmp(a->host.at, b->host.at, n) : 0;
	return order != 0 ? order < 0 : a->host.len < b->host.len;
}

static void
remove_at(struct dns_mx_answer *a, size_t i)
{
	a->count--;
	memmove(&a->mx[i], &a->mx[i + 1], (a->count - i) * sizeof(a->mx[0]));
}

/* The room of a host. */
static size_t
room_of(const struct dns_mx_answer *a, struct dns_mx mx)
{
	return (size_t)(mx.host.at - a->room[0]) / sizeof(a->room[0]);
}

/*
 * Into its place; the same host counts once, the last of too many goes.
 * Returns which room no host is in now: there is one more than hosts.
 */
static size_t
insert(struct dns_mx_answer *a, struct dns_mx mx)
{
	size_t spare = DNS_MX_MAX, i = 0;

	while (i < a->count && !slice_eq(a->mx[i].host, mx.host))
		i++;
	if (i == a->count && i == DNS_MX_MAX)
		i--;
	if (i < a->count) {
		if (!is_before(&mx, &a->mx[i]))
			return room_of(a, mx);
		spare = room_of(a, a->mx[i]);
		remove_at(a, i);
	}
	for (i = a->count; i > 0 && is_before(&mx, &a->mx[i - 1]); i--)
		a->mx[i] = a->mx[i - 1];
	a->mx[i] = mx;
	a->count++;
	return spare < DNS_MX_MAX ? spare : a->count;
}

static void
take_mx(struct cursor *c, struct reading *r)
{
	struct dns_mx_answer *a = r->answer;
	struct dns_mx mx = { .preference = take(c, 2) };
	char *room = a->room[r->spare];
	bool usable = false;

	take_name(c, room, &mx.host.len, &usable);
	if (c->bad)
		return;
	mx.host.at = room;
	if (usable)
		r->spare = insert(a, mx);
	else
		a->unusable++;
}

/* RFC 2308, 5: "the minimum of the SOA.MINIMUM field and SOA's TTL". */
static uint32_t
take_negative_ttl(struct cursor *c, uint32_t ttl_s)
{
	uint32_t minimum;

	skip_name(c);
	skip_name(c);
	skip(c, 16);
	minimum = take(c, 4);
	return minimum < ttl_s ? minimum : ttl_s;
}

static void
take_record(struct cursor *c, struct reading *r, bool is_answer)
{
	unsigned type, class, length;
	uint32_t ttl_s;
	size_t end;

	skip_name(c);
	type = take(c, 2);
	class = take(c, 2);
	ttl_s = take(c, 4);
	length = take(c, 2);
	if (c->bad || c->len - c->pos < length) {
		c->bad = true;
		return;
	}
	end = c->pos + length;
	/* RFC 2181, 8: "treat TTL values received with the most significant
	 * bit set as if the entire value received was zero." */
	if (ttl_s > INT32_MAX)
		ttl_s = 0;
	if (class == CLASS_IN && type == TYPE_MX && is_answer)
		take_mx(c, r);
	if (class == CLASS_IN && (type == TYPE_MX || type == TYPE_CNAME) &&
	    is_answer && ttl_s < r->positive)
		r->positive = ttl_s;
	if (class == CLASS_IN && type == TYPE_SOA && !is_answer)
		r->negative = take_negative_ttl(c, ttl_s);
	if (c->pos > end)
		c->bad = true;
	if (!c->bad)
		c->pos = end;
}

/* RFC 7505, 3: who has a null MX has no other; who has one has no null MX. */
static void
drop_null(struct dns_mx_answer *a)
{
	for (size_t i = 0; i < a->count && a->count > 1; i++)
		if (a->mx[i].host.len == 0) {
			remove_at(a, i);
			return;
		}
}

int
dns_mx_answer_parse(const uint8_t *at, size_t len,
    struct dns_mx_answer *ret_answer)
{
	struct cursor c = { .at = at, .len = len };
	struct dns_mx_answer *a = ret_answer;
	struct reading r = { .answer = a, .positive = UINT32_MAX };
	unsigned questions, answers, authorities;

	a->count = a->unusable = 0;
	if (len < HEAD || (at[2] & 0x80) == 0)
		return ERR_SYNTAX;
	a->rcode = at[3] & 0x0fU;
	c.pos = 4;
	questions = take(&c, 2);
	answers = take(&c, 2);
	authorities = take(&c, 2);
	c.pos = HEAD;
	while (questions-- > 0 && !c.bad) {
		skip_name(&c);
		skip(&c, 4);
	}
	for (unsigned n = 0; n < answers + authorities && !c.bad; n++)
		take_record(&c, &r, n < answers);
	if (c.bad)
		return ERR_SYNTAX;
	drop_null(a);
	a->ttl_s = a->count + a->unusable > 0 ? r.positive : r.negative;
	return 0;
}
