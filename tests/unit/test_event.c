/* SPDX-License-Identifier: BSD-2-Clause */
/* Events: fields and packed form both ways, and JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/event.h"
#include "util/err.h"

static const struct event full = {
	.created_ms = 1763884800123,
	.type = EVENT_FAILED,
	.tenant = SLICE("shop"),
	.recipient = SLICE("a@x"),
	.queue_id = SLICE("Q1"),
	.message = SLICE("1-0"),
	.status = 2,
	.count = 3,
	.class = CLASS_USER_UNKNOWN,
	.repeated = true,
	.reason = SLICE("550 5.1.1 \"no\""),
	.relay = SLICE("mx[192.0.2.1]:25"),
	.return_path = SLICE(""),
	.subject = SLICE("Hello"),
	.source_ip = SLICE("192.0.2.9"),
	.preflight = SLICE("from date"),
	.copy_of = SLICE("Q0"),
	.stream = SLICE("news"),
};

static void
test_round_trip(void **state)
{
	struct event_fields f;
	struct buf facts;
	struct event e;

	(void)state;
	buf_init(&facts, EVENT_FACTS_MAX);
	assert_int_equal(event_to_fields(&full, &facts, &f), 0);
	assert_true(slice_eq(buf_slice(&facts),
	    SLICE("<>\t\t\tHello\t\t\t192.0.2.9\t\t\tfrom date\tQ0\tnews")));
	assert_int_equal(event_from_fields(f.at, 2 * EVENT_FIELDS, &e), 0);
	assert_int_equal(e.type, EVENT_FAILED);
	assert_int_equal(e.created_ms, full.created_ms);
	assert_int_equal(e.status, 2);
	assert_int_equal(e.count, 3);
	assert_int_equal(e.class, CLASS_USER_UNKNOWN);
	assert_true(e.repeated);
	assert_true(slice_eq(e.reason, full.reason));
	assert_true(slice_eq(e.relay, full.relay));
	assert_true(slice_eq(e.subject, full.subject));
	assert_true(slice_eq(e.source_ip, full.source_ip));
	assert_true(slice_eq(e.preflight, full.preflight));
	assert_true(slice_eq(e.copy_of, full.copy_of));
	assert_true(slice_eq(e.stream, full.stream));
	assert_non_null(e.return_path.at); /* null sender, not absent */
	assert_int_equal(e.return_path.len, 0);
	assert_null(e.sender.at);
	assert_null(e.origin.at);
	buf_done(&facts);
}

static void
test_values_are_cut_and_cleaned(void **state)
{
	struct event e = { .type = EVENT_QUEUED, .subject = SLICE("a\tb\nc") };
	char text[EVENT_VALUE_MAX + 2];
	struct event_fields f;
	struct buf facts;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + EVENT_VALUE_MAX - 1, "\xc3\xa4", 2);
	e.api_data = (struct slice){ text, sizeof(text) };
	buf_init(&facts, EVENT_FACTS_MAX);
	assert_int_equal(event_to_fields(&e, &facts, &f), 0);
	assert_int_equal(event_from_fields(f.at, 2 * EVENT_FIELDS, &e), 0);
	assert_true(slice_eq(e.subject, SLICE("a b c")));
	assert_int_equal(e.api_data.len, EVENT_VALUE_MAX - 1);
	buf_done(&facts);
}

