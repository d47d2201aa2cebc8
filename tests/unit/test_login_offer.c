/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may log in at all, before the key is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policyd/login_offer.h"
#include "proto/json.h"
#include "proto/settings.h"

#define HASH \
	"\"key_hash\":\"$scrypt$ln=14,r=8,p=1$" \
	"AAAAAAAAAAAAAAAAAAAAAA==$" \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"," \
	"\"permissions\":[\"read\"]"
#define USERS(domain) \
	"\"api_users\":[{\"name\":\"app@" domain \
	"\",\"access\":[\"smtp\"]," HASH "},{\"name\":\"off@" domain \
	"\",\"enabled\":false,\"access\":[\"smtp\"]," HASH \
	"},{\"name\":\"api@" domain "\",\"access\":[\"api\"]," HASH "}]"

static const struct {
	const char *name, *text;
} documents[] = {
	{ "_global",
	    "{\"tenants\":["
	    "{\"name\":\"b\",\"match\":{\"port\":[2525]}},"
	    "{\"name\":\"b\",\"match\":{\"sasl_user\":[\"app@c.test\"],"
	    "\"port\":[587]}}]}" },
	{ "a", "{\"relay\":{\"authentication\":\"network-or-auth\"}," USERS(
		   "a.test") "}" },
	{ "b", "{\"relay\":{\"authentication\":\"network-and-auth\","
	       "\"networks\":[\"192.0.2.0/24\"],\"plain_text_auth\":true,"
	       "\"mechanisms\":[\"LOGIN\"]}," USERS("b.test") "}" },
	{ "c", "{\"relay\":{\"authentication\":\"network\","
	       "\"networks\":[\"192.0.2.0/24\"]}," USERS("c.test") "}" },
	{ "d", "{" USERS("d.test") "}" },
};
#define DOCUMENTS (sizeof(documents) / sizeof(documents[0]))

static const struct {
	const char *name, *client, *port;
	bool secured;
	unsigned mechanism;
	const char *tenant, *refusal;
} cases[] = {
	{ "app@a.test", "198.51.100.1", NULL, true, RELAY_PLAIN, "a", NULL },
	{ "APP@A.test", "198.51.100.1", "25", true, RELAY_LOGIN, "a", NULL },
	{ "app@a.test", "198.51.100.1", NULL, false, RELAY_PLAIN, "a",
	    "the connection is not encrypted" },
	/* On that port it is another tenant's. */
	{ "app@a.test", "192.0.2.1", "2525", true, RELAY_LOGIN, "b",
	    "not a user of this service" },
	{ "off@a.test", "198.51.100.1", NULL, true, RELAY_PLAIN, "default",
	    "disabled" },
	{ "api@a.test", "198.51.100.1", NULL, true, RELAY_PLAIN, "default",
	    "no SMTP access" },
	{ "x@a.test", "198.51.100.1", NULL, true, RELAY_PLAIN, "default",
	    "no such user" },
	{ "app@b.test", "192.0.2.1", NULL, false, RELAY_LOGIN, "b", NULL },
	{ "app@b.test", "::ffff:192.0.2.1", NULL, false, RELAY_LOGIN, "b",
	    NULL },
	{ "app@b.test", "192.0.2.1", NULL, true, RELAY_PLAIN, "b",
	    "the service does not use this mechanism" },
	{ "app@b.test", "198.51.100.1", NULL, true, RELAY_LOGIN, "b",
	    "not a permitted network" },
	{ "app@b.test", "unknown", NULL, true, RELAY_LOGIN, "b",
	    "not a permitted network" },
	{ "app@d.test", "192.0.2.1", "25", true, RELAY_PLAIN, "d",
	    "the service does not use SMTP AUTH" },
	/* Its own service does not use it, but on one port it is another's. */
	{ "app@c.test", "192.0.2.1", "25", true, RELAY_LOGIN, "c",
	    "the service does not use SMTP AUTH" },
	{ "app@c.test", "192.0.2.1", "587", true, RELAY_LOGIN, "b", NULL },
	{ "app@c.test", "192.0.2.1", NULL, true, RELAY_LOGIN, "c", NULL },
};

static void
print(void *ctx, const char *path, const char *text)
{
	(void)ctx;
	print_error("%s %s\n", path, text);
}

static void
test_cases(void **state)
{
	struct settings_input inputs[DOCUMENTS];
	struct json *docs[DOCUMENTS];
	struct settings *s = NULL;
	char error[200];

	(void)state;
	for (size_t i = 0; i < DOCUMENTS; i++) {
		assert_int_equal(json_parse(slice_of(documents[i].text),
				     SETTINGS_TEXT_MAX, &docs[i], error,
				     sizeof(error)),
		    0);
		inputs[i] =
		    (struct settings_input){ slice_of(documents[i].name), 1,
			    docs[i] };
	}
	assert_int_equal(settings_compile(inputs, DOCUMENTS, NULL, print, NULL,
			     &s),
	    0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct login_offer_request request = { slice_of(
							   cases[i].client),
			slice_of(cases[i].port), slice_of(cases[i].name),
			cases[i].secured, cases[i].mechanism };
		struct login_offer offer = login_offer(s, &request);

		if (!slice_eq(offer.tenant->name, slice_of(cases[i].tenant)) ||
		    !slice_eq(slice_of(offer.refusal),
			slice_of(cases[i].refusal)))
			fail_msg("%zu: %.*s, %s", i,
			    SLICE_F(offer.tenant->name),
			    offer.refusal != NULL ? offer.refusal : "");
		if (offer.refusal == NULL)
			assert_non_null(offer.user);
	}
	settings_unref(s);
	for (size_t i = 0; i < DOCUMENTS; i++)
		json_free(docs[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
