/* SPDX-License-Identifier: BSD-2-Clause */
/* The block record: reading, writing, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/block.h"
#include "util/err.h"

#define REST "\t\t\t\t\t\t\t"

static const struct {
	const char *name;
	struct slice in;
	int rc;
} cases[] = {
	{ "a blocked address",
	    SLICE("b\t2\t1\t10\t11\t12\t13\tbounce\tabcdefgh\th/20260101/1-0\t"
		  "Q\t550 no\tby me\t2=1@10;aa"),
	    0 },
	{ "numbers may be missing", SLICE("c\t\t\t\t\t\t" REST), 0 },
	{ "nothing", SLICE(""), ERR_SYNTAX },
	{ "a state of two letters", SLICE("bb\t\t\t\t\t\t" REST), ERR_SYNTAX },
	{ "an unknown state", SLICE("x\t\t\t\t\t\t" REST), ERR_SYNTAX },
	{ "a field too few", SLICE("b\t\t\t\t\t" REST), ERR_SYNTAX },
	{ "a field too many", SLICE("b\t\t\t\t\t\t\t" REST), ERR_SYNTAX },
	{ "a sign", SLICE("b\t-2\t\t\t\t\t" REST), ERR_SYNTAX },
	{ "a status out of range", SLICE("b\t1000\t\t\t\t\t" REST),
	    ERR_SYNTAX },
	{ "a number out of range",
	    SLICE("b\t\t99999999999999999999\t\t\t\t" REST), ERR_SYNTAX },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = cases[i].in.len;
		char *exact = malloc(len + !len);
		struct block b;

		memcpy(exact, cases[i].in.at, len);
		if (block_parse((struct slice){ exact, len }, &b) !=
		    cases[i].rc)
			fail_msg("%s", cases[i].name);
		free(exact);
	}
}

static void
test_fields(void **state)
{
	struct block b;

	(void)state;
	assert_int_equal(block_parse(cases[0].in, &b), 0);
	assert_int_equal(b.state, BLOCK_BLOCKED);
	assert_int_equal(b.status, 2);
	assert_int_equal(b.count, 1);
	assert_int_equal(b.first_s, 10);
	assert_int_equal(b.last_s, 11);
	assert_int_equal(b.since_s, 12);
	assert_int_equal(b.expires_s, 13);
	assert_true(slice_eq(b.origin, SLICE("bounce")));
	assert_true(slice_eq(b.note, SLICE("by me")));
	assert_true(slice_eq(b.counts, SLICE("2=1@10;aa")));
	assert_true(block_is_active(&b, 12));
	assert_false(block_is_active(&b, 13));
	b.expires_s = 0;
	assert_true(block_is_active(&b, 13));
	b.state = BLOCK_EXEMPT;
	assert_false(block_is_active(&b, 13));
}

static void
test_round_trip(void **state)
{
	struct buf out;
	struct block b;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(block_parse(cases[0].in, &b), 0);
	assert_int_equal(block_format(&b, &out), 0);
	assert_true(slice_eq(buf_slice(&out), cases[0].in));
	buf_done(&out);
}

static void
test_hostile_values(void **state)
{
	char text[302];
	struct block b = { .state = BLOCK_EXEMPT,
		.note = SLICE("a\tb\nc\x7f"),
		.reason = { text, sizeof(text) } };
	struct buf out;
	struct block again;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[299] = (char)0xc3; /* a character across the cut */
	text[300] = (char)0xa4;
	buf_init(&out, 4096);
	assert_int_equal(block_format(&b, &out), 0);
	assert_int_equal(block_parse(buf_slice(&out), &again), 0);
	assert_true(slice_eq(again.note, SLICE("a b c ")));
	assert_int_equal(again.reason.len, 299);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_hostile_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
