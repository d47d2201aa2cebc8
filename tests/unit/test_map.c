/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash map, against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/err.h"
#include "util/map.h"

#define KEYS 500

static void
test_basics(void **state)
{
	struct map *m = map_new(3);
	int a, b;
	void *old = &a;

	(void)state;
	assert_non_null(m);
	assert_null(map_get(m, SLICE("x")));
	assert_null(map_remove(m, SLICE("x")));
	assert_int_equal(map_set(m, SLICE("x"), &a, &old), 0);
	assert_null(old);
	assert_int_equal(map_set(m, SLICE("x"), &b, &old), 0);
	assert_ptr_equal(old, &a);
	assert_ptr_equal(map_get(m, SLICE("x")), &b);
	assert_int_equal(map_set(m, SLICE(""), &a, NULL), 0);
	assert_int_equal(map_set(m, SLICE("x\0y"), &a, NULL), 0);
	assert_int_equal(map_count(m), 3);
	/* Full: a new key is refused, an old one can be changed. */
	assert_int_equal(map_set(m, SLICE("z"), &a, NULL), ERR_LIMIT);
	assert_int_equal(map_set(m, SLICE("x"), &a, NULL), 0);
	assert_ptr_equal(map_remove(m, SLICE("")), &a);
	assert_null(map_get(m, SLICE("")));
	assert_int_equal(map_set(m, SLICE("z"), &b, NULL), 0);
	assert_int_equal(map_count(m), 3);
	map_free(m, NULL);
	map_free(NULL, NULL);
}

static struct slice
key_of(size_t i, char room[20])
{
	return (struct slice){ room, (size_t)snprintf(room, 20, "key-%zu", i) };
}

/* Thousands of changes; after each round both hold the same. */
static void
test_against_array(void **state)
{
	static int values[KEYS];
	bool there[KEYS] = { false };
	struct map *m = map_new(KEYS);
	uint64_t random = 88172645463325252u;
	char room[20];

	(void)state;
	assert_non_null(m);
	for (int round = 0; round < 40; round++) {
		size_t count = 0;

		for (int i = 0; i < 500; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			size_t k = (random >> 8) % KEYS;
			struct slice key = key_of(k, room);

			if (random & 1) {
				assert_int_equal(map_set(m, key, &values[k],
						     NULL),
				    0);
			} else {
				assert_ptr_equal(map_remove(m, key),
				    there[k] ? &values[k] : NULL);
			}
			there[k] = random & 1;
		}
		for (size_t k = 0; k < KEYS; k++) {
			assert_ptr_equal(map_get(m, key_of(k, room)),
			    there[k] ? &values[k] : NULL);
			count += there[k];
		}
		assert_int_equal(map_count(m), count);
	}
	map_free(m, NULL);
}

static unsigned dropped;

static void
drop(void *value)
{
	dropped++;
	free(value);
}

/* The walk sees each entry once, and may remove the one it holds. */
static void
test_walk(void **state)
{
	struct map *m = map_new(100);
	bool seen[100] = { false };
	size_t pos = 0, n = 0;
	struct slice key;
	void *value;
	char room[20];

	(void)state;
	assert_non_null(m);
	for (size_t i = 0; i < 100; i++) {
		size_t *number = malloc(sizeof(*number));

		assert_non_null(number);
		*number = i;
		assert_int_equal(map_set(m, key_of(i, room), number, NULL), 0);
	}
	while (map_next(m, &pos, &key, &value)) {
		size_t i = *(size_t *)value;

		assert_true(slice_eq(key, key_of(i, room)));
		assert_false(seen[i]);
		seen[i] = true;
		n++;
		if (i % 2 == 0) {
			assert_ptr_equal(map_remove(m, key), value);
			free(value);
		}
	}
	assert_int_equal(n, 100);
	assert_int_equal(map_count(m), 50);
	map_free(m, drop);
	assert_int_equal(dropped, 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basics),
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
