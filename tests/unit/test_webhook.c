/* SPDX-License-Identifier: BSD-2-Clause */
/* What webhooks carry, how they are signed, when they are tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apid/webhook_body.h"
#include "apid/webhook_retry.h"
#include "apid/webhook_sign.h"
#include "util/err.h"

static void
test_signature_of_the_specification(void **state)
{
	/* The example of the Standard Webhooks specification's libraries. */
	const struct slice secrets[] = {
		SLICE("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
		SLICE("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
	};
	const struct slice bad = SLICE("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
	const struct slice worse = SLICE("whsec_!");
	const struct slice id = SLICE("msg_p5jXN8AQM9LWM0D4loKWxJek");
	const struct slice body = SLICE("{\"test\": 2432232314}");
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(webhook_sign(secrets, 1, id, 1614265330, body, &out),
	    0);
	assert_string_equal(buf_text(&out),
	    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	buf_clear(&out);
	assert_int_equal(webhook_sign(secrets, 2, id, 1614265330, body, &out),
	    0);
	assert_string_equal(buf_text(&out),
	    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
	    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	assert_int_equal(webhook_sign(&bad, 1, id, 1614265330, body, &out),
	    ERR_SYNTAX);
	assert_int_equal(webhook_sign(&worse, 1, id, 1614265330, body, &out),
	    ERR_SYNTAX);
	buf_done(&out);
}

static void
test_retry_curve(void **state)
{
	int64_t sum = 0, last = 0, wait;
	unsigned n = 1;

	(void)state;
	for (; (wait = webhook_retry_ms(n)) >= 0; n++) {
		assert_true(wait >= last);
		last = wait;
		sum += wait;
	}
	assert_int_equal(n, 21);
	assert_true(sum > 3 * 86400000LL && sum < 3 * 86400000LL + 7200000);
	assert_int_equal(webhook_retry_ms(1), 5000);
}

static void
test_verdicts(void **state)
{
	static const struct {
		int rc;
		unsigned status;
		int64_t retry_after_s;
		unsigned attempts;
		enum webhook_outcome outcome;
		int64_t least_ms;
		bool pauses;
	} cases[] = {
		{ 0, 200, -1, 1, WEBHOOK_DELIVERED, 0, false },
		{ 0, 204, -1, 1, WEBHOOK_DELIVERED, 0, false },
		{ 0, 302, -1, 1, WEBHOOK_RETRY, 5000, true },
		{ 0, 400, -1, 1, WEBHOOK_RETRY, 5000, false },
		{ 0, 404, -1, 2, WEBHOOK_RETRY, 30000, false },
		{ 0, 410, -1, 1, WEBHOOK_GONE, 0, false },
		{ 0, 408, -1, 1, WEBHOOK_RETRY, 5000, true },
		{ 0, 429, 17, 1, WEBHOOK_RETRY, 17000, true },
		{ 0, 429, -1, 1, WEBHOOK_RETRY, 5000, true },
		{ 0, 503, 100, 1, WEBHOOK_RETRY, 100000, true },
		{ 0, 500, 100, 1, WEBHOOK_RETRY, 5000, true },
		{ 0, 503, 1, 5, WEBHOOK_RETRY, 900000, true },
		{ 0, 503, 999999999, 1, WEBHOOK_RETRY, 86400000, true },
		{ 0, 500, -1, 20, WEBHOOK_RETRY, 21600000, true },
		{ 0, 500, -1, 21, WEBHOOK_DEAD, 0, true },
		{ ERR_TIMEOUT, 0, -1, 1, WEBHOOK_RETRY, 5000, true },
		{ ERR_DENIED, 0, -1, 1, WEBHOOK_RETRY, 5000, true },
		{ ERR_UNAVAIL, 0, -1, 21, WEBHOOK_DEAD, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct http_answer answer = { .status = cases[i].status,
			.retry_after_s = cases[i].retry_after_s };

		for (uint32_t random = 0; random < 0x20000; random += 0x3fff) {
			struct webhook_verdict v = webhook_judge(cases[i].rc,
			    &answer, cases[i].attempts, 1, random);

			if (v.outcome != cases[i].outcome ||
			    v.wait_ms < cases[i].least_ms ||
			    v.wait_ms > cases[i].least_ms * 5 / 4 ||
			    (v.pause_ms > 0) != cases[i].pauses)
				fail_msg("case %zu: %d, %lld, %lld", i,
				    v.outcome, (long long)v.wait_ms,
				    (long long)v.pause_ms);
		}
	}
}

static void
test_pause_grows_to_a_minute(void **state)
{
	struct http_answer answer = { .status = 500, .retry_after_s = -1 };
	int64_t last = 0;

	(void)state;
	for (unsigned failures = 1; failures < 100; failures++) {
		int64_t ms = webhook_judge(0, &answer, 1, failures, 0).pause_ms;

		assert_true(ms >= last && ms <= 60000);
		last = ms;
	}
	assert_int_equal(last, 60000);
}

static void
test_kinds(void **state)
{
	enum {
		D = 1 << WEBHOOK_KIND_DELIVERIES,
		B = 1 << WEBHOOK_KIND_BOUNCES,
		K = 1 << WEBHOOK_KIND_BLOCKS,
		C = 1 << WEBHOOK_KIND_COMPLAINTS,
		A = 1 << WEBHOOK_KIND_ALARMS
	};
	struct webhook all = {
		.events = WEBHOOK_DELIVERIES | WEBHOOK_BOUNCES |
			  WEBHOOK_BLOCKS | WEBHOOK_COMPLAINTS | WEBHOOK_ALARMS,
		.deliveries = ~0U,
	};
	struct webhook some = all;

	(void)state;
	assert_int_equal(webhook_kinds(&all, EVENT_QUEUED, false), D);
	assert_int_equal(webhook_kinds(&all, EVENT_FAILED, false), D | B);
	assert_int_equal(webhook_kinds(&all, EVENT_FAILED, true), D);
	assert_int_equal(webhook_kinds(&all, EVENT_BOUNCED, false), B);
	assert_int_equal(webhook_kinds(&all, EVENT_BOUNCED, true), 0);
	assert_int_equal(webhook_kinds(&all, EVENT_BLOCKED, false), K);
	assert_int_equal(webhook_kinds(&all, EVENT_EXEMPTED, false), K);
	assert_int_equal(webhook_kinds(&all, EVENT_COMPLAINED, false), C);
	assert_int_equal(webhook_kinds(&all, EVENT_COMPLAINED, true), 0);
	assert_int_equal(webhook_kinds(&all, EVENT_ALARM, false), A);
	assert_int_equal(webhook_kinds(&all, EVENT_OBSERVED, false), 0);
	some.deliveries = 1 << EVENT_FAILED;
	assert_int_equal(webhook_kinds(&some, EVENT_QUEUED, false), 0);
	assert_int_equal(webhook_kinds(&some, EVENT_FAILED, false), D | B);
	some.events = WEBHOOK_BLOCKS;
	assert_int_equal(webhook_kinds(&some, EVENT_FAILED, false), 0);
	assert_int_equal(webhook_kinds(&some, EVENT_COMPLAINED, false), 0);
	assert_int_equal(webhook_kinds(&some, EVENT_ALARM, false), 0);
	assert_int_equal(webhook_kinds(&some, EVENT_UNBLOCKED, false), K);
}

static const struct event queued = {
	.id = { "h/20260131/1-0", 14 },
	.created_ms = 1769860800999,
	.type = EVENT_QUEUED,
	.recipient = { "user@example.jp", 15 },
	.sender = { "info@example.com", 16 },
	.return_path = { "b-x@return.example", 18 },
	.from = { "\"Info, <x>\" <info@example.com>", 30 },
	.subject = { "50% & \"more\"", 12 },
	.message_id = { "<1@example.com>", 15 },
	.api_data = { "CMC00123", 8 },
	.source_ip = { "192.0.2.1", 9 },
	.sender_ip = { "192.0.2.9", 9 },
};

static void
check_body(enum webhook_format format, const char *api_key,
    enum webhook_kind kind, const struct event *e, const char *want)
{
	struct webhook hook = { .format = format,
		.api_key = slice_of(api_key) };
	struct tenant tenant = { .name = SLICE("shop"),
		.title = SLICE("My Shop") };
	struct buf out;

	buf_init(&out, 100000);
	assert_int_equal(webhook_body(&hook, &tenant, kind, e, 1, 0, &out), 0);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

#define CMC_QUEUED \
	"{\"created\":\"2026-01-31 12:00:00\",\"returnPath\":" \
	"\"b-x@return.example\",\"from\":\"info@example.com\",\"to\":" \
	"\"user@example.jp\",\"messageId\":\"<1@example.com>\",\"reason\":" \
	"\"\",\"senderIp\":\"\",\"sourceIp\":\"192.0.2.1\",\"status\":" \
	"\"queued\",\"subject\":\"50% & \\\"more\\\"\",\"apiData\":" \
	"\"CMC00123\"}"

static void
test_cmc_json(void **state)
{
	struct event e = queued;

	(void)state;
	check_body(WEBHOOK_CMC_JSON, "k1", WEBHOOK_KIND_DELIVERIES, &e,
	    "{\"api_key\":\"k1\",\"event_type\":\"deliveries\","
	    "\"server_composition\":\"My Shop\",\"event\":{\"deliveries\":[" CMC_QUEUED
	    "]}}");
	e.type = EVENT_FAILED;
	e.status = 2;
	e.reason = SLICE("550 5.1.1 no");
	check_body(WEBHOOK_CMC_JSON, NULL, WEBHOOK_KIND_BOUNCES, &e,
	    "{\"event_type\":\"bounces\",\"server_composition\":\"My Shop\","
	    "\"event\":{\"bounces\":[{\"created\":\"2026-01-31 12:00:00\","
	    "\"status\":\"2\",\"from\":\"info@example.com\",\"to\":"
	    "\"user@example.jp\",\"messageId\":\"<1@example.com>\","
	    "\"returnPath\":\"b-x@return.example\",\"subject\":"
	    "\"50% & \\\"more\\\"\",\"apiData\":\"CMC00123\",\"reason\":"
	    "\"550 5.1.1 no\"}]}}");
	e.type = EVENT_UNBLOCKED;
	check_body(WEBHOOK_CMC_JSON, NULL, WEBHOOK_KIND_BLOCKS, &e,
	    "{\"event_type\":\"blocks\",\"server_composition\":\"My Shop\","
	    "\"event\":{\"blocks\":[{\"address\":\"user@example.jp\","
	    "\"created\":\"2026-01-31 12:00:00\",\"status\":\"canceled\"}]}}");
}

static void
test_kinds_that_the_product_has_not(void **state)
{
	struct event e = queued;

	(void)state;
	e.type = EVENT_COMPLAINED;
	e.reason = SLICE("abuse");
	check_body(WEBHOOK_CMC_JSON, NULL, WEBHOOK_KIND_COMPLAINTS, &e,
	    "{\"event_type\":\"complaints\",\"server_composition\":"
	    "\"My Shop\",\"event\":{\"complaints\":[{\"created\":"
	    "\"2026-01-31 12:00:00\",\"from\":\"info@example.com\",\"to\":"
	    "\"user@example.jp\",\"messageId\":\"<1@example.com>\","
	    "\"returnPath\":\"b-x@return.example\",\"subject\":"
	    "\"50% & \\\"more\\\"\",\"apiData\":\"CMC00123\",\"reason\":"
	    "\"abuse\"}]}}");
	e = (struct event){ .created_ms = 1601287200000,
		.type = EVENT_ALARM,
		.origin = SLICE("outbreak"),
		.recipient = SLICE("google"),
		.reason = SLICE("452 4.2.2") };
	check_body(WEBHOOK_CMC_JSON, NULL, WEBHOOK_KIND_ALARMS, &e,
	    "{\"event_type\":\"alarms\",\"server_composition\":\"My Shop\","
	    "\"event\":{\"alarms\":[{\"created\":\"2020-09-28 10:00:00\","
	    "\"type\":\"outbreak\",\"target\":\"google\",\"reason\":"
	    "\"452 4.2.2\"}]}}");
	check_body(WEBHOOK_CMC_FORM, NULL, WEBHOOK_KIND_ALARMS, &e,
	    "server_composition=My%20Shop&event_type=alarms&event="
	    "%7B%22alarms%22%3A%5B%7B%22created%22%3A%222020-09-28%2010%3A00%3A"
	    "00%22%2C%22type%22%3A%22outbreak%22%2C%22target%22%3A%22google%22"
	    "%2C%22reason%22%3A%22452%204.2.2%22%7D%5D%7D");
}

static void
test_cmc_form(void **state)
{
	struct event e = { .created_ms = 1601287200000,
		.type = EVENT_BLOCKED,
		.recipient = SLICE("err1@example.com") };

	(void)state;
	check_body(WEBHOOK_CMC_FORM, "k&1", WEBHOOK_KIND_BLOCKS, &e,
	    "api_key=k%261&server_composition=My%20Shop&event_type=blocks&"
	    "event=%7B%22blocks%22%3A%5B%7B%22address%22%3A%22"
	    "err1%40example.com%22%2C%22created%22%3A%222020-09-28%20"
	    "10%3A00%3A00%22%2C%22status%22%3A%22registered%22%7D%5D%7D");
}

static void
test_standard_has_type_timestamp_data(void **state)
{
	struct webhook hook = { .format = WEBHOOK_STANDARD };
	struct tenant tenant = { .name = SLICE("shop") };
	const struct event two[] = { queued, queued };
	struct buf out;

	(void)state;
	buf_init(&out, 100000);
	assert_int_equal(webhook_body(&hook, &tenant, WEBHOOK_KIND_BOUNCES, two,
			     2, 1769860800123456, &out),
	    0);
	assert_non_null(
	    strstr(buf_text(&out), "{\"type\":\"bounces.batch\",\"timestamp\":"
				   "\"2026-01-31T12:00:00.123Z\",\"data\":[{"));
	assert_non_null(strstr(buf_text(&out), "h/20260131/1-0"));
	buf_clear(&out);
	out.max = 50;
	assert_int_equal(webhook_body(&hook, &tenant, WEBHOOK_KIND_BOUNCES, two,
			     2, 1769860800123456, &out),
	    ERR_LIMIT);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature_of_the_specification),
		cmocka_unit_test(test_retry_curve),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_pause_grows_to_a_minute),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_cmc_json),
		cmocka_unit_test(test_kinds_that_the_product_has_not),
		cmocka_unit_test(test_cmc_form),
		cmocka_unit_test(test_standard_has_type_timestamp_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
