/* SPDX-License-Identifier: BSD-2-Clause */
/* What Redis says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/server_info.h"

static void
known_lines_are_taken(void **state)
{
	struct server_info info;

	(void)state;
	server_info_parse(SLICE("# Server\r\nredis_version:7.0.15\r\n"
				"role:master\r\naof_enabled:1\r\n"
				"aof_last_write_status:ok\r\nother:1\r\n"
				"maxmemory_policy:noeviction\r\n"),
	    &info);
	assert_true(slice_eq(info.version, SLICE("7.0.15")));
	assert_true(slice_eq(info.role, SLICE("master")));
	assert_true(info.appendonly);
	assert_true(info.append_ok);
	assert_true(slice_eq(info.eviction, SLICE("noeviction")));
	assert_null(info.append_fsync.at);
}

static void
what_is_not_said_is_not_assumed(void **state)
{
	struct server_info info;

	(void)state;
	server_info_parse(SLICE("aof_enabled:0\naof_last_write_status:err\n"
				"nonsense\n:\n"),
	    &info);
	assert_false(info.appendonly);
	assert_false(info.append_ok);
	assert_null(info.version.at);
	assert_null(info.eviction.at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_lines_are_taken),
		cmocka_unit_test(what_is_not_said_is_not_assumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
