/* SPDX-License-Identifier: BSD-2-Clause */
/* The pipeline with rules of the test's own: order, dry run, deadline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policyd/pipeline.h"
#include "util/clock.h"

#define NOW INT64_C(1000000000)
#define TIMEOUT_US 5000000

/* What the two fake rules do at check(). */
enum fake { FAKE_NEXT, FAKE_DEFER, FAKE_REJECT, FAKE_LATER, FAKE_CRLF };
static enum fake first_does, second_does;
static enum rule_mode first_mode;
static struct rule_call *first_call, *second_call;
static enum rule_outcome first_outcome, second_outcome;
static unsigned lates, settles, decided, would, released, answers;
static enum policy_action action;
static unsigned code;
static char text[400];

static void
say(struct rule_call *call, enum fake what, enum rule_mode mode)
{
	static const struct rule_result results[] = {
		[FAKE_NEXT] = { .verdict = RULE_NEXT },
		[FAKE_DEFER] = { RULE_DEFER, RULE_ENFORCE, NULL, { NULL, 0 },
		    { 4, 7, 1 }, { "later", 5 } },
		[FAKE_REJECT] = { RULE_REJECT, RULE_ENFORCE, NULL, { NULL, 0 },
		    { 5, 1, 1 }, { "gone", 4 } },
		[FAKE_CRLF] = { RULE_REJECT, RULE_ENFORCE, NULL, { NULL, 0 },
		    { 5, 1, 1 }, { "a\r\nb\0\xc3", 6 } },
	};
	struct rule_result result;

	if (what == FAKE_LATER)
		return;
	result = results[what];
	result.mode = mode;
	rule_done(call, &result);
}

static void
first_check(struct rule_call *call)
{
	assert_memory_equal(call->state, "\0\0\0\0", 4);
	memset(call->state, 'x', 4);
	first_call = call;
	say(call, first_does, first_mode);
}

static void
second_check(struct rule_call *call)
{
	second_call = call;
	if (second_does == FAKE_LATER)
		request_hold(call->request);
	say(call, second_does, RULE_ENFORCE);
}

static void
first_late(struct rule_call *call)
{
	lates++;
	say(call, FAKE_DEFER, RULE_ENFORCE);
}

static void
second_late(struct rule_call *call)
{
	(void)call; /* says nothing: the pipeline must not wait for it */
	lates++;
}

static int64_t turn_us; /* of the request, set by the first rule */

static void
first_settle(struct rule_call *call, enum rule_outcome outcome)
{
	call->request->not_before_us = turn_us;
	assert_ptr_equal(call, first_call);
	first_outcome = outcome;
	settles++;
}

static void
second_settle(struct rule_call *call, enum rule_outcome outcome)
{
	assert_ptr_equal(call, second_call);
	second_outcome = outcome;
	settles++;
}

static const struct rule first = { "first", RULE_AT_RCPT, 4, first_check,
	first_late, first_settle };
static const struct rule second = { "second", RULE_AT_RCPT | RULE_AT_DATA, 0,
	second_check, second_late, second_settle };
static const struct rule *const fake_rules[] = { &first, &second, NULL };

static void
prepare(struct request *r)
{
	assert_null(r->tenant);
}

static void
release(struct request *r)
{
	(void)r;
	released++;
}

static void
note(enum pipeline_note which, const struct request *r,
    const struct rule_call *call, const struct rule_result *result)
{
	(void)r;
	assert_true((call == NULL) == (result == NULL));
	if (which == PIPELINE_WOULD)
		would++;
	else
		decided++;
}

static void
answer(const struct policy_reply *reply, void *ctx)
{
	struct buf out;

	assert_ptr_equal(ctx, &answers);
	answers++;
	action = reply->action;
	code = reply->code;
	assert_true(reply->text.len < sizeof(text));
	memcpy(text, reply->text.at != NULL ? reply->text.at : "",
	    reply->text.len);
	text[reply->text.len] = '\0';
	buf_init(&out, 1000);
	assert_int_equal(policy_reply_format(reply, &out), 0);
	buf_done(&out);
}

static struct pipeline *pipeline;
static struct policy_request attrs;

