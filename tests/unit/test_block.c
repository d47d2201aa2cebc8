/* SPDX-License-Identifier: BSD-2-Clause */
/* The block record: reading, writing, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/block.h"
#include "util/err.h"

enum part { ENTRY, COUNTING, EVIDENCE };

static const struct {
	const char *name;
	enum part part;
	struct slice in;
	int rc;
} cases[] = {
	{ "blocked", ENTRY, SLICE("bb2.6742a1c0.674bdc40"), 0 },
	{ "exempt for ever", ENTRY, SLICE("ea0.6742a1c0"), 0 },
	{ "an origin that is not kept", ENTRY, SLICE("b-99.0"), 0 },
	{ "nothing", ENTRY, SLICE(""), ERR_SYNTAX },
	{ "a state alone", ENTRY, SLICE("b"), ERR_SYNTAX },
	{ "no status", ENTRY, SLICE("bb.1"), ERR_SYNTAX },
	{ "no time", ENTRY, SLICE("bb2"), ERR_SYNTAX },
	{ "an empty time", ENTRY, SLICE("bb2."), ERR_SYNTAX },
	{ "an empty expiry", ENTRY, SLICE("bb2.1."), ERR_SYNTAX },
	{ "more behind it", ENTRY, SLICE("bb2.1.2.3"), ERR_SYNTAX },
	{ "counting is no entry", ENTRY, SLICE("cb2.1"), ERR_SYNTAX },
	{ "an unknown origin", ENTRY, SLICE("bz2.1"), ERR_SYNTAX },
	{ "a status out of range", ENTRY, SLICE("bb1000.1"), ERR_SYNTAX },
	{ "a time out of range", ENTRY, SLICE("bb2.1234567890123456"),
	    ERR_SYNTAX },
	{ "upper case", ENTRY, SLICE("bb2.6742A1C0"), ERR_SYNTAX },
	{ "counting", COUNTING, SLICE("2.1.a 2=1@10,5=2@12;aa bb"), 0 },
	{ "only ids", COUNTING, SLICE("0.0.0 ;aa"), 0 },
	{ "no counts", COUNTING, SLICE("2.1.a"), ERR_SYNTAX },
	{ "a number less", COUNTING, SLICE("2.1 x"), ERR_SYNTAX },
	{ "a bad time", COUNTING, SLICE("2.1.x y"), ERR_SYNTAX },
	{ "evidence", EVIDENCE,
	    SLICE("3\t10\t11\th/20260101/1-0\tQ\t550 no\tby me\t2=1@10;aa"),
	    0 },
	{ "empty evidence", EVIDENCE, SLICE("\t\t\t\t\t\t\t"), 0 },
	{ "a field too few", EVIDENCE, SLICE("\t\t\t\t\t\t"), ERR_SYNTAX },
	{ "a field too many", EVIDENCE, SLICE("\t\t\t\t\t\t\t\t"), ERR_SYNTAX },
	{ "a sign", EVIDENCE, SLICE("-3\t\t\t\t\t\t\t"), ERR_SYNTAX },
};

static int
parse(enum part part, struct slice text, struct block *b)
{
	switch (part) {
	case ENTRY:
		return block_entry_parse(text, b);
	case COUNTING:
		return block_counting_parse(text, b);
	case EVIDENCE:
		return block_evidence_parse(text, b);
	}
	return 0;
}

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = cases[i].in.len;
		char *exact = malloc(len + !len);
		struct block b = { .state = BLOCK_BLOCKED };

		memcpy(exact, cases[i].in.at, len);
		if (parse(cases[i].part, (struct slice){ exact, len }, &b) !=
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
	assert_int_equal(block_entry_parse(cases[0].in, &b), 0);
	assert_int_equal(b.state, BLOCK_BLOCKED);
	assert_int_equal(b.status, 2);
	assert_int_equal(b.since_s, 0x6742a1c0);
	assert_int_equal(b.expires_s, 0x674bdc40);
	assert_true(slice_eq(b.origin, SLICE("bounce")));
	assert_int_equal(b.count, 0);
	assert_int_equal(block_evidence_parse(cases[20].in, &b), 0);
	assert_int_equal(b.count, 3);
	assert_int_equal(b.first_s, 10);
	assert_int_equal(b.last_s, 11);
	assert_true(slice_eq(b.note, SLICE("by me")));
	assert_true(slice_eq(b.counts, SLICE("2=1@10;aa")));
	assert_true(block_is_active(&b, 0x674bdc3f));
	assert_false(block_is_active(&b, 0x674bdc40));
	b.expires_s = 0;
	assert_true(block_is_active(&b, 0x674bdc40));
	b.state = BLOCK_EXEMPT;
	assert_false(block_is_active(&b, 0));
	assert_int_equal(block_counting_parse(cases[15].in, &b), 0);
	assert_int_equal(b.state, BLOCK_COUNTING);
	assert_int_equal(b.first_s, 10);
	assert_int_equal(b.last_s, 12);
}

static void
test_round_trip(void **state)
{
	struct buf out;
	struct block b;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < 3; i++) {
		buf_clear(&out);
		assert_int_equal(block_entry_parse(cases[i].in, &b), 0);
		assert_int_equal(block_entry_format(&b, &out), 0);
		assert_true(slice_eq(buf_slice(&out), cases[i].in));
	}
	buf_clear(&out);
	assert_int_equal(block_evidence_format(&b, &out), 0);
	assert_int_equal(out.len, 0); /* nothing is known */
	assert_int_equal(block_evidence_parse(cases[20].in, &b), 0);
	assert_int_equal(block_evidence_format(&b, &out), 0);
	assert_true(slice_eq(buf_slice(&out), cases[20].in));
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
	struct block again = { .state = BLOCK_EXEMPT };

	(void)state;
	memset(text, 'x', sizeof(text));
	text[299] = (char)0xc3; /* a character across the cut */
	text[300] = (char)0xa4;
	buf_init(&out, 4096);
	assert_int_equal(block_evidence_format(&b, &out), 0);
	assert_int_equal(block_evidence_parse(buf_slice(&out), &again), 0);
	assert_true(slice_eq(again.note, SLICE("a b c ")));
	assert_int_equal(again.reason.len, 299);
	buf_done(&out);
}

