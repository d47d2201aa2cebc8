/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories of the scanner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/scan_files.h"
#include "util/err.h"

static char root[] = "/tmp/test_scan_files.XXXXXX";

static const char *
path(const char *name)
{
	static char room[300];

	(void)snprintf(room, sizeof(room), "%s/%s", root, name);
	return room;
}

static void
make_file(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "we");

	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	scan_files_remove(root);
	return access(root, F_OK) < 0 ? 0 : -1;
}

static void
test_make(void **state)
{
	char error[400];
	struct stat st;

	(void)state;
	assert_int_equal(scan_files_make(path("a"), "", error, sizeof(error)),
	    0);
	assert_int_equal(stat(path("a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	/* It may be there. */
	assert_int_equal(scan_files_make(path("a"), "", error, sizeof(error)),
	    0);
	assert_int_equal(chmod(path("a"), 0755), 0);
	assert_int_equal(scan_files_make(path("a"), "", error, sizeof(error)),
	    ERR_DENIED);
	assert_int_equal(chmod(path("a"), 0700), 0);
	assert_int_equal(symlink("a", path("link")), 0);
	assert_int_equal(scan_files_make(path("link"), "", error,
			     sizeof(error)),
	    ERR_DENIED);
	assert_int_equal(scan_files_make(path("no/way"), "", error,
			     sizeof(error)),
	    ERR_IO);
	assert_int_equal(scan_files_make(path("b"), "no-such-user", error,
			     sizeof(error)),
	    ERR_NOTFOUND);
}

static void
test_remove(void **state)
{
	char dir[300] = "d";

	(void)state;
	make_file("outside", "stays");
	assert_int_equal(mkdir(path("d"), 0700), 0);
	assert_int_equal(symlink("../outside", path("d/to-file")), 0);
	assert_int_equal(symlink("..", path("d/to-directory")), 0);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir),
		    "/%d", i);
		assert_int_equal(mkdir(path(dir), 0700), 0);
	}
	scan_files_remove(path("d"));
	assert_int_equal(access(path("d"), F_OK), -1);
	assert_int_equal(access(path("outside"), F_OK), 0);
	scan_files_remove(path("was-never-there"));
}

static void
test_look(void **state)
{
	uint64_t first, second;
	int64_t newest_s = -1;

	(void)state;
	assert_int_equal(mkdir(path("db"), 0700), 0);
	assert_int_equal(scan_files_look(path("db"), &first, &newest_s), 0);
	assert_int_equal(newest_s, 0);
	make_file("db/a.ndb", "1");
	assert_int_equal(scan_files_look(path("db"), &second, &newest_s), 0);
	assert_true(first != second);
	assert_true(newest_s > 0);
	first = second;
	make_file("db/freshclam.dat", "notes");
	make_file("db/.hidden.ndb", "x");
	make_file("db/b.tmp", "x");
	assert_int_equal(mkdir(path("db/tmp.ndb"), 0700), 0);
	assert_int_equal(scan_files_look(path("db"), &second, &newest_s), 0);
	assert_true(first == second);
	make_file("db/a.ndb", "12");
	assert_int_equal(scan_files_look(path("db"), &second, &newest_s), 0);
	assert_true(first != second);
	assert_int_equal(scan_files_look(path("none"), &second, &newest_s),
	    ERR_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_look),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
