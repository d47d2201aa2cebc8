/* SPDX-License-Identifier: BSD-2-Clause */
/* Which messages were put into the hold queue, kept over restarts. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "policyd/held_journal.h"
#include "util/err.h"

static char folder[] = "/tmp/pn-journal-XXXXXX";
static char path[100];

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/held-ids", folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static void
append(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	assert_int_equal(close(fd), 0);
}

static struct held_journal *
opened(void)
{
	struct held_journal *j = NULL;

	assert_int_equal(held_journal_open(folder, &j), 0);
	assert_non_null(j);
	return j;
}

static void
test_kept(void **state)
{
	const struct slice ids[] = { SLICE("4abcdef1"), SLICE("4abcdef2"),
		SLICE("4abcdef1") };
	struct held_journal *j = opened();

	(void)state;
	assert_int_equal(held_journal_count(j), 0);
	assert_int_equal(held_journal_add(j, ids, 3), 0);
	held_journal_free(j);
	/* A crash in a line, and what is no queue id. */
	append("../../etc\nALL\n4abcd");
	j = opened();
	assert_int_equal(held_journal_count(j), 2);
	assert_true(held_journal_has(j, ids[0]));
	assert_true(held_journal_has(j, ids[1]));
	assert_false(held_journal_has(j, SLICE("4abcdef3")));
	assert_int_equal(held_journal_add(j, &SLICE("4abcdef3"), 1), 0);
	held_journal_free(j);
	j = opened();
	assert_int_equal(held_journal_count(j), 3);
	assert_int_equal(held_journal_drop(j, ids, 1), 0);
	assert_int_equal(held_journal_drop(j, &SLICE("4nosuch1"), 1), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(held_journal_count(j), 2);
		assert_false(held_journal_has(j, ids[0]));
		held_journal_free(j);
		j = opened();
	}
	held_journal_free(j);
}

static bool
is_second(struct slice id, void *ctx)
{
	(void)ctx;
	return slice_eq(id, SLICE("4abcdef2"));
}

static void
test_fewer(void **state)
{
	struct held_journal *j = opened();

	(void)state;
	assert_int_equal(held_journal_keep(j, is_second, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(held_journal_count(j), 1);
		assert_true(held_journal_has(j, SLICE("4abcdef2")));
		held_journal_free(j);
		j = opened();
	}
	held_journal_free(j);
}

static void
test_trouble(void **state)
{
	struct held_journal *j = opened();

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(held_journal_add(j, &SLICE("4abcdef9"), 1), ERR_IO);
	assert_int_equal(held_journal_keep(j, is_second, NULL), ERR_IO);
	held_journal_free(j);
	j = NULL;
	assert_int_equal(held_journal_open(folder, &j), ERR_IO);
	assert_null(j);
	assert_int_equal(rmdir(path), 0);
	(void)snprintf(path, sizeof(path), "%s/held-ids.new", folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_fewer),
		cmocka_unit_test(test_trouble),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