static void
pack_is(const struct event *e, int64_t base_ms, const char *want)
{
	struct buf out;

	buf_init(&out, EVENT_PACKED_MAX);
	assert_int_equal(event_pack(e, base_ms, &out), 0);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void
test_packed(void **state)
{
	const struct event small = { .type = EVENT_SUCCEEDED,
		.tenant = SLICE("default"),
		.recipient = SLICE("a@x"),
		.created_ms = 1000 };
	const char *text = "f2*3.3!\ta@x\t1-0\t77\tQ1\tshop\t550 5.1.1 \"no\"\t"
			   "mx[192.0.2.1]:25\t\t<>\t\t\tHello\t\t\t192.0.2.9"
			   "\t\t\tfrom date\tQ0\tnews";
	struct event e;

	(void)state;
	pack_is(&full, full.created_ms + 77, text);
	assert_int_equal(event_unpack(slice_of(text), full.created_ms + 77, &e),
	    0);
	assert_int_equal(e.type, EVENT_FAILED);
	assert_int_equal(e.created_ms, full.created_ms);
	assert_int_equal(e.class, CLASS_USER_UNKNOWN);
	assert_int_equal(e.status, 2);
	assert_true(e.repeated);
	assert_true(slice_eq(e.tenant, full.tenant));
	assert_true(slice_eq(e.message, full.message));
	assert_true(slice_eq(e.subject, full.subject));
	assert_true(slice_eq(e.copy_of, full.copy_of));
	assert_non_null(e.return_path.at);
	assert_null(e.origin.at);
	pack_is(&small, 1000, "s\ta@x");
	pack_is(&small, 990, "s\ta@x\t\t-10");
	assert_int_equal(event_unpack(SLICE("s\ta@x\t\t-10"), 990, &e), 0);
	assert_int_equal(e.created_ms, 1000);
	assert_true(slice_eq(e.tenant, SLICE("default")));
	assert_null(e.queue_id.at);
	assert_null(e.message.at);
}

/* What comes from the net can not make columns. */
static void
test_packed_hostile(void **state)
{
	char text[EVENT_VALUE_MAX + 2];
	struct event e = { .type = EVENT_DEFERRED,
		.recipient = SLICE("a\tb\n@x"),
		.reason = SLICE("450\r\n\tlater\x7f") };
	struct buf out;

	(void)state;
	pack_is(&e, 0, "d\ta b @x\t\t\t\t\t450   later ");
	memset(text, 'x', sizeof(text));
	memcpy(text + EVENT_VALUE_MAX - 1, "\xc3\xa4", 2);
	e.relay = (struct slice){ text, sizeof(text) };
	buf_init(&out, EVENT_PACKED_MAX);
	assert_int_equal(event_pack(&e, 0, &out), 0);
	assert_int_equal(event_unpack(buf_slice(&out), 0, &e), 0);
	assert_int_equal(e.relay.len, EVENT_VALUE_MAX - 1);
	buf_done(&out);
}

static void
test_packed_bad(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{ "", ERR_SYNTAX },
		{ "z", ERR_SYNTAX },
		{ "\ta@x", ERR_SYNTAX },
		{ "fx", ERR_SYNTAX },
		{ "f1000", ERR_SYNTAX },
		{ "q\t\t\tx", ERR_SYNTAX },
		{ "q\t\t\t-", ERR_SYNTAX },
		{ "q\t\t\t9223372036854775807", ERR_SYNTAX },
		{ "f2.999", 0 }, /* a class that is not known yet */
		{ "f.3", 0 },
		{ "q", 0 },
		{ "q\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\tmore", 0 },
	};
	struct event e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text);
		char *exact = malloc(n + 1);

		memcpy(exact + 1, rows[i].text, n);
		if (event_unpack((struct slice){ exact + 1, n }, 1, &e) !=
		    rows[i].rc)
			fail_msg("%s", rows[i].text);
		free(exact);
	}
}

static const struct {
	const char *name;
	struct slice at[6];
	size_t count;
	int rc;
} bad[] = {
	{ "no type", { SLICE("n"), SLICE("x") }, 2, ERR_SYNTAX },
	{ "unknown type", { SLICE("t"), SLICE("z") }, 2, ERR_SYNTAX },
	{ "type of two letters", { SLICE("t"), SLICE("qq") }, 2, ERR_SYNTAX },
	{ "bad status", { SLICE("t"), SLICE("q"), SLICE("s"), SLICE("1000") },
	    4, ERR_SYNTAX },
	{ "bad time", { SLICE("t"), SLICE("q"), SLICE("w"), SLICE("-1") }, 4,
	    ERR_SYNTAX },
	{ "unknown names are skipped",
	    { SLICE("t"), SLICE("q"), SLICE("zz"), SLICE("1"), SLICE("9"),
		SLICE("") },
	    6, 0 },
	{ "a name without value", { SLICE("t"), SLICE("q"), SLICE("n") }, 3,
	    0 },
	{ "nothing", { SLICE("") }, 0, ERR_SYNTAX },
};

static void
test_bad_fields(void **state)
{
	struct event e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (event_from_fields(bad[i].at, bad[i].count, &e) != bad[i].rc)
			fail_msg("%s", bad[i].name);
}

static void
test_words(void **state)
{
	enum event_type type;

	(void)state;
	for (unsigned i = 0; i < EVENT_NTYPES; i++) {
		const char *word = event_type_word((enum event_type)i);

		assert_int_equal(event_type_parse(slice_of(word), &type), 0);
		assert_int_equal(type, i);
	}
	assert_int_equal(event_type_parse(SLICE("Queued"), &type), ERR_SYNTAX);
}

static void
test_json(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_int_equal(event_to_json(&full, &out), 0);
	assert_string_equal(buf_text(&out),
	    "{\"created\":\"2025-11-23T08:00:00.123Z\",\"type\":\"failed\","
	    "\"tenant\":\"shop\",\"recipient\":\"a@x\",\"queue_id\":\"Q1\","
	    "\"message\":\"1-0\",\"status\":2,"
	    "\"status_name\":\"user_unknown\",\"count\":3,"
	    "\"class\":\"user-unknown\","
	    "\"repeated\":true,"
	    "\"reason\":\"550 5.1.1 \\\"no\\\"\","
	    "\"relay\":\"mx[192.0.2.1]:25\",\"return_path\":\"\","
	    "\"subject\":\"Hello\",\"source_ip\":\"192.0.2.9\","
	    "\"preflight\":[\"from\",\"date\"],\"copy_of\":\"Q0\","
	    "\"stream\":\"news\"}");
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_values_are_cut_and_cleaned),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_packed_hostile),
		cmocka_unit_test(test_packed_bad),
		cmocka_unit_test(test_bad_fields),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
