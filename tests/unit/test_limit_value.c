/* SPDX-License-Identifier: BSD-2-Clause */
/* What rate limits count by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policyd/limit_value.h"
#include "proto/settings.h"
#include "util/arena.h"
#include "util/err.h"

static const struct {
	const char *name;
	const char *user, *client, *sender, *recipient;
	unsigned keys;
	const char *want; /* NULL: the limit does not apply */
} cases[] = {
	{ "user", "app", "192.0.2.1", "a@b", "c@d", LIMIT_BY_SASL_USER, "app" },
	{ "nobody logged in", "", "192.0.2.1", "a@b", "c@d", LIMIT_BY_SASL_USER,
	    NULL },
	{ "IPv4", "", "192.0.2.1", "a@b", "c@d", LIMIT_BY_CLIENT, "192.0.2.1" },
	{ "IPv6 counts by network", "", "2001:db8:1:2:3:4:5:6", "a@b", "c@d",
	    LIMIT_BY_CLIENT, "2001:db8:1:2::/64" },
	{ "no address at all", "", "unknown", "a@b", "c@d", LIMIT_BY_CLIENT,
	    "unknown" },
	{ "sender", "", "", "a@b", "c@d", LIMIT_BY_SENDER, "a@b" },
	{ "null sender", "", "", "", "c@d", LIMIT_BY_SENDER, "<>" },
	{ "domain of the null sender", "", "", "", "c@d",
	    LIMIT_BY_SENDER_DOMAIN, "<>" },
	{ "sender is no address", "", "", NULL, "c@d", LIMIT_BY_SENDER, NULL },
	{ "sender without a domain", "", "", "root", "c@d",
	    LIMIT_BY_SENDER_DOMAIN, NULL },
	{ "domains", "", "", "a@b", "c@d",
	    LIMIT_BY_SENDER_DOMAIN | LIMIT_BY_RECIPIENT_DOMAIN, "b\td" },
	{ "recipient", "", "", "a@b", "c@d", LIMIT_BY_RECIPIENT, "c@d" },
	{ "no recipient", "", "", "a@b", NULL, LIMIT_BY_RECIPIENT, NULL },
	{ "tenant", "", "", "a@b", "c@d", LIMIT_BY_TENANT, "shop" },
	{ "all", "app", "::1", "a@b", "c@d", 127,
	    "shop\tapp\t::/64\ta@b\tb\tc@d\td" },
	{ "one part is missing", "", "::1", "a@b", "c@d", 127, NULL },
	{ "nothing to count by", "app", "::1", "a@b", "c@d", 0, NULL },
};

static void
test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tenant tenant = { .name = SLICE("shop") };
		struct policy_request attrs = { 0 };
		struct request r = {
			.attrs = &attrs,
			.tenant = &tenant,
			.sender = slice_of(cases[i].sender),
			.recipient = slice_of(cases[i].recipient),
			.arena = arena_new(4096),
		};

		assert_non_null(r.arena);
		attrs.attr[POLICY_SASL_USER] = slice_of(cases[i].user);
		attrs.attr[POLICY_CLIENT] = slice_of(cases[i].client);
		struct slice got = limit_value(&r, cases[i].keys);
		if ((got.at == NULL) != (cases[i].want == NULL) ||
		    (got.at != NULL && !slice_eq(got, slice_of(cases[i].want))))
			fail_msg("%s: \"%.*s\"", cases[i].name, SLICE_F(got));
		arena_free(r.arena);
	}
}

static const struct {
	unsigned keys;
	const char *text, *want; /* NULL: refused */
} written[] = {
	{ LIMIT_BY_SASL_USER, "App", "App" },
	{ LIMIT_BY_SENDER, "News@SHOP.example", "news@shop.example" },
	{ LIMIT_BY_SENDER, "<>", "<>" },
	{ LIMIT_BY_SENDER, "a@b..c", NULL },
	{ LIMIT_BY_RECIPIENT_DOMAIN, "Example.NET", "example.net" },
	{ LIMIT_BY_CLIENT, "192.0.2.1", "192.0.2.1" },
	{ LIMIT_BY_CLIENT, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
	{ LIMIT_BY_CLIENT, "2001:db8:1:2::/64", "2001:db8:1:2::/64" },
	{ LIMIT_BY_SASL_USER | LIMIT_BY_RECIPIENT_DOMAIN, "app example.net",
	    "app\texample.net" },
	{ LIMIT_BY_SASL_USER | LIMIT_BY_RECIPIENT_DOMAIN, "app", NULL },
	{ LIMIT_BY_SASL_USER | LIMIT_BY_RECIPIENT_DOMAIN, "app ", NULL },
	{ LIMIT_BY_SASL_USER, "app example.net", NULL },
	{ LIMIT_BY_SASL_USER, "", NULL },
	{ LIMIT_BY_TENANT, "shop", "shop" },
};

static void
test_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		struct buf out, back;
		int rc;

		buf_init(&out, 1000);
		buf_init(&back, 1000);
		rc = limit_value_parse(written[i].keys,
		    slice_of(written[i].text), &out);
		if (written[i].want == NULL) {
			assert_int_equal(rc, ERR_SYNTAX);
		} else {
			assert_int_equal(rc, 0);
			assert_true(slice_eq(buf_slice(&out),
			    slice_of(written[i].want)));
			/* And as it is shown, it can be written. */
			limit_value_format(buf_slice(&out), &back);
			buf_done(&out);
			buf_init(&out, 1000);
			assert_int_equal(limit_value_parse(written[i].keys,
					     buf_slice(&back), &out),
			    0);
			assert_true(slice_eq(buf_slice(&out),
			    slice_of(written[i].want)));
		}
		buf_done(&out);
		buf_done(&back);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
