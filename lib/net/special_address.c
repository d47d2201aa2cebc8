/* SPDX-License-Identifier: BSD-2-Clause */
/* Which addresses do not lie in the public Internet: RFC 6890. */
#include "net/special_address.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
	uint32_t net;
	unsigned bits;
} special_ipv4[] = {
	{ 0x00000000, 8 },  /* "this network", RFC 791 */
	{ 0x0a000000, 8 },  /* private, RFC 1918 */
	{ 0x64400000, 10 }, /* shared by carriers, RFC 6598 */
	{ 0x7f000000, 8 },  /* loopback */
	{ 0xa9fe0000, 16 }, /* link-local, and the clouds' metadata */
	{ 0xac100000, 12 }, /* private */
	{ 0xc0000000, 24 }, /* protocol assignments, RFC 6890 */
	{ 0xc0000200, 24 }, /* documentation */
	{ 0xc0586300, 24 }, /* 6to4 relays, RFC 7526 */
	{ 0xc0a80000, 16 }, /* private */
	{ 0xc6120000, 15 }, /* benchmarks, RFC 2544 */
	{ 0xc6336400, 24 }, /* documentation */
	{ 0xcb007100, 24 }, /* documentation */
	{ 0xe0000000, 4 },  /* multicast */
	{ 0xf0000000, 4 },  /* reserved, broadcast */
};

static const struct {
	uint8_t net[16];
	unsigned bits;
} special_ipv6[] = {
	{ { 0x20, 0x01 }, 23 },             /* assignments: Teredo, ORCHID */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 16 },             /* 6to4: an IPv4 address inside */
	{ { 0x3f, 0xff }, 20 },             /* documentation, RFC 9637 */
};

static bool
ipv4_is_special(uint32_t a)
{
	for (size_t i = 0; i < sizeof(special_ipv4) / sizeof(*special_ipv4);
	     i++) {
		uint32_t mask = ~(uint32_t)0 << (32 - special_ipv4[i].bits);

		if ((a & mask) == special_ipv4[i].net)
			return true;
	}
	return false;
}

static uint32_t
ipv4_inside(const uint8_t *last4)
{
	return (uint32_t)last4[0] << 24 | (uint32_t)last4[1] << 16 |
	       (uint32_t)last4[2] << 8 | last4[3];
}

static bool
bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned octets = bits / 8, rest = bits % 8;

	if (memcmp(a, b, octets) != 0)
		return false;
	return rest == 0 || (a[octets] ^ b[octets]) >> (8 - rest) == 0;
}

static bool
ipv6_is_special(const uint8_t a[16])
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[16] = { 0x00, 0x64, 0xff, 0x9b };

	/* RFC 4291, 2.5.5.2 and RFC 6052, 2.1: an IPv4 address in disguise */
	if (bits_equal(a, mapped, 96) || bits_equal(a, nat64, 96))
		return ipv4_is_special(ipv4_inside(a + 12));
	/* RFC 4291, 2.4: all global unicast given out so far is 2000::/3 */
	if ((a[0] & 0xe0) != 0x20)
		return true;
	for (size_t i = 0; i < sizeof(special_ipv6) / sizeof(*special_ipv6);
	     i++) {
		if (bits_equal(a, special_ipv6[i].net, special_ipv6[i].bits))
			return true;
	}
	return false;
}

bool
address_is_special(const struct sockaddr *address, size_t len)
{
	if (address->sa_family == AF_INET &&
	    len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		return ipv4_is_special(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6 &&
	    len >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		return ipv6_is_special(in6.sin6_addr.s6_addr);
	}
	return true;
}
