/* SPDX-License-Identifier: BSD-2-Clause */
/* Which addresses a webhook must not reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "net/special_address.h"

static const struct {
	const char *text;
	bool special;
} cases[] = {
	{ "127.0.0.1", true },
	{ "127.255.255.255", true },
	{ "0.0.0.0", true },
	{ "10.1.2.3", true },
	{ "11.0.0.0", false },
	{ "9.255.255.255", false },
	{ "100.64.0.1", true },
	{ "100.127.255.255", true },
	{ "100.128.0.1", false },
	{ "169.254.169.254", true },
	{ "172.15.255.255", false },
	{ "172.16.0.1", true },
	{ "172.31.255.255", true },
	{ "172.32.0.1", false },
	{ "192.168.0.1", true },
	{ "192.0.0.8", true },
	{ "198.18.0.1", true },
	{ "198.19.255.255", true },
	{ "198.20.0.1", false },
	{ "224.0.0.1", true },
	{ "255.255.255.255", true },
	{ "8.8.8.8", false },
	{ "::1", true },
	{ "::", true },
	{ "::ffff:127.0.0.1", true },
	{ "::ffff:8.8.8.8", false },
	{ "::127.0.0.1", true },
	{ "64:ff9b::10.0.0.1", true },
	{ "64:ff9b::8.8.8.8", false },
	{ "64:ff9b:1::8.8.8.8", true },
	{ "fe80::1", true },
	{ "fc00::1", true },
	{ "fd12:3456::1", true },
	{ "ff02::1", true },
	{ "2001::1", true },
	{ "2001:1ff::1", true },
	{ "2001:200::1", false },
	{ "2001:db8::1", true },
	{ "2002:7f00:1::1", true },
	{ "2606:4700::1111", false },
	{ "3fff:1::1", true },
	{ "4000::1", true },
};

static void
test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sockaddr_in in = { .sin_family = AF_INET };
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
		bool got;

		if (inet_pton(AF_INET, cases[i].text, &in.sin_addr) == 1) {
			got = address_is_special((struct sockaddr *)&in,
			    sizeof(in));
		} else {
			assert_int_equal(inet_pton(AF_INET6, cases[i].text,
					     &in6.sin6_addr),
			    1);
			got = address_is_special((struct sockaddr *)&in6,
			    sizeof(in6));
		}
		if (got != cases[i].special)
			fail_msg("%s", cases[i].text);
	}
}

static void
test_other_families_are_special(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };

	(void)state;
	assert_true(address_is_special((struct sockaddr *)&un, sizeof(un)));
	in.sin_addr.s_addr = htonl(0x08080808);
	assert_true(address_is_special((struct sockaddr *)&in, 4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_other_families_are_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
