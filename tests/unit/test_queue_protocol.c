/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the queue helper, its answers, and the rows of its lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/queue_protocol.h"
#include "util/err.h"

/* In a block of its own, so that reading past the end is seen. */
static struct slice
exact(const void *octets, size_t len)
{
	char *p = malloc(len + !len);

	assert_non_null(p);
	memcpy(p, octets, len);
	return (struct slice){ p, len };
}

static void
drop(struct slice s)
{
	union {
		const char *in;
		void *out;
	} p = { s.at };

	free(p.out);
}

static void
test_ids(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
		{ "4Xk2bQ1z9Gz3rV", true },
		{ "A1B2C3", true },
		{ "0123456789ABCDEFGHIJ", true },
		{ "0123456789ABCDEFGHIJK", false },
		{ "A1B2C", false },
		{ "ALL", false },
		{ "", false },
		{ "-A1B2C3D", false },
		{ "A1B2C3-", false },
		{ "../A1B2C3", false },
		{ "A1B2/C3D4", false },
		{ "A1B2 C3D4", false },
		{ "A1B2\nC3D4", false },
		{ "A1B2C3\xc3\xa4", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice id = exact(cases[i].text, strlen(cases[i].text));

		if (queue_id_ok(id) != cases[i].ok)
			fail_msg("\"%s\"", cases[i].text);
		drop(id);
	}
	assert_false(queue_id_ok((struct slice){ "A1B2C3\0", 7 }));
}

/* No shorter piece of a packet, and no longer one, is a packet. */
static void
check_request_lengths(struct slice packet)
{
	struct queue_request out = { .number = 77 };

	for (size_t n = 0; n < packet.len; n++) {
		struct slice in = exact(packet.at, n);

		assert_int_equal(queue_request_parse(in, &out), ERR_SYNTAX);
		assert_int_equal(out.number, 77);
		drop(in);
	}
	char *longer = malloc(packet.len + 1);
	assert_non_null(longer);
	memcpy(longer, packet.at, packet.len);
	longer[packet.len] = 1;
	assert_int_equal(queue_request_parse((struct slice){ longer,
						 packet.len + 1 },
			     &out),
	    ERR_SYNTAX);
	free(longer);
}

static void
test_release(void **state)
{
	static const char want[] = "PHQ1\0\0\1\2R\0\0\0\0\2"
				   "\6A1B2C3\16"
				   "4Xk2bQ1z9Gz3rV";
	const struct slice ids[] = { SLICE("A1B2C3"), SLICE("4Xk2bQ1z9Gz3rV") };
	const struct queue_request r = { .number = 0x102,
		.kind = QUEUE_ASK_RELEASE,
		.ids = ids,
		.count = 2 };
	struct queue_request out;
	struct slice rest, id;
	struct buf b;

	(void)state;
	buf_init(&b, QUEUE_PACKET_MAX);
	assert_int_equal(queue_request_format(&r, &b), 0);
	assert_int_equal(b.len, sizeof(want) - 1);
	assert_memory_equal(b.at, want, b.len);
	check_request_lengths(buf_slice(&b));
	struct slice in = exact(b.at, b.len);
	assert_int_equal(queue_request_parse(in, &out), 0);
	assert_int_equal(out.number, 0x102);
	assert_int_equal(out.kind, QUEUE_ASK_RELEASE);
	assert_int_equal(out.count, 2);
	rest = out.packed_ids;
	for (size_t i = 0; i < 2; i++) {
		assert_true(queue_id_next(&rest, &id));
		assert_true(slice_eq(id, ids[i]));
	}
	assert_false(queue_id_next(&rest, &id));
	drop(in);
	buf_done(&b);
}

