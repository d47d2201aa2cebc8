/* SPDX-License-Identifier: BSD-2-Clause */
/* The Authorization header field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apid/auth.h"
#include "util/err.h"

/* base64url("app@example.com") */
#define NAME64 "YXBwQGV4YW1wbGUuY29t"
#define RANDOM32 "0123456789abcdefghijklmnopqrstuv"
#define RANDOM32_ "0123456789abcdef_hijklmnopqrstuv"

static const struct {
	const char *header;
	int rc;
	const char *name, *key;
} cases[] = {
	{ "Basic YTpi", 0, "a", "b" },
	{ "basic   YTpi  ", 0, "a", "b" },
	{ "Basic YTpiOmM=", 0, "a", "b:c" },
	{ "Basic YTpiOmM", 0, "a", "b:c" },
	{ "Basic YTo=", ERR_SYNTAX, NULL, NULL },     /* no key */
	{ "Basic OmI=", ERR_SYNTAX, NULL, NULL },     /* no name */
	{ "Basic YWI=", ERR_SYNTAX, NULL, NULL },     /* no colon */
	{ "Basic YQA6Yg==", ERR_SYNTAX, NULL, NULL }, /* NUL */
	{ "Basic !!!!", ERR_SYNTAX, NULL, NULL },
	{ "Basic YT pi", ERR_SYNTAX, NULL, NULL },
	{ "Basic", ERR_SYNTAX, NULL, NULL },
	{ "Basic ", ERR_SYNTAX, NULL, NULL },
	{ "", ERR_SYNTAX, NULL, NULL },
	{ "Digest YTpi", ERR_SYNTAX, NULL, NULL },
	{ "Bearer ptn_" NAME64 "_" RANDOM32, 0, "app@example.com",
	    "ptn_" NAME64 "_" RANDOM32 },
	{ "bearer ptn_" NAME64 "_" RANDOM32_, 0, "app@example.com",
	    "ptn_" NAME64 "_" RANDOM32_ },
	{ "Bearer ptn_" NAME64 "_short", 0, "app@example.com",
	    "ptn_" NAME64 "_short" },
	{ "Bearer ptn_" NAME64, ERR_SYNTAX, NULL, NULL },
	{ "Bearer ptn__" RANDOM32, ERR_SYNTAX, NULL, NULL },
	{ "Bearer ptn_", ERR_SYNTAX, NULL, NULL },
	{ "Bearer " NAME64 "_" RANDOM32, ERR_SYNTAX, NULL, NULL },
	{ "Bearer ptn_%%_" RANDOM32, ERR_SYNTAX, NULL, NULL },
};

static void
test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].header);
		char *exact = malloc(len + (len == 0)), room[AUTH_ROOM];
		struct credentials c = { { NULL, 0 }, { NULL, 0 } };
		int rc;

		memcpy(exact, cases[i].header, len);
		rc = auth_parse((struct slice){ exact, len }, room, &c);
		free(exact);
		if (rc != cases[i].rc ||
		    (rc == 0 && (!slice_eq(c.name, slice_of(cases[i].name)) ||
				    !slice_eq(c.key, slice_of(cases[i].key)))))
			fail_msg("%s: %d, %.*s, %.*s", cases[i].header, rc,
			    SLICE_F(c.name), SLICE_F(c.key));
	}
}

static void
test_too_long(void **state)
{
	char text[4000] = "Basic ", room[AUTH_ROOM];
	struct credentials c;

	(void)state;
	memset(text + 6, 'A', sizeof(text) - 6);
	assert_true(
	    auth_parse((struct slice){ text, sizeof(text) }, room, &c) < 0);
	memcpy(text, "Bearer ptn_", 11);
	text[3000] = '_';
	assert_int_equal(auth_parse((struct slice){ text, sizeof(text) }, room,
			     &c),
	    ERR_LIMIT);
	assert_int_equal(auth_parse((struct slice){ NULL, 0 }, room, &c),
	    ERR_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