static int
setup(void **state)
{
	static const struct pipeline_options options = {
		.rules = fake_rules,
		.timeout_us = TIMEOUT_US,
		.prepare = prepare,
		.release = release,
		.note = note,
	};

	(void)state;
	first_does = second_does = FAKE_NEXT;
	first_mode = RULE_ENFORCE;
	turn_us = 0;
	first_call = second_call = NULL;
	lates = settles = decided = would = released = answers = 0;
	memset(&attrs, 0, sizeof(attrs));
	attrs.attr[POLICY_STATE] = SLICE("RCPT");
	attrs.attr[POLICY_SENDER] = SLICE("");
	attrs.attr[POLICY_RCPT] = SLICE("A@B.example");
	clock_set_for_test(NOW);
	pipeline = pipeline_new(&options);
	return pipeline == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(pipeline_waiting(pipeline), 0);
	pipeline_free(pipeline);
	clock_set_for_test(0);
	return 0;
}

static struct request *
start(void)
{
	return pipeline_start(pipeline, &attrs, answer, &answers);
}

static void
test_no_opinion(void **state)
{
	(void)state;
	assert_null(start());
	assert_int_equal(answers, 1);
	assert_int_equal(action, POLICY_DUNNO);
	assert_int_equal(first_outcome, RULE_PASSED);
	assert_int_equal(settles, 2);
	assert_int_equal(decided, 1);
	assert_int_equal(released, 1);
}

static void
test_first_in_order_decides(void **state)
{
	(void)state;
	first_does = FAKE_LATER;
	second_does = FAKE_DEFER;
	struct request *r = start();
	assert_non_null(r);
	assert_true(slice_eq(r->recipient, SLICE("a@b.example")));
	assert_int_equal(answers, 0);
	say(first_call, FAKE_REJECT, RULE_ENFORCE);
	assert_int_equal(answers, 1);
	assert_int_equal(code, 550);
	assert_string_equal(text, "gone");
	assert_int_equal(first_outcome, RULE_REFUSED);
	assert_int_equal(second_outcome, RULE_REFUSED_ELSEWHERE);
}

static void
test_dry_run(void **state)
{
	(void)state;
	first_does = FAKE_REJECT;
	first_mode = RULE_OBSERVE;
	assert_null(start());
	assert_int_equal(action, POLICY_DUNNO);
	assert_int_equal(would, 1);
	assert_int_equal(first_outcome, RULE_PASSED);
}

static void
test_stage(void **state)
{
	(void)state;
	first_does = FAKE_REJECT;
	attrs.attr[POLICY_STATE] = SLICE("DATA");
	assert_null(start());
	assert_int_equal(action, POLICY_DUNNO);
	assert_null(first_call);
	assert_non_null(second_call);
	attrs.attr[POLICY_STATE] = SLICE("VRFY");
	assert_null(start());
	assert_int_equal(answers, 2);
	assert_int_equal(settles, 1);
}

/* At the deadline each rule speaks or is spoken for; what it says later has
 * no effect, and the request lives until it has let go. */
static void
test_deadline(void **state)
{
	(void)state;
	first_does = second_does = FAKE_LATER;
	assert_non_null(start());
	assert_int_equal(pipeline_expire(pipeline), NOW + TIMEOUT_US);
	clock_set_for_test(NOW + TIMEOUT_US - 1);
	assert_int_equal(pipeline_expire(pipeline), NOW + TIMEOUT_US);
	assert_int_equal(answers, 0);
	clock_set_for_test(NOW + TIMEOUT_US);
	assert_int_equal(pipeline_expire(pipeline), 0);
	assert_int_equal(answers, 1);
	assert_int_equal(lates, 2);
	assert_int_equal(code, 451);
	assert_int_equal(released, 0);
	assert_true(second_call->done);
	say(second_call, FAKE_REJECT, RULE_ENFORCE);
	assert_int_equal(answers, 1);
	request_drop(second_call->request);
	assert_int_equal(released, 1);
}

static void
test_two_answers_count_once(void **state)
{
	(void)state;
	first_does = FAKE_LATER;
	second_does = FAKE_LATER;
	assert_non_null(start());
	say(first_call, FAKE_NEXT, RULE_ENFORCE);
	say(first_call, FAKE_REJECT, RULE_ENFORCE);
	assert_int_equal(answers, 0);
	say(second_call, FAKE_NEXT, RULE_ENFORCE);
	assert_int_equal(answers, 1);
	assert_int_equal(action, POLICY_DUNNO);
	request_drop(second_call->request);
	assert_int_equal(released, 1);
}