static void
test_start(void **state)
{
	const struct queue_request r = { .kind = QUEUE_ASK_START,
		.user = 65534,
		.sandbox = true,
		.config_directory = SLICE("/etc/postfix"),
		.state_directory = SLICE("/var/lib/postern"),
		.key_file = SLICE("/etc/postern/master.key") };
	static const char *const bad[] = { "", "etc", "/a\nb" };
	struct queue_request out;
	struct buf b;

	(void)state;
	buf_init(&b, QUEUE_PACKET_MAX);
	assert_int_equal(queue_request_format(&r, &b), 0);
	check_request_lengths(buf_slice(&b));
	assert_int_equal(queue_request_parse(buf_slice(&b), &out), 0);
	assert_int_equal(out.user, 65534);
	assert_true(out.sandbox);
	assert_true(slice_eq(out.config_directory, r.config_directory));
	assert_true(slice_eq(out.state_directory, r.state_directory));
	assert_true(slice_eq(out.key_file, r.key_file));
	b.at[16] = 2; /* the sandbox */
	assert_int_equal(queue_request_parse(buf_slice(&b), &out), ERR_SYNTAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct queue_request wrong = r;

		buf_clear(&b);
		wrong.state_directory = slice_of(bad[i]);
		assert_int_equal(queue_request_format(&wrong, &b), ERR_SYNTAX);
	}
	buf_done(&b);
}

static void
test_other_requests(void **state)
{
	static const enum queue_request_kind kinds[] = { QUEUE_ASK_COUNT,
		QUEUE_ASK_LIST, QUEUE_ASK_MORE, QUEUE_ASK_APPLY };
	struct queue_request r = { .number = 9 }, out;
	struct buf b;

	(void)state;
	memset(r.digest, 0xa5, sizeof(r.digest));
	buf_init(&b, QUEUE_PACKET_MAX);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		buf_clear(&b);
		r.kind = kinds[i];
		assert_int_equal(queue_request_format(&r, &b), 0);
		check_request_lengths(buf_slice(&b));
		assert_int_equal(queue_request_parse(buf_slice(&b), &out), 0);
		assert_int_equal(out.kind, kinds[i]);
		if (kinds[i] == QUEUE_ASK_APPLY)
			assert_memory_equal(out.digest, r.digest,
			    sizeof(r.digest));
	}
	buf_done(&b);
}

/* As many as there may be, the longest there are: they fit into a packet. */
static void
test_most_ids(void **state)
{
	static struct slice ids[QUEUE_IDS_MAX + 1];
	struct queue_request r = { .kind = QUEUE_ASK_DELETE, .ids = ids }, out;
	struct buf b;

	(void)state;
	for (size_t i = 0; i <= QUEUE_IDS_MAX; i++)
		ids[i] = SLICE("0123456789ABCDEFGHIJ");
	buf_init(&b, QUEUE_PACKET_MAX);
	r.count = QUEUE_IDS_MAX;
	assert_int_equal(queue_request_format(&r, &b), 0);
	assert_int_equal(queue_request_parse(buf_slice(&b), &out), 0);
	assert_int_equal(out.count, QUEUE_IDS_MAX);
	/* One more, by hand. */
	b.at[12] = (char)((QUEUE_IDS_MAX + 1) >> 8);
	b.at[13] = (char)((QUEUE_IDS_MAX + 1) & 0xff);
	(void)buf_add_text(&b, "\024"
			       "0123456789ABCDEFGHIJ");
	assert_int_equal(queue_request_parse(buf_slice(&b), &out), ERR_SYNTAX);
	buf_clear(&b);
	r.count = QUEUE_IDS_MAX + 1;
	assert_int_equal(queue_request_format(&r, &b), ERR_LIMIT);
	buf_clear(&b);
	r.kind = QUEUE_ASK_READ;
	r.count = 2;
	assert_int_equal(queue_request_format(&r, &b), ERR_LIMIT);
	buf_clear(&b);
	r.count = 0;
	assert_int_equal(queue_request_format(&r, &b), ERR_SYNTAX);
	buf_done(&b);
}

