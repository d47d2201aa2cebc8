/* SPDX-License-Identifier: BSD-2-Clause */
/* The field of held messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "proto/held_field.h"
#include "util/arena.h"
#include "util/err.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEAD "; tenant=shop; priority=50; arrived=2026-11-23T21:00:00.123Z"

static const char *const good[] = {
	"window" HEAD "; until=2026-11-24T07:00:00.000Z; rule=night",
	"day_cap" HEAD "; until=2026-11-24T00:00:00.000Z; rule=a+20b;+2B+3D",
	"priority" HEAD, "scan" HEAD "; until=never",
	"hand" HEAD "; until=never", "window" HEAD "; rule="
};
static const char *const bad[] = { "", "window", "windows" HEAD,
	"window" HEAD ";",
	"window" HEAD "; until=", "window" HEAD "; until=soon",
	"window" HEAD "; rule=+2", "window" HEAD "; rule=+2x",
	"window" HEAD "; rule=+2b", "window" HEAD "; other=1",
	"window; tenant=shop; priority=0; arrived=2026-11-23T21:00:00.000Z",
	"window; tenant=shop; priority=100; arrived=2026-11-23T21:00:00.000Z",
	"window; tenant=shop; priority=5; arrived=yesterday",
	"window; priority=5; tenant=shop; arrived=2026-11-23T21:00:00.000Z",
	"window; tenant=a b; priority=5; arrived=2026-11-23T21:00:00.000Z",
	"window; tenant; priority=5; arrived=2026-11-23T21:00:00.000Z" };

static int
parse(const char *text, struct arena *arena, struct held_field *f, char **room)
{
	size_t len = strlen(text);

	*room = malloc(len + !len);
	assert_non_null(*room);
	memcpy(*room, text, len);
	return held_field_parse((struct slice){ *room, len }, arena, f);
}

static void
test_round_trip(void **state)
{
	struct arena *arena = arena_new(100000);

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct held_field f;
		struct buf out;
		char *room;

		if (parse(good[i], arena, &f, &room) < 0)
			fail_msg("%s", good[i]);
		buf_init(&out, HELD_FIELD_MAX);
		assert_int_equal(held_field_format(&f, &out), 0);
		assert_true(slice_eq(buf_slice(&out), slice_of(good[i])));
		assert_true(slice_eq(f.tenant, SLICE("shop")));
		assert_true(f.arrived_ms == INT64_C(1795467600123));
		buf_done(&out);
		free(room);
	}
	arena_free(arena);
}

static void
test_values(void **state)
{
	struct arena *arena = arena_new(100000);
	struct held_field f;
	char *room;

	(void)state;
	assert_int_equal(parse(good[1], arena, &f, &room), 0);
	assert_int_equal(f.reason, HOLD_DAY_CAP);
	assert_int_equal(f.priority, 50);
	assert_true(slice_eq(f.rule, SLICE("a b;+=")));
	assert_true(f.release_ms == INT64_C(1795478400000));
	free(room);
	assert_int_equal(parse(good[2], arena, &f, &room), 0);
	assert_true(f.release_ms == 0 && f.rule.at == NULL);
	free(room);
	assert_int_equal(parse(good[3], arena, &f, &room), 0);
	assert_true(f.release_ms == INT64_MAX);
	free(room);
	arena_free(arena);
}

static void
test_bad(void **state)
{
	struct arena *arena = arena_new(100000);

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct held_field f;
		char *room;

		if (parse(bad[i], arena, &f, &room) != ERR_SYNTAX)
			fail_msg("%s", bad[i]);
		free(room);
	}
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
