/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors and complaints that come back, on a real Redis: whose they are, and
 * that each is told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/delivery_store.h"
#include "store/event_store.h"
#include "store/message_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"

static struct store_fixture f;
static int64_t now_ms;

struct seen {
	bool done;
	int rc, result;
	char text[8000];
	char next[300];
};

static void
row(const struct event *e, void *ctx)
{
	struct seen *v = ctx;
	size_t n = strlen(v->text);

	if (e->type != EVENT_BOUNCED && e->type != EVENT_COMPLAINED)
		return;
	(void)snprintf(v->text + n, sizeof(v->text) - n,
	    "%s %.*s %.*s %d %.*s%s%.*s\n", event_type_word(e->type),
	    SLICE_F(e->tenant), SLICE_F(e->recipient), e->status,
	    SLICE_F(e->reason), e->origin.len > 0 ? " not counted: " : "",
	    SLICE_F(e->origin));
}

static void
end(int rc, struct slice next, void *ctx)
{
	struct seen *v = ctx;

	v->rc = rc;
	(void)snprintf(v->next, sizeof(v->next), "%.*s", SLICE_F(next));
	v->done = true;
}

static const char *
told(const char *host)
{
	static struct seen v;

	v.text[0] = v.next[0] = '\0';
	v.done = false;
	event_read(f.store, slice_of(host), SLICE(""), 1000,
	    store_deadline(f.store), row, end, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	return v.text;
}

static void
stored(int rc, bool held, void *ctx)
{
	(void)held;
	end(rc, SLICE(""), ctx);
}

/* A message to all of them, which were reached but for the failed one. */
static void
send_message(const char *host, const struct slice *to, size_t count,
    size_t failed)
{
	static struct seen v;
	const struct message_facts m = { .host = slice_of(host),
		.queue_id = SLICE("Q1"),
		.facts = { .tenant = SLICE("shop"),
		    .sender = SLICE("app@example.com"),
		    .created_ms = now_ms },
		.recipients = to,
		.recipient_count = count };
	struct delivery_op ops[8] = { { .kind = DELIVERY_QUEUED,
	    .at_ms = now_ms,
	    .queue_id = m.queue_id,
	    .sender = SLICE("b-1@ret.test") } };

	v.done = false;
	message_put(f.store, &m, store_deadline(f.store), stored, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	for (size_t i = 0; i < count; i++)
		ops[i + 1] = (struct delivery_op){ .kind = DELIVERY_RESULT,
			.at_ms = now_ms,
			.queue_id = m.queue_id,
			.recipient = to[i],
			.type = i == failed ? EVENT_FAILED : EVENT_SUCCEEDED,
			.status = i == failed ? 2 : 0,
			.reason = SLICE("said") };
	ops[count + 1] = (struct delivery_op){ .kind = DELIVERY_REMOVED,
		.at_ms = now_ms,
		.queue_id = m.queue_id };
	v.done = false;
	delivery_commit(f.store, slice_of(host), SLICE("log"), SLICE(""),
	    SLICE("1"), ops, count + 2, store_deadline(f.store), end, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
}

static void
got_result(int rc, enum bounce_result result, void *ctx)
{
	struct seen *v = ctx;

	v->rc = rc;
	v->result = (int)result;
	v->done = true;
}

static bool
is_b(struct slice address, void *ctx)
{
	(void)ctx;
	return slice_eq(address, SLICE("b@x"));
}

#define NONE SIZE_MAX
enum { ERROR = 0, COMPLAINT = 1, UNSIGNED = 2, MEANT_B = 4 };

static int
tell(const char *host, unsigned what, const char *original,
    const struct slice *named, size_t count)
{
	static struct seen v;
	const struct delivery_bounce b = {
		.complaint = (what & COMPLAINT) != 0,
		.host = slice_of(host),
		.queue_id = SLICE("Q1"),
		.sent_s = now_ms / 1000,
		.original = slice_of(original),
		.named = named,
		.named_count = count,
		.meant = (what & MEANT_B) != 0 ? is_b : NULL,
		.at_ms = now_ms,
		.status = 2,
		.reason = SLICE("why"),
		.origin = slice_of((what & UNSIGNED) != 0 ? "message-id" : ""),
	};

	v.done = false;
	delivery_bounce(f.store, &b, store_deadline(f.store), got_result, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	return v.result;
}

/* A failure in the log, a DSN, another one and a complaint. */
static void
test_once_each(void **state)
{
	const struct slice to[] = { SLICE("a@x"), SLICE("b@x"), SLICE("c@x") };

	(void)state;
	send_message("once", to, 3, 2);
	assert_int_equal(tell("once", COMPLAINT, "a@x", to, 3),
	    BOUNCE_RECORDED);
	assert_int_equal(tell("once", COMPLAINT, "a@x", to, 3),
	    BOUNCE_DUPLICATE);
	assert_int_equal(tell("once", COMPLAINT, "b@x", to, 3),
	    BOUNCE_RECORDED);
	assert_int_equal(tell("once", ERROR, "a@x", NULL, 0), BOUNCE_RECORDED);
	assert_int_equal(tell("once", ERROR, "a@x", NULL, 0), BOUNCE_DUPLICATE);
	assert_int_equal(tell("once", ERROR, "c@x", NULL, 0), BOUNCE_DUPLICATE);
	/* It never got there. */
	assert_int_equal(tell("once", COMPLAINT, "c@x", NULL, 0),
	    BOUNCE_UNKNOWN);
	assert_int_equal(tell("once", COMPLAINT, "d@x", NULL, 0),
	    BOUNCE_UNKNOWN);
	assert_int_equal(tell("once", COMPLAINT, "", NULL, 0), BOUNCE_UNKNOWN);
	assert_string_equal(told("once"), "complained shop a@x 0 why\n"
					  "complained shop b@x 0 why\n"
					  "bounced shop a@x 2 why\n");
}

/* The state of a message that all have got is gone, but for what was told. */
static void
test_complaint_before_the_end(void **state)
{
	const struct slice to[] = { SLICE("a@x") };
	const struct delivery_op again[] = {
		{ .kind = DELIVERY_REMOVED,
		    .at_ms = now_ms,
		    .queue_id = SLICE("Q1") },
	};
	static struct seen v;

	(void)state;
	send_message("early", to, 1, NONE);
	assert_int_equal(tell("early", COMPLAINT, "", NULL, 0),
	    BOUNCE_RECORDED);
	delivery_commit(f.store, SLICE("early"), SLICE("log"), SLICE("1"),
	    SLICE("2"), again, 1, store_deadline(f.store), end, &v);
	store_fixture_run(&f, &v.done);
	assert_int_equal(v.rc, 0);
	assert_int_equal(tell("early", COMPLAINT, "a@x", NULL, 0),
	    BOUNCE_DUPLICATE);
}

static void
test_unsigned(void **state)
{
	const struct slice to[] = { SLICE("a@x"), SLICE("b@x") };

	(void)state;
	send_message("uns", to, 2, NONE);
	assert_int_equal(tell("uns", UNSIGNED, "a@x", NULL, 0),
	    BOUNCE_RECORDED);
	assert_int_equal(tell("uns", UNSIGNED, "a@x", NULL, 0),
	    BOUNCE_DUPLICATE);
	assert_int_equal(tell("uns", UNSIGNED | COMPLAINT, "a@x", NULL, 0),
	    BOUNCE_RECORDED);
	assert_int_equal(tell("uns", UNSIGNED | COMPLAINT, "a@x", NULL, 0),
	    BOUNCE_DUPLICATE);
	/* What is signed counts all the same, and ends it. */
	assert_int_equal(tell("uns", ERROR, "a@x", NULL, 0), BOUNCE_RECORDED);
	assert_int_equal(tell("uns", COMPLAINT, "a@x", NULL, 0),
	    BOUNCE_RECORDED);
	assert_int_equal(tell("uns", COMPLAINT, "b@x", NULL, 0),
	    BOUNCE_RECORDED);
	assert_int_equal(tell("uns", UNSIGNED | COMPLAINT, "b@x", NULL, 0),
	    BOUNCE_DUPLICATE);
	assert_string_equal(told("uns"),
	    "bounced shop a@x 2 why not counted: message-id\n"
	    "complained shop a@x 0 why not counted: message-id\n"
	    "bounced shop a@x 2 why\n"
	    "complained shop a@x 0 why\n"
	    "complained shop b@x 0 why\n");
}

/* Several recipients in one mail: only those of the message. */
static void
test_named(void **state)
{
	const struct slice to[] = { SLICE("a@x") };
	const struct slice both[] = { SLICE("z@x"), SLICE("A@x") };
	const struct slice others[] = { SLICE("z@x"), SLICE("y@x") };

	(void)state;
	send_message("named", to, 1, NONE);
	assert_int_equal(tell("named", ERROR, "z@x", both, 2), BOUNCE_UNKNOWN);
	/* A local part in another case is the same mailbox. */
	assert_int_equal(tell("named", ERROR, "A@x", both, 2), BOUNCE_RECORDED);
	assert_int_equal(tell("named", COMPLAINT, "z@x", others, 2),
	    BOUNCE_RECORDED);
	assert_int_equal(tell("named", COMPLAINT, "y@x", others, 2),
	    BOUNCE_DUPLICATE);
	assert_string_equal(told("named"), "bounced shop a@x 2 why\n"
					   "complained shop a@x 0 why\n");
}

/* Sent to one, and became several behind the milter. */
static void
test_meant(void **state)
{
	const struct slice to[] = { SLICE("a@x"), SLICE("b@x") };

	(void)state;
	send_message("meant", to, 2, NONE);
	assert_int_equal(tell("meant", COMPLAINT, "", NULL, 0), BOUNCE_UNKNOWN);
	assert_int_equal(tell("meant", COMPLAINT | MEANT_B, "redacted@x", NULL,
			     0),
	    BOUNCE_RECORDED);
	assert_string_equal(told("meant"), "complained shop b@x 0 why\n");
}

static int
set_up(void **state)
{
	(void)state;
	now_ms = clock_wall_us() / 1000;
	store_fixture_open(&f, 5000);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	store_fixture_close(&f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_each),
		cmocka_unit_test(test_complaint_before_the_end),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_meant),
	};

	if (!redis_server_available()) {
		printf("1..0 # SKIP redis-server is not installed\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
