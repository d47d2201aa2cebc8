/* SPDX-License-Identifier: BSD-2-Clause */
/* Parameter tables: every row, every type, bounds and printing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/host_config.h"
#include "util/err.h"

struct sample {
	unsigned count;
	int64_t wait_ms;
	bool on;
	const char *mode, *path, *secret;
};

static const struct param table[] = {
	PARAM_UINT(struct sample, count, "7", "1", "10", 0, "Count."),
	PARAM_TIME(struct sample, "wait", wait_ms, "90s", "10ms", "1h",
	    PARAM_RESTART, "Wait."),
	PARAM_BOOL(struct sample, on, "yes", 0, "On."),
	PARAM_STRING(struct sample, mode, "fast", "fast|slow", 0, "Mode."),
	PARAM_STRING(struct sample, path, "", NULL, 0, "Path."),
	PARAM_STRING(struct sample, secret, "x", NULL, PARAM_SECRET, "Key."),
	PARAM_END,
};

/* Each default parses and lies in its bounds; each row has a text. */
static void
test_host_params(void **state)
{
	struct host_config config = { 0 };

	(void)state;
	assert_int_equal(param_defaults(host_params, &config), 0);
	for (const struct param *p = host_params; p->name != NULL; p++) {
		size_t len = strlen(p->doc);

		if (len < 20 || p->doc[len - 1] == '\n')
			fail_msg("%s: its text", p->name);
		assert_ptr_equal(param_find(host_params, p->name), p);
	}
	param_free(host_params, &config);
	assert_null(config.redis);
}

static void
test_time(void **state)
{
	static const struct {
		const char *in;
		int want;
		int64_t ms;
	} cases[] = {
		{ "0", 0, 0 },
		{ "90", 0, 90000 },
		{ "200ms", 0, 200 },
		{ "5s", 0, 5000 },
		{ "5m", 0, 300000 },
		{ "2h", 0, 7200000 },
		{ "1d", 0, 86400000 },
		{ "3650d", 0, 315360000000 },
		{ "3651d", ERR_LIMIT, -1 },
		{ "99999999999999999999", ERR_LIMIT, -1 },
		{ "", ERR_SYNTAX, -1 },
		{ "s", ERR_SYNTAX, -1 },
		{ "-1", ERR_SYNTAX, -1 },
		{ " 1", ERR_SYNTAX, -1 },
		{ "1 s", ERR_SYNTAX, -1 },
		{ "5x", ERR_SYNTAX, -1 },
		{ "5mm", ERR_SYNTAX, -1 },
		{ "1.5s", ERR_SYNTAX, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t got = -1;

		if (param_time(cases[i].in, &got) != cases[i].want ||
		    got != cases[i].ms)
			fail_msg("\"%s\": %lld", cases[i].in, (long long)got);
	}
}

/* Bad values are refused and leave the old one. */
static void
test_set(void **state)
{
	static const struct {
		const char *name, *text;
		int want;
	} cases[] = {
		{ "cuont", "1", ERR_NOTFOUND },
		{ "count", "0", ERR_LIMIT },
		{ "count", "11", ERR_LIMIT },
		{ "count", "4294967296", ERR_LIMIT },
		{ "count", "two", ERR_SYNTAX },
		{ "count", "", ERR_SYNTAX },
		{ "wait", "9ms", ERR_LIMIT },
		{ "wait", "2h", ERR_LIMIT },
		{ "on", "true", ERR_SYNTAX },
		{ "on", "Yes", ERR_SYNTAX },
		{ "mode", "fas", ERR_LIMIT },
		{ "mode", "", ERR_LIMIT },
		{ "mode", "fast|slow", ERR_LIMIT },
	};
	struct sample s, before;

	(void)state;
	assert_int_equal(param_defaults(table, &s), 0);
	assert_int_equal(s.count, 7);
	assert_int_equal(s.wait_ms, 90000);
	assert_true(s.on);
	assert_string_equal(s.mode, "fast");
	memcpy(&before, &s, sizeof(s));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = param_set(table, &s, cases[i].name, cases[i].text);

		if (rc != cases[i].want)
			fail_msg("%s = %s: %d", cases[i].name, cases[i].text,
			    rc);
	}
	assert_memory_equal(&s, &before, sizeof(s));
	assert_int_equal(param_set(table, &s, "count", "10"), 0);
	assert_int_equal(param_set(table, &s, "wait", "10ms"), 0);
	assert_int_equal(param_set(table, &s, "on", "no"), 0);
	assert_int_equal(param_set(table, &s, "mode", "slow"), 0);
	assert_int_equal(param_set(table, &s, "path", "/a b"), 0);
	assert_int_equal(s.count, 10);
	assert_int_equal(s.wait_ms, 10);
	assert_false(s.on);
	assert_string_equal(s.mode, "slow");
	assert_string_equal(s.path, "/a b");
	param_free(table, &s);
}

static char *
printed(const struct param *p, const struct sample *s)
{
	static char *text;
	size_t len;
	FILE *f;

	free(text);
	f = open_memstream(&text, &len);
	assert_non_null(f);
	if (s != NULL)
		param_print_value(p, s, f);
	else
		param_print_mdoc(p, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void
test_print(void **state)
{
	static const char *const want[] = { "7", "90s", "yes", "fast", "",
		"(hidden)" };
	static const struct {
		int64_t ms;
		const char *text;
	} times[] = { { 0, "0s" }, { 10, "10ms" }, { 1500, "1500ms" },
		{ 60000, "1m" }, { 3600000, "1h" } };
	struct sample a, b;

	(void)state;
	assert_int_equal(param_defaults(table, &a), 0);
	assert_int_equal(param_defaults(table, &b), 0);
	for (size_t i = 0; table[i].name != NULL; i++) {
		assert_string_equal(printed(&table[i], &a), want[i]);
		assert_true(param_equal(&table[i], &a, &b));
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		b.wait_ms = times[i].ms;
		assert_string_equal(printed(&table[1], &b), times[i].text);
		assert_false(param_equal(&table[1], &a, &b));
	}
	param_free(table, &a);
	param_free(table, &b);

	const char *mdoc = printed(table, NULL);
	assert_non_null(strstr(mdoc, ".It Ic wait\nWait.\n.Pp\n"));
	assert_non_null(strstr(mdoc, "a number from 1 to 10"));
	assert_non_null(strstr(mdoc, "Default:\n.Ql 90s .\n"));
	assert_non_null(strstr(mdoc, "Default: empty.\n"));
	free(printed(&table[6], NULL)); /* PARAM_END: frees the last text */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_params),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
