/* SPDX-License-Identifier: BSD-2-Clause */
/* Following a log file: each line once, whatever happens to the file. */
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
#include <zlib.h>

#include "bounced/log_source.h"
#include "util/err.h"

static char folder[64], path[128], seen[65536];
static struct log_source *source;

static void
on_found(const struct postfix_log *log, void *ctx)
{
	size_t n = strlen(seen);

	(void)ctx;
	(void)snprintf(seen + n, sizeof(seen) - n, "%.*s ",
	    SLICE_F(log->queue_id));
}

static char *
in_folder(const char *name)
{
	static char text[256];

	(void)snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

/* Lines for queue ids LINE00000from .. to-1. */
static void
append(const char *name, int from, int to)
{
	FILE *f = fopen(name, "a");

	assert_non_null(f);
	for (int i = from; i < to; i++)
		(void)fprintf(f,
		    "Nov 23 07:00:00 mx postfix/qmgr[1]: L%05d: removed\n", i);
	assert_int_equal(fclose(f), 0);
}

/* What was seen must be the ids from..to-1, each once, in order. */
static void
expect(int from, int to)
{
	char want[65536] = "", *p = want;

	seen[0] = '\0';
	while (source->ops->read(source, 7, on_found, NULL) > 0)
		;
	for (int i = from; i < to; i++)
		p += snprintf(p, 8, "L%05d ", i);
	assert_string_equal(seen, want);
}

/* A new reader that goes on from where the last one stood. */
static int
reopen(void)
{
	char room[LOG_POSITION_MAX];
	struct slice at = source->ops->position(source, room);

	source->ops->close(source);
	source = log_file_new(path);
	assert_non_null(source);
	return source->ops->seek(source, at);
}

/* The file gets other times, so that the order of rotation can be seen. */
static void
age(const char *name, int minutes)
{
	struct timespec t[2] = { { .tv_sec = 1795417200 - minutes * 60 },
		{ .tv_sec = 1795417200 - minutes * 60 } };

	assert_int_equal(utimensat(AT_FDCWD, name, t, 0), 0);
}

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/postern-log-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/mail.log", folder);
	source = log_file_new(path);
	return source != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[256];

	(void)state;
	source->ops->close(source);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void
begin(int lines)
{
	assert_int_equal(source->ops->seek(source, SLICE("")), 0);
	append(path, 0, lines);
	expect(0, lines);
}

static void
test_begins_at_the_end(void **state)
{
	(void)state;
	append(path, 0, 10);
	assert_int_equal(source->ops->seek(source, SLICE("")), 0);
	expect(0, 0);
	append(path, 10, 20);
	expect(10, 20);
	assert_int_equal(reopen(), 0);
	expect(0, 0);
}

static void
test_file_appears_later(void **state)
{
	(void)state;
	assert_int_equal(source->ops->seek(source, SLICE("")), 0);
	expect(0, 0);
	assert_int_equal(reopen(), 0);
	append(path, 0, 5);
	expect(0, 5);
}

static void
test_half_a_line(void **state)
{
	FILE *f;

	(void)state;
	begin(3);
	f = fopen(path, "a");
	assert_non_null(f);
	(void)fputs("Nov 23 07:00:00 mx postfix/qmgr[1]: L000", f);
	(void)fflush(f);
	expect(0, 0);
	assert_int_equal(reopen(), 0);
	expect(0, 0);
	(void)fputs("03: removed\n", f);
	(void)fclose(f);
	expect(3, 4);
}

static void
test_renamed_while_read(void **state)
{
	char old[300];

	(void)state;
	begin(10);
	(void)snprintf(old, sizeof(old), "%s", in_folder("mail.log.1"));
	assert_int_equal(rename(path, old), 0);
	append(old, 10, 12); /* its writer has not noticed yet */
	expect(10, 12);
	append(path, 12, 12); /* empty */
	append(old, 12, 13);
	expect(12, 13);
	append(old, 13, 14);
	append(path, 14, 20);
	expect(13, 20);
	assert_int_equal(reopen(), 0);
	expect(0, 0);
}

static void
test_renamed_while_away(void **state)
{
	char one[300], two[300];

	(void)state;
	begin(10);
	append(path, 10, 20);
	(void)snprintf(one, sizeof(one), "%s", in_folder("mail.log.2"));
	(void)snprintf(two, sizeof(two), "%s", in_folder("mail.log.1"));
	assert_int_equal(rename(path, one), 0);
	age(one, 20);
	append(path, 20, 30);
	assert_int_equal(rename(path, two), 0);
	age(two, 10);
	append(path, 30, 40);
	assert_int_equal(reopen(), 0);
	expect(10, 40);
}

/* gzip keeps the time of the file. */
static void
compress_file(const char *from, const char *to)
{
	static char text[65536];
	FILE *f = fopen(from, "r");
	gzFile gz = gzopen(to, "wb");

	assert_non_null(f);
	assert_non_null(gz);
	size_t n = fread(text, 1, sizeof(text), f);
	assert_int_equal(gzwrite(gz, text, (unsigned)n), (int)n);
	(void)gzclose(gz);
	(void)fclose(f);
	assert_int_equal(unlink(from), 0);
}

static void
test_compressed_while_away(void **state)
{
	char old[300];

	(void)state;
	begin(10);
	append(path, 10, 20);
	(void)snprintf(old, sizeof(old), "%s",
	    in_folder("mail.log-20261123.gz"));
	compress_file(path, old);
	age(old, 10);
	append(path, 20, 30);
	assert_int_equal(reopen(), 0);
	expect(10, 30);
}

static void
copy_and_truncate(int lines_before, int lines_after)
{
	char command[700];

	append(path, lines_before, lines_after);
	(void)snprintf(command, sizeof(command), "cp '%s' '%s.1'", path, path);
	assert_int_equal(system(command), 0);
	age(in_folder("mail.log.1"), 10);
	assert_int_equal(truncate(path, 0), 0);
}

static void
test_copied_and_truncated(void **state)
{
	(void)state;
	begin(10);
	copy_and_truncate(10, 20); /* what was not read is in the copy */
	append(path, 20, 25);
	expect(10, 25);
}

static void
test_truncated_and_longer_again(void **state)
{
	(void)state;
	begin(10);
	copy_and_truncate(10, 20);
	append(path, 20, 80); /* longer than it was when last read */
	expect(10, 80);
	assert_int_equal(reopen(), 0);
	expect(0, 0);
}

static void
test_place_is_gone(void **state)
{
	(void)state;
	begin(10);
	assert_int_equal(unlink(path), 0);
	append(path, 20, 25);
	assert_int_equal(reopen(), 1);
	expect(20, 25);
}

static void
test_long_line(void **state)
{
	FILE *f;

	(void)state;
	begin(1);
	f = fopen(path, "a");
	assert_non_null(f);
	for (int i = 0; i < 300000; i++)
		(void)fputc('x', f);
	(void)fputc('\n', f);
	(void)fclose(f);
	append(path, 1, 3);
	expect(1, 3);
}

static void
test_position_is_checked(void **state)
{
	(void)state;
	append(path, 0, 3);
	assert_int_equal(source->ops->seek(source, SLICE("x:y")), 1);
	expect(0, 0);
	assert_int_equal(source->ops->seek(source, SLICE("1:40:99")), 1);
	expect(0, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_begins_at_the_end),
		TEST(test_file_appears_later),
		TEST(test_half_a_line),
		TEST(test_renamed_while_read),
		TEST(test_renamed_while_away),
		TEST(test_compressed_while_away),
		TEST(test_copied_and_truncated),
		TEST(test_truncated_and_longer_again),
		TEST(test_place_is_gone),
		TEST(test_long_line),
		TEST(test_position_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
