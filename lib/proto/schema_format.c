/* SPDX-License-Identifier: BSD-2-Clause */
/* Formats of strings in a schema: networks, periods, domains, URLs. */
#include "proto/schema_format.h"

#include <arpa/inet.h>

#include "proto/address.h"
#include "proto/rfc3339.h"
#include "proto/schema.h"
#include "util/err.h"
#include "util/number.h"

#define PERIOD_MAX_MS (3653LL * 24 * 3600 * 1000)

int
schema_period_parse(struct slice text, long long *ret_ms)
{
	static const struct {
		struct slice unit;
		long long ms;
	} units[] = {
		{ { "ms", 2 }, 1 },
		{ { "s", 1 }, 1000 },
		{ { "m", 1 }, 60 * 1000 },
		{ { "h", 1 }, 3600 * 1000 },
		{ { "d", 1 }, 24 * 3600 * 1000 },
	};
	struct slice digits = text;
	uint64_t n;

	digits.len = 0;
	while (digits.len < text.len && text.at[digits.len] >= '0' &&
	       text.at[digits.len] <= '9')
		digits.len++;
	if (number_parse(digits, 0, 999999999, &n) < 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!slice_eq(slice_skip(text, digits.len), units[i].unit))
			continue;
		if ((long long)n > PERIOD_MAX_MS / units[i].ms)
			return ERR_LIMIT;
		*ret_ms = (long long)n * units[i].ms;
		return 0;
	}
	return ERR_SYNTAX;
}

static bool
host_bits_clear(const struct schema_network *n)
{
	unsigned size = n->ipv6 ? 128 : 32;

	for (unsigned bit = n->bits; bit < size; bit++)
		if ((n->octets[bit / 8] & (0x80U >> bit % 8)) != 0)
			return false;
	return true;
}

int
schema_network_parse(struct slice text, struct schema_network *ret_network)
{
	struct schema_network n = { .ipv6 = false };
	struct slice rest = text, address;
	char room[INET6_ADDRSTRLEN];
	uint64_t bits;

	if (!slice_split(&rest, '/', &address) || address.len >= sizeof(room))
		return ERR_SYNTAX;
	memcpy(room, address.at, address.len);
	room[address.len] = '\0';
	if (memchr(room, 0, address.len) != NULL)
		return ERR_SYNTAX;
	n.ipv6 = memchr(room, ':', address.len) != NULL;
	if (inet_pton(n.ipv6 ? AF_INET6 : AF_INET, room, n.octets) != 1)
		return ERR_SYNTAX;
	n.bits = n.ipv6 ? 128 : 32;
	if (rest.at != NULL) {
		if (number_parse(rest, 0, n.bits, &bits) < 0)
			return ERR_SYNTAX;
		n.bits = (unsigned)bits;
	}
	if (!host_bits_clear(&n))
		return ERR_SYNTAX;
	*ret_network = n;
	return 0;
}

void
schema_network_unmap(struct schema_network *n)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (!n->ipv6 || n->bits < 96 ||
	    memcmp(n->octets, mapped, sizeof(mapped)) != 0)
		return;
	memmove(n->octets, n->octets + 12, 4);
	n->bits -= 96;
	n->ipv6 = false;
}

int
schema_client_parse(struct slice text, struct schema_network *ret_address)
{
	struct schema_network n;
	int rc = schema_network_parse(text, &n);

	if (rc < 0)
		return rc;
	if (n.bits != (n.ipv6 ? 128U : 32U))
		return ERR_SYNTAX;
	schema_network_unmap(&n);
	*ret_address = n;
	return 0;
}

bool
schema_network_holds(const struct schema_network *n,
    const struct schema_network *a)
{
	unsigned octets = n->bits / 8, rest = n->bits % 8;

	if (n->ipv6 != a->ipv6 || memcmp(n->octets, a->octets, octets) != 0)
		return false;
	return rest == 0 ||
	       ((n->octets[octets] ^ a->octets[octets]) >> (8 - rest)) == 0;
}

static const char *
check_cidr(struct slice value)
{
	struct schema_network n;

	return schema_network_parse(value, &n) < 0
		   ? "is no address or network (ADDRESS/BITS, host bits 0)"
		   : NULL;
}

static const char *
check_domain(struct slice value)
{
	return address_domain_ok(value) ? NULL : "is no domain name";
}

static const char *
check_period(struct slice value)
{
	long long ms;

	return schema_period_parse(value, &ms) < 0
		   ? "is no length of time, such as \"1h\" or \"90s\" (at most "
		     "3653d)"
		   : NULL;
}

/* The pattern has checked the form; what is left is the port. */
static const char *
check_http_url(struct slice value)
{
	static const char why[] = "is no http or https URL";
	struct slice rest = value, host;
	const char *colon;
	uint64_t port;

	if (slice_starts(rest, SLICE("https://")))
		rest = slice_skip(rest, 8);
	else if (slice_starts(rest, SLICE("http://")))
		rest = slice_skip(rest, 7);
	else
		return why;
	host = rest;
	host.len = 0;
	while (host.len < rest.len && rest.at[host.len] != '/' &&
	       rest.at[host.len] != '?')
		host.len++;
	if (host.len == 0)
		return why;
	colon = memrchr(host.at, ':', host.len);
	if (colon == NULL ||
	    memchr(colon, ']', host.len - (size_t)(colon - host.at)) != NULL)
		return NULL;
	rest = slice_skip(host, (size_t)(colon - host.at) + 1);
	return number_parse(rest, 1, 65535, &port) < 0
		   ? "has a port that is not in 1..65535"
		   : NULL;
}

static const char *
check_date_time(struct slice value)
{
	int64_t us;

	return rfc3339_parse(value, &us) < 0
		   ? "is no point in time, such as 2026-01-31T12:00:00Z"
		   : NULL;
}

static const struct {
	const char *name;
	const char *(*check)(struct slice value);
} formats[] = {
	{ "cidr", check_cidr },
	{ "date-time", check_date_time },
	{ "domain", check_domain },
	{ "http-url", check_http_url },
	{ "period", check_period },
};

bool
schema_format_known(struct slice format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (slice_eq(format, slice_of(formats[i].name)))
			return true;
	return false;
}

const char *
schema_format_check(struct slice format, struct slice value)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (slice_eq(format, slice_of(formats[i].name)))
			return formats[i].check(value);
	return NULL;
}
