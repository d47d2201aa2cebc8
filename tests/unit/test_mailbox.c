/* SPDX-License-Identifier: BSD-2-Clause */
/* Mailboxes of header fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/mailbox.h"

static const struct {
	const char *value, *addresses; /* each with a blank behind it */
} cases[] = {
	{ "", "" },
	{ " ", "" },
	{ " Shop@Example.COM", "shop@example.com " },
	{ " Shop <shop@example.com>", "shop@example.com " },
	{ " \"Shop, <a@b> (Inc.)\" <shop@example.com>\r\n",
	    "shop@example.com " },
	{ " shop@example.com (Shop <a@b.example>)", "shop@example.com " },
	{ " (a (nested\\)) one) shop@example.com", "shop@example.com " },
	{ " Shop\r\n <shop\r\n @example.com>", "shop@example.com " },
	{ "a@example.com, B <b@example.net>,,c@example.org",
	    "a@example.com b@example.net c@example.org " },
	{ "staff: a@example.com, b@example.com;",
	    "a@example.com b@example.com " },
	{ "undisclosed-recipients:;", "" },
	{ "Re: hi <a@example.com>", "a@example.com " },
	{ "\"a b\"@example.com", "\"a b\"@example.com " },
	{ "=?utf-8?Q?a,b?= <a@example.com>", "? a@example.com " },
	{ "<@relay.example:a@example.com>", "a@example.com " },
	{ "nobody", "? " },
	{ "<a@example.com", "? " },
	{ "<>", "? " },
	{ "a@b@c <x y>", "? " },
	{ "\"open <a@example.com>", "? " },
};

static void
test_mailboxes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].value);
		char *exact = malloc(len + !len), room[ADDRESS_MAX];
		struct slice rest = { exact, len }, address;
		char seen[300] = "";

		assert_non_null(exact);
		memcpy(exact, cases[i].value, len);
		while (mailbox_next(&rest, room, &address)) {
			size_t n = strlen(seen);

			if (address.len == 0)
				address = SLICE("?");
			memcpy(seen + n, address.at, address.len);
			memcpy(seen + n + address.len, " ", 2);
		}
		print_message("# %s\n", cases[i].value);
		assert_string_equal(seen, cases[i].addresses);
		free(exact);
	}
}

static void
test_long(void **state)
{
	static char value[4000];
	char room[ADDRESS_MAX];
	struct slice rest = { value, 0 }, address;

	(void)state;
	memset(value, 'n', sizeof(value));
	memcpy(value + 3000, " <a@example.com>", 16);
	rest.len = 3016;
	assert_true(mailbox_next(&rest, room, &address));
	assert_true(slice_eq(address, SLICE("a@example.com")));
	memcpy(value, "b@example.com", 13);
	rest = (struct slice){ value, 2000 };
	assert_true(mailbox_next(&rest, room, &address));
	assert_int_equal(address.len, 0);
	assert_false(mailbox_next(&rest, room, &address));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
