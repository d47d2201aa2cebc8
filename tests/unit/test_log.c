/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines: form, escapes, cuts, levels, files and their rotation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

static char dir[] = "/tmp/test_log.XXXXXX";
static char file[64], rotated[64];

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(file, sizeof(file), "%s/log", dir);
	(void)snprintf(rotated, sizeof(rotated), "%s/log.1", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)unlink(rotated);
	return rmdir(dir);
}

/* The whole file, which is then empty again. */
static const char *
take(const char *name)
{
	static char text[8192];
	FILE *f = fopen(name, "r");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f);
		assert_int_equal(truncate(name, 0), 0);
	}
	text[n] = '\0';
	return text;
}

static const char *
line_of(struct slice queue_id, const char *key, struct slice value)
{
	static struct log_line l;

	log_line(&l, queue_id);
	log_line_add(&l, key, value);
	return l.text;
}

static void
test_line(void **state)
{
	struct log_line l;

	(void)state;
	log_line(&l, SLICE("4XYZ"));
	assert_string_equal(l.text, "4XYZ:");
	log_line_add(&l, "client", SLICE("10.0.0.1"));
	log_line_add(&l, "nothing", (struct slice){ NULL, 0 });
	log_line_number(&l, "delay_ms", -3);
	log_line_number(&l, "least", INT64_MIN);
	assert_string_equal(l.text,
	    "4XYZ: client=10.0.0.1, delay_ms=-3, least=-9223372036854775808");
	assert_int_equal(l.len, strlen(l.text));
}

static void
test_escapes(void **state)
{
	static const struct {
		const char *name;
		struct slice in;
		const char *want;
	} cases[] = {
		{ "plain", SLICE("a@example.com"), "NOQUEUE: k=a@example.com" },
		{ "empty", SLICE(""), "NOQUEUE: k=\"\"" },
		{ "blank", SLICE("a b"), "NOQUEUE: k=\"a b\"" },
		{ "comma", SLICE("a,b=c"), "NOQUEUE: k=\"a,b=c\"" },
		{ "quote", SLICE("\"a\\"), "NOQUEUE: k=\"\\\"a\\\\\"" },
		{ "line ends, NUL, DEL", SLICE("a\r\n\0\x7f\tb"),
		    "NOQUEUE: k=a?????b" },
		{ "8 bit stays", SLICE("\xc3\xa9"), "NOQUEUE: k=\xc3\xa9" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = line_of(SLICE(""), "k", cases[i].in);

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].name, got);
	}
	assert_string_equal(line_of(SLICE("A\nB"), "k", SLICE("v")),
	    "A?B: k=v");
}

static void
test_cuts(void **state)
{
	char big[600];
	struct log_line l;

	(void)state;
	memset(big, '"', sizeof(big));
	log_line(&l, (struct slice){ big, sizeof(big) });
	assert_int_equal(l.len, 501);
	for (int i = 0; i < 20; i++)
		log_line_add(&l, "key", (struct slice){ big, sizeof(big) });
	assert_true(l.len < sizeof(l.text));
	assert_int_equal(l.text[l.len], '\0');
	assert_string_equal(l.text + l.len - 5, ", ...");
	assert_null(strstr(l.text, "..., ..."));

	memset(big, 'x', sizeof(big));
	log_line(&l, SLICE("Q"));
	log_line_add(&l, "k", (struct slice){ big, sizeof(big) });
	assert_int_equal(l.len, 2 + 3 + 500 + 3);
	assert_string_equal(l.text + l.len - 4, "x...");
}

static void
test_file(void **state)
{
	char want[200];
	struct log_line l;

	(void)state;
	(void)setenv("TZ", "UTC", 1);
	clock_set_for_test(1700722800LL * 1000000); /* Nov 23 07:00:00 */
	assert_int_equal(log_open("policyd", file, LOG_L_INFO), 0);
	log_debug("not wanted");
	log_info("two\nlines");
	assert_memory_equal(take(file), "Nov 23 07:00:00 ", 16);
	log_warning("redis: %s", "away");
	(void)snprintf(want, sizeof(want),
	    " postern/policyd[%d]: warning: redis: away\n", (int)getpid());
	assert_non_null(strstr(take(file), want));
	log_set_level(LOG_L_ERROR);
	log_line(&l, SLICE("4XYZ"));
	log_line_end(&l, LOG_L_WARNING);
	assert_string_equal(take(file), "");
	log_line_end(&l, LOG_L_ERROR);
	assert_non_null(strstr(take(file), "]: error: 4XYZ:\n"));
	clock_set_for_test(0);
}

static void
test_rotation(void **state)
{
	(void)state;
	assert_int_equal(log_open("x", file, LOG_L_INFO), 0);
	assert_int_equal(rename(file, rotated), 0);
	log_info("old");
	assert_int_equal(log_reopen(), 0);
	log_info("new");
	assert_non_null(strstr(take(rotated), ": old\n"));
	assert_non_null(strstr(take(file), ": new\n"));
	/* Not rotated: nothing to do, whoever may open it. */
	assert_int_equal(log_reopen(), 0);
	log_info("same");
	assert_non_null(strstr(take(file), ": same\n"));
	/* A bad place leaves the good one. */
	assert_int_equal(log_open("x", "/nonexistent/log", LOG_L_INFO), ERR_IO);
	assert_int_equal(log_open("x", "journal", LOG_L_INFO), ERR_SYNTAX);
	log_info("still");
	assert_non_null(strstr(take(file), ": still\n"));
}

static void
test_long_message(void **state)
{
	char *big = malloc(5000);
	const char *got;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', 4999);
	big[4999] = '\0';
	assert_int_equal(log_open("x", file, LOG_L_INFO), 0);
	log_error("%s", big);
	free(big);
	got = take(file);
	assert_int_equal(got[strlen(got) - 1], '\n');
	assert_true(strlen(got) > 2000 && strlen(got) < 2500);
}

static void
test_limit(void **state)
{
	struct log_limit limit = { 0 };
	unsigned long missed = 99;

	(void)state;
	clock_set_for_test(1000000000);
	assert_true(log_limit_ok(&limit, 60, &missed));
	assert_int_equal(missed, 0);
	missed = 99;
	assert_false(log_limit_ok(&limit, 60, &missed));
	assert_false(log_limit_ok(&limit, 60, NULL));
	assert_int_equal(missed, 99);
	clock_set_for_test(1000000000 + 60000000);
	assert_true(log_limit_ok(&limit, 60, &missed));
	assert_int_equal(missed, 2);
	clock_set_for_test(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_long_message),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
