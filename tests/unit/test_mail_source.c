/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the mails of a mailbox end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/mail_source.h"

#define SEPARATOR "From a@b.example Mon Oct  5 09:14:22 2026\n"

/* want: octets of each mail, "n n n" */
static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "nothing", "", "0" },
	{ "one", SEPARATOR "A: b\n\nx\n", "50" },
	{ "two", SEPARATOR "A: b\n\nx\n\n" SEPARATOR "A: b\n\ny\n", "51 50" },
	{ "two, CR LF",
	    SEPARATOR "A: b\r\n\r\nx\r\n\r\n" SEPARATOR "A: b\r\n\r\ny\r\n",
	    "55 53" },
	{ "no empty line between", SEPARATOR "A: b\n\nx\n" SEPARATOR "A: b\n",
	    "50 47" },
	{ "a sentence", SEPARATOR "A: b\n\nx\n\nFrom here on\n12:30 it rains\n",
	    "79" },
	{ "a time, but no mail behind it",
	    SEPARATOR "A: b\n\nx\n\nFrom 9 to 10:30\nwe meet\n", "75" },
	{ "quoted", SEPARATOR "A: b\n\nx\n\n>" SEPARATOR "A: b\n", "99" },
};

static void
test_mbox(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].in);

		/* It comes in pieces of any size. */
		for (size_t piece = 1; piece <= len + 1; piece++) {
			size_t begin = 0, have = 0, from = 0, n = 0;
			char got[100] = "0";

			while (begin < len) {
				bool end = have == len;
				char *exact = malloc(have - begin + 1);

				assert_non_null(exact);
				memcpy(exact, cases[i].in + begin,
				    have - begin);
				size_t one =
				    mail_source_mbox_next((struct slice){ exact,
							      have - begin },
					&from, end);
				free(exact);
				assert_true(!end || one > 0);
				if (one == 0) {
					have = have + piece > len
						   ? len
						   : have + piece;
					continue;
				}
				n += (size_t)snprintf(got + n, sizeof(got) - n,
				    "%s%zu", n > 0 ? " " : "", one);
				begin += one;
				from = 0;
			}
			if (strcmp(got, cases[i].want) != 0)
				fail_msg("%s, by %zu: %s", cases[i].name, piece,
				    got);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
