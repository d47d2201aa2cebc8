/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords from files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/err.h"
#include "util/secret_file.h"

static void
test_read(void **state)
{
	static char text[2001];
	static const struct {
		const char *content;
		int rc;
		const char *want;
	} cases[] = {
		{ "secret\n", 0, "secret" },
		{ "secret", 0, "secret" },
		{ "secret\r\nx", 0, "secret" },
		{ "\r\n", 0, "" },
		{ "\n", 0, "" },
		{ "two words \nand a line\n", 0, "two words " },
		{ "", 0, "" },
		{ text, ERR_LIMIT, "" },
	};
	char path[] = "/tmp/postern-test-XXXXXX", got[SECRET_FILE_MAX];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *f = fopen(path, "we");

		assert_non_null(f);
		assert_true(fputs(cases[i].content, f) >= 0);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(secret_file_read(path, got), cases[i].rc);
		assert_string_equal(got, cases[i].want);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(secret_file_read(path, got), ERR_NOTFOUND);
	assert_string_equal(secret_file_error(ERR_NOTFOUND),
	    "there is no such file");
	assert_string_equal(secret_file_error(ERR_DENIED),
	    "may not be read by this user");
	assert_string_equal(secret_file_error(ERR_IO), err_text(ERR_IO));
	assert_int_equal(secret_file_read("", got), 0);
	assert_int_equal(secret_file_read(NULL, got), 0);
	assert_int_equal(secret_file_read("/", got), ERR_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