static void
test_abandoned(void **state)
{
	(void)state;
	second_does = FAKE_LATER;
	struct request *r = start();
	assert_non_null(r);
	pipeline_abandon(r);
	assert_int_equal(answers, 0);
	assert_int_equal(first_outcome, RULE_REFUSED_ELSEWHERE);
	assert_int_equal(released, 0);
	request_drop(r);
	assert_int_equal(released, 1);
}

static void
test_several_at_once(void **state)
{
	struct rule_call *calls[3];

	(void)state;
	first_does = FAKE_LATER;
	for (int i = 0; i < 3; i++) {
		assert_non_null(start());
		calls[i] = first_call;
	}
	assert_int_equal(pipeline_waiting(pipeline), 3);
	for (int i = 0; i < 3; i++) {
		first_call = calls[(i + 1) % 3];
		second_call = first_call + 1;
		say(first_call, FAKE_NEXT, RULE_ENFORCE);
		assert_int_equal(answers, i + 1);
	}
	assert_int_equal(released, 3);
}

static void
note_sooner(int64_t deadline_us, void *ctx)
{
	*(int64_t *)ctx = deadline_us;
}

/* What passes may have to wait for its turn; what is refused does not. */
static void
test_turn(void **state)
{
	int64_t sooner = 0;

	(void)state;
	pipeline_on_sooner(pipeline, note_sooner, &sooner);
	turn_us = NOW + 2000;
	first_does = FAKE_DEFER;
	assert_null(start());
	assert_int_equal(answers, 1);
	first_does = FAKE_NEXT;
	assert_non_null(start());
	assert_int_equal(sooner, turn_us);
	assert_int_equal(answers, 1);
	assert_int_equal(decided, 2);
	assert_int_equal(pipeline_waiting(pipeline), 1);
	/* One that waits for a rule has a later deadline. */
	first_does = FAKE_LATER;
	assert_non_null(start());
	assert_int_equal(pipeline_expire(pipeline), turn_us);
	clock_set_for_test(turn_us);
	assert_int_equal(pipeline_expire(pipeline), NOW + TIMEOUT_US);
	assert_int_equal(answers, 2);
	assert_int_equal(action, POLICY_DUNNO);
	/* Its turn has passed when the rule says so: at once. */
	say(first_call, FAKE_NEXT, RULE_ENFORCE);
	assert_int_equal(answers, 3);
	/* Nobody waits any more. */
	turn_us = NOW + 9000;
	first_does = FAKE_NEXT;
	struct request *r = start();

	assert_non_null(r);
	pipeline_abandon(r);
	assert_int_equal(answers, 3);
	assert_int_equal(released, 4);
	assert_int_equal(lates, 0);
}

static void
test_connect_stage(void **state)
{
	(void)state;
	first_does = FAKE_REJECT;
	attrs.attr[POLICY_CONTEXT] = SLICE("connect");
	assert_null(start());
	assert_int_equal(action, POLICY_DUNNO);
	assert_null(first_call);
}

/* A shorter timeout after a reload: the younger may end first. */
static void
test_timeout_changes(void **state)
{
	(void)state;
	first_does = FAKE_LATER;
	assert_non_null(start());
	struct rule_call *older = first_call;
	pipeline_set_timeout(pipeline, 1000);
	assert_non_null(start());
	clock_set_for_test(NOW + 1000);
	assert_int_equal(pipeline_expire(pipeline), NOW + TIMEOUT_US);
	assert_int_equal(answers, 1);
	first_call = older;
	second_call = older + 1;
	say(older, FAKE_NEXT, RULE_ENFORCE);
	assert_int_equal(answers, 2);
}

static void
test_text_is_cleaned(void **state)
{
	(void)state;
	first_does = FAKE_CRLF;
	assert_null(start());
	assert_string_equal(text, "a??b??");
}

static void
test_bad_recipient(void **state)
{
	(void)state;
	first_does = FAKE_LATER;
	attrs.attr[POLICY_RCPT] = SLICE("@");
	struct request *r = start();
	assert_null(r->recipient.at);
	assert_non_null(r->sender.at);
	assert_int_equal(r->sender.len, 0);
	pipeline_abandon(r);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_no_opinion),
		T(test_first_in_order_decides),
		T(test_dry_run),
		T(test_stage),
		T(test_deadline),
		T(test_two_answers_count_once),
		T(test_abandoned),
		T(test_several_at_once),
		T(test_turn),
		T(test_connect_stage),
		T(test_timeout_changes),
		T(test_text_is_cleaned),
		T(test_bad_recipient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