static void
test_in_force(void **state)
{
	const struct block blocked = { .state = BLOCK_BLOCKED };
	const struct block for_a_time = { .state = BLOCK_BLOCKED,
		.expires_s = 100 };
	const struct block exempt = { .state = BLOCK_EXEMPT };
	const struct block soon_over = { .state = BLOCK_EXEMPT,
		.expires_s = 100 };

	(void)state;
	assert_null(block_in_force(NULL, NULL, 50));
	assert_ptr_equal(block_in_force(&blocked, NULL, 50), &blocked);
	assert_ptr_equal(block_in_force(NULL, &blocked, 50), &blocked);
	assert_ptr_equal(block_in_force(&blocked, &for_a_time, 50), &blocked);
	assert_null(block_in_force(&exempt, &blocked, 50));
	assert_null(block_in_force(&blocked, &exempt, 50));
	assert_null(block_in_force(&blocked, &soon_over, 99));
	assert_ptr_equal(block_in_force(&blocked, &soon_over, 100), &blocked);
	assert_null(block_in_force(&for_a_time, NULL, 100));
	assert_ptr_equal(block_in_force(&for_a_time, &blocked, 100), &blocked);
}

static void
test_names(void **state)
{
	char room[BLOCK_FIELD_MAX], ref[BLOCK_REFERENCE_LEN];
	char other[BLOCK_REFERENCE_LEN], why[BLOCK_WHY_MAX];
	struct slice address, stream;
	struct block b = { .state = BLOCK_BLOCKED, .status = 2, .since_s = 5 };

	(void)state;
	assert_true(
	    slice_eq(block_field(SLICE("a@x"), (struct slice){ 0 }, room),
		SLICE("a@x")));
	block_field_split(SLICE("a@x"), &address, &stream);
	assert_true(slice_eq(address, SLICE("a@x")));
	assert_null(stream.at);
	assert_true(slice_eq(block_field(SLICE("a@x"), SLICE("news"), room),
	    SLICE("a@x\tnews")));
	block_field_split(SLICE("a@x\tnews"), &address, &stream);
	assert_true(slice_eq(address, SLICE("a@x")));
	assert_true(slice_eq(stream, SLICE("news")));
	assert_true(slice_eq(block_reference(SLICE("a@x"), &b, ref),
	    block_reference(SLICE("a@x"), &b, other)));
	assert_true(slice_starts(block_why(SLICE("a@x"), &b, why),
	    SLICE("user unknown, ref ")));
	b.since_s = 6;
	assert_false(slice_eq(block_reference(SLICE("a@x"), &b, other),
	    (struct slice){ ref, sizeof(ref) }));
	b.status = 0;
	assert_true(slice_starts(block_why(SLICE("a@x"), &b, why),
	    SLICE("by request, ref ")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_hostile_values),
		cmocka_unit_test(test_in_force),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