static void
test_bad_requests(void **state)
{
	static const struct {
		const char *name, *octets;
		size_t len;
	} cases[] = {
		{ "another magic", "PHA1\0\0\0\1C\0\0\0", 12 },
		{ "no such kind", "PHQ1\0\0\0\1X\0\0\0", 12 },
		{ "not zero", "PHQ1\0\0\0\1C\0\1\0", 12 },
		{ "no ids", "PHQ1\0\0\0\1R\0\0\0\0\0", 14 },
		{ "ALL", "PHQ1\0\0\0\1D\0\0\0\0\1\3ALL", 18 },
		{ "an option", "PHQ1\0\0\0\1D\0\0\0\0\1\7-dABCDE", 22 },
		{ "a path", "PHQ1\0\0\0\1D\0\0\0\0\1\7A/BCDEF", 22 },
		{ "a line end", "PHQ1\0\0\0\1D\0\0\0\0\1\7ABC\nDEF", 22 },
		{ "read two", "PHQ1\0\0\0\1T\0\0\0\0\2\6ABCDEF\6ABCDEF", 28 },
	};
	struct queue_request out = { .number = 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice in = exact(cases[i].octets, cases[i].len);

		if (queue_request_parse(in, &out) != ERR_SYNTAX)
			fail_msg("%s", cases[i].name);
		assert_int_equal(out.number, 7);
		drop(in);
	}
}

static void
test_answer(void **state)
{
	static const char want[] = "PHA1\0\0\0\5\10\1\0\0"
				   "\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4no";
	const struct queue_answer a = { .number = 5,
		.rc = ERR_IO,
		.more = true,
		.done = 3,
		.active = 4,
		.text = SLICE("no") };
	struct queue_answer out = { .number = 1 };
	struct buf b;

	(void)state;
	buf_init(&b, QUEUE_PACKET_MAX);
	assert_int_equal(queue_answer_format(&a, &b), 0);
	assert_int_equal(b.len, sizeof(want) - 1);
	assert_memory_equal(b.at, want, b.len);
	for (size_t n = 0; n < QUEUE_ANSWER_HEAD; n++) {
		struct slice in = exact(b.at, n);

		assert_int_equal(queue_answer_parse(in, &out), ERR_SYNTAX);
		assert_int_equal(out.number, 1);
		drop(in);
	}
	struct slice in = exact(b.at, b.len);
	assert_int_equal(queue_answer_parse(in, &out), 0);
	assert_int_equal(out.number, 5);
	assert_int_equal(out.rc, ERR_IO);
	assert_true(out.more);
	assert_int_equal(out.done, 3);
	assert_int_equal(out.active, 4);
	assert_true(slice_eq(out.text, SLICE("no")));
	drop(in);
	b.at[8] = 13; /* no such code */
	assert_int_equal(queue_answer_parse(buf_slice(&b), &out), ERR_SYNTAX);
	b.at[8] = 0;
	b.at[9] = 2;
	assert_int_equal(queue_answer_parse(buf_slice(&b), &out), ERR_SYNTAX);
	buf_done(&b);
}

static void
test_rows(void **state)
{
	const struct queue_held row = { SLICE("4Xk2bQ1z9Gz3rV"),
		1700000000123 };
	struct queue_held out;
	struct slice rest;
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(queue_row_format(&row, &b), 0);
	assert_int_equal(queue_row_format(&row, &b), 0);
	rest = buf_slice(&b);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(queue_row_next(&rest, &out), 1);
		assert_true(slice_eq(out.queue_id, row.queue_id));
		assert_true(out.since_ms == row.since_ms);
	}
	assert_int_equal(queue_row_next(&rest, &out), 0);
	for (size_t n = 1; n < b.len / 2; n++) {
		struct slice in = exact(b.at, n);

		rest = in;
		assert_int_equal(queue_row_next(&rest, &out), ERR_SYNTAX);
		drop(in);
	}
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_other_requests),
		cmocka_unit_test(test_most_ids),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
