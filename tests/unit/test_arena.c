/* SPDX-License-Identifier: BSD-2-Clause */
/* Request-long memory: zeroed, aligned, capped. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/arena.h"

static void
test_alloc(void **state)
{
	struct arena *a = arena_new(100000);

	(void)state;
	assert_non_null(a);
	for (size_t size = 1; size < 300; size++) {
		unsigned char *p = arena_alloc(a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size); /* the next one is zeroed all the same */
	}
	assert_int_equal(arena_used(a), 299 * 300 / 2);
	assert_non_null(arena_alloc(a, 20000)); /* more than one block */
	arena_free(a);
	arena_free(NULL);
}

static void
test_cap(void **state)
{
	struct arena *a = arena_new(100);

	(void)state;
	assert_non_null(a);
	assert_null(arena_alloc(a, 101));
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_calloc(a, SIZE_MAX / 2, 3));
	assert_non_null(arena_calloc(a, 9, 10));
	assert_null(arena_alloc(a, 11));
	assert_non_null(arena_alloc(a, 10));
	assert_int_equal(arena_used(a), 100);
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	assert_non_null(arena_alloc(a, 100));
	arena_free(a);
}

static void
test_reset(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	assert_non_null(a);
	arena_reset(a); /* nothing yet */
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++) {
			char *p = arena_alloc(a, 1000);

			assert_non_null(p);
			assert_int_equal(p[0] | p[999], 0);
			memset(p, 'x', 1000);
		}
		arena_reset(a);
	}
	arena_free(a);
}

static void
test_copies(void **state)
{
	struct arena *a = arena_new(20);
	struct slice s;

	(void)state;
	assert_non_null(a);
	s = arena_dup(a, SLICE("a\0b"));
	assert_true(slice_eq(s, SLICE("a\0b")));
	assert_int_equal(s.at[3], '\0');
	s = arena_dup(a, (struct slice){ NULL, 0 });
	assert_non_null(s.at);
	assert_int_equal(s.len, 0);
	assert_string_equal(arena_text(a, SLICE("text")), "text");
	assert_null(arena_dup(a, SLICE("0123456789")).at);
	assert_null(arena_text(a, SLICE("0123456789")));
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
