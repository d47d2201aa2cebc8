/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose mailbox a recipient's is: filters by host and by address, relays of the
 * log, domains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "proto/provider_name.h"
#include "proto/settings.h"
#include "util/err.h"

#define DOC \
	"{\"tenants\":[],\"shaping\":{\"mode\":\"off\",\"filters\":[" \
	"{\"name\":\"hosts\",\"host_name\":true,\"patterns\":" \
	"[\"(.+\\\\.)?mail\\\\.example\"]}," \
	"{\"name\":\"addresses\",\"patterns\":[\".*@a\\\\.example\"]}]}}"

static const struct {
	const char *recipient, *mx, *relay, *name;
	bool filter;
} cases[] = {
	{ "u@b.example", "mx1.mail.example", NULL, "hosts", true },
	{ "u@b.example", "mx.other.example", NULL, "b.example", false },
	/* what is known of the domain goes before who answered */
	{ "u@b.example", "mx.other.example", "mx.mail.example[192.0.2.1]:25",
	    "b.example", false },
	{ "u@b.example", NULL, "mx.mail.example[192.0.2.1]:25", "hosts", true },
	{ "u@b.example", NULL, "MX.Mail.Example.[192.0.2.1]:25", "hosts",
	    true },
	{ "u@b.example", NULL, "none", "b.example", false },
	{ "u@b.example", NULL, NULL, "b.example", false },
	{ "u@b.example", NULL, "mail.example", "b.example", false },
	{ "u@b.example", NULL, "unknown[192.0.2.1]:25", "b.example", false },
	{ "u@b.example", NULL, "[192.0.2.1]:25", "b.example", false },
	{ "u@b.example", NULL, "host[private/x]", "b.example", false },
	{ "u@a.example", NULL, NULL, "addresses", true },
	{ "u@a.example", NULL, "mx.mail.example[2001:db8::1]:25", "hosts",
	    true },
	{ "\"u@a\"@B.Example", NULL, NULL, "b.example", false },
	{ "u@[192.0.2.1]", NULL, NULL, "other", false },
	{ "u@", NULL, NULL, "other", false },
	{ "u", NULL, NULL, "other", false },
	{ "", NULL, NULL, "other", false },
	{ "u@\xe4\xbe\x8b.example", NULL, NULL, "\xe4\xbe\x8b.example", false },
};

static void
names(void **state)
{
	struct settings *s = NULL;
	struct json *doc = NULL;
	char error[200], room[PROVIDER_NAME_ROOM];

	(void)state;
	assert_int_equal(json_parse(SLICE(DOC), 1 << 16, &doc, error,
			     sizeof(error)),
	    0);
	struct settings_input in = { SLICE(SETTINGS_GLOBAL), 1, doc };
	assert_int_equal(settings_compile(&in, 1, NULL, NULL, NULL, &s), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice mx = slice_of(cases[i].mx);
		struct provider_name p = provider_name_of(settings_shaping(s),
		    slice_of(cases[i].recipient), &mx, mx.at != NULL ? 1 : 0,
		    slice_of(cases[i].relay), room);

		if (!slice_eq(p.name, slice_of(cases[i].name)) ||
		    p.filter != cases[i].filter)
			fail_msg("%s: %.*s", cases[i].recipient,
			    SLICE_F(p.name));
	}
	settings_unref(s);
	json_free(doc);
}

static void
long_domains(void **state)
{
	struct settings *s = NULL;
	char address[PROVIDER_NAME_ROOM + 8] = "u@", room[PROVIDER_NAME_ROOM];

	(void)state;
	memset(address + 2, 'a', sizeof(address) - 2);
	assert_int_equal(settings_compile(NULL, 0, NULL, NULL, NULL, &s), 0);
	for (size_t len = 3; len <= sizeof(address); len++) {
		struct provider_name p = provider_name_of(settings_shaping(s),
		    (struct slice){ address, len }, NULL, 0,
		    (struct slice){ NULL, 0 }, room);

		if (len - 2 <= PROVIDER_NAME_ROOM)
			assert_int_equal(p.name.len, len - 2);
		else
			assert_true(slice_eq(p.name, SLICE("other")));
	}
	settings_unref(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(long_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
