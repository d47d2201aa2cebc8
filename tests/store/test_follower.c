/* SPDX-License-Identifier: BSD-2-Clause */
/* From a log file to events in a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bounced/follower.h"
#include "bounced/log_source.h"
#include "store/delivery_store.h"
#include "store/event_store.h"
#include "store/message_spool.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

#define HOST SLICE("mx.example")

struct fixture {
	struct store_fixture redis;
	char path[128];
	struct follower *follower;
	uint64_t target; /* operations to wait for */
	bool done;
	struct slice wanted; /* queue id; and what was found of it: */
	unsigned types[EVENT_NTYPES];
	int status; /* of the last failure */
	char reason[128];
	int rc;
};

static void
on_committed(void *ctx)
{
	struct fixture *t = ctx;

	if (follower_counters(t->follower)->operations >= t->target)
		t->done = true;
}

static void
start(struct fixture *t)
{
	struct follower_options options = { .host = HOST,
		.names = SLICE("postfix"),
		.source = "log:test",
		.state_directory = t->redis.server.dir,
		.committed = on_committed,
		.ctx = t };
	struct log_source *source = log_file_new(t->path);

	assert_non_null(source);
	assert_int_equal(follower_start(t->redis.base, t->redis.store, source,
			     &options, &t->follower),
	    0);
}

static int
setup(void **state)
{
	static struct fixture t;
	FILE *f;

	if (!redis_server_available())
		return 0;
	memset(&t, 0, sizeof(t));
	store_fixture_open(&t.redis, 0);
	(void)snprintf(t.path, sizeof(t.path), "%s/mail.log",
	    t.redis.server.dir);
	/* Kept place: the beginning, so that nothing depends on who is first.
	 */
	f = fopen(t.path, "w");
	assert_non_null(f);
	(void)fclose(f);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *t = *state;

	if (t == NULL)
		return 0;
	(void)follower_drain(t->follower);
	store_close(t->redis.store);
	t->redis.store = NULL;
	follower_stop(t->follower);
	(void)unlink(t->path);
	store_fixture_close(&t->redis);
	return 0;
}

static struct fixture *
need(void **state)
{
	if (*state == NULL)
		skip();
	return *state;
}

static void
write_lines(struct fixture *t, const char *text)
{
	FILE *f = fopen(t->path, "a");
	char stamp[40];
	time_t now = (time_t)(clock_wall_us() / 1000000);
	struct tm tm;

	assert_non_null(f);
	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ",
	    gmtime_r(&now, &tm));
	while (*text != '\0') {
		const char *end = strchrnul(text, '\n');

		(void)fprintf(f, "%s mx postfix/%.*s\n", stamp,
		    (int)(end - text), text);
		text = *end != '\0' ? end + 1 : end;
	}
	(void)fclose(f);
}

static void
wait_for(struct fixture *t, uint64_t operations)
{
	t->target = operations;
	t->done = follower_counters(t->follower)->operations >= operations;
	store_fixture_run(&t->redis, &t->done);
}

static void
on_place(int rc, struct slice current, void *ctx)
{
	struct fixture *t = ctx;

	t->rc = rc == 0 && current.len > 0 ? 0 : ERR_NOTFOUND;
	t->done = true;
}

/* The first commit keeps the place; then lines may come. */
static void
settle(struct fixture *t)
{
	do {
		t->done = false;
		delivery_checkpoint(t->redis.store, HOST, SLICE("log:test"),
		    clock_deadline_ms(5000), on_place, t);
		store_fixture_run(&t->redis, &t->done);
	} while (t->rc < 0);
}

static void
on_row(const struct event *e, void *ctx)
{
	struct fixture *t = ctx;

	if (!slice_eq(e->queue_id, t->wanted))
		return;
	t->types[e->type]++;
	if (e->type == EVENT_FAILED) {
		t->status = e->status;
		(void)snprintf(t->reason, sizeof(t->reason), "%.*s",
		    SLICE_F(e->reason));
	}
}

static void
on_end(int rc, struct slice next, void *ctx)
{
	struct fixture *t = ctx;

	(void)next;
	t->rc = rc;
	t->done = true;
}

static void
look(struct fixture *t, const char *queue_id)
{
	do {
		memset(t->types, 0, sizeof(t->types));
		t->done = false;
		t->wanted = slice_of(queue_id);
		event_read(t->redis.store, HOST, SLICE(""), 1000,
		    clock_deadline_ms(5000), on_row, on_end, t);
		store_fixture_run(&t->redis, &t->done);
	} while (t->rc == ERR_TIMEOUT);
	assert_int_equal(t->rc, 0);
}

#define TAIL ", relay=mx[192.0.2.1]:25, delay=0, delays=0/0/0/0, "

static void
test_story(void **state)
{
	struct fixture *t = need(state);

	start(t);
	settle(t);
	write_lines(t,
	    "qmgr[1]: AAAAAA1: from=<s@a.test>, size=1, nrcpt=3 (queue "
	    "active)\n"
	    "smtp[2]: AAAAAA1: to=<ok@b.test>" TAIL
	    "dsn=2.0.0, status=sent (250 ok)\n"
	    "smtp[2]: AAAAAA1: to=<no@b.test>" TAIL
	    "dsn=5.1.1, status=bounced (host mx[192.0.2.1] said: 550 5.1.1 "
	    "User unknown (in reply to RCPT TO command))\n"
	    "smtp[2]: AAAAAA1: to=<later@b.test>" TAIL
	    "dsn=4.2.2, status=deferred (host mx[192.0.2.1] said: 452 4.2.2 "
	    "Mailbox full (in reply to RCPT TO command))");
	wait_for(t, 4);
	look(t, "AAAAAA1");
	assert_int_equal(t->types[EVENT_QUEUED], 3);
	assert_int_equal(t->types[EVENT_SUCCEEDED], 1);
	assert_int_equal(t->types[EVENT_DEFERRED], 1);
	assert_int_equal(t->types[EVENT_FAILED], 1);
	assert_int_equal(t->status, 2);
	assert_string_equal(t->reason, "550 5.1.1 User unknown");
	write_lines(t,
	    "qmgr[1]: AAAAAA1: from=<s@a.test>, status=expired, returned to "
	    "sender\nqmgr[1]: AAAAAA1: removed");
	wait_for(t, 6);
	look(t, "AAAAAA1");
	assert_int_equal(t->types[EVENT_FAILED], 2);
	assert_int_equal(t->status, 5);
	assert_string_equal(t->reason, "452 4.2.2 Mailbox full");
}

/* Postfix's own bounces: no events. */
static void
test_internal(void **state)
{
	struct fixture *t = need(state);

	start(t);
	settle(t);
	write_lines(t,
	    "qmgr[1]: BBBBBB1: from=<>, size=1, nrcpt=1 (queue active)\n"
	    "lmtp[2]: BBBBBB1: to=<b-x@r.test>" TAIL
	    "dsn=2.0.0, status=sent (250 ok)\n"
	    "qmgr[1]: BBBBBB1: removed\n"
	    "smtp[1]: CCCCCC1: to=<x@b.test>, orig_to=<y@c.test>" TAIL
	    "dsn=5.1.1, status=bounced (no)");
	wait_for(t, 4);
	look(t, "BBBBBB1");
	for (int i = 0; i < EVENT_NTYPES; i++)
		assert_int_equal(t->types[i], 0);
	look(t, "CCCCCC1"); /* whose queued line nobody saw; forwarded */
	assert_int_equal(t->types[EVENT_QUEUED], 1);
	assert_int_equal(t->types[EVENT_FAILED], 1);
	assert_int_equal(t->status, 6);
}

/* A second reader of the same log: neither loses nor doubles a line. */
static void
test_two_readers(void **state)
{
	struct fixture *t = need(state), other = { 0 };

	start(t);
	settle(t);
	other.redis = t->redis;
	memcpy(other.path, t->path, sizeof(other.path));
	start(&other);
	for (int i = 0; i < 50; i++) {
		char line[200];

		(void)snprintf(line, sizeof(line),
		    "smtp[2]: DDDDDD1: to=<r%d@b.test>" TAIL
		    "dsn=4.0.0, status=deferred (x)",
		    i);
		write_lines(t, line);
	}
	t->target = 1;
	do {
		t->done = false;
		look(t, "DDDDDD1");
	} while (t->types[EVENT_DEFERRED] < 50);
	assert_int_equal(t->types[EVENT_DEFERRED], 50);
	assert_int_equal(t->types[EVENT_QUEUED], 50);
	while (!follower_drain(other.follower)) {
		t->done = false;
		look(t, "DDDDDD1");
	}
	follower_stop(other.follower);
	look(t, "DDDDDD1");
	assert_int_equal(t->types[EVENT_DEFERRED], 50);
}

/* Redis stands still for longer than a commit may take; nothing is lost. */
static void
test_redis_stalls(void **state)
{
	struct fixture *t = need(state);
	char out[64];

	start(t);
	settle(t);
	redis_server_cli(&t->redis.server, "CLIENT PAUSE 6000 ALL", out,
	    sizeof(out));
	write_lines(t, "smtp[2]: EEEEEE1: to=<r@b.test>" TAIL
		       "dsn=4.0.0, status=deferred (x)");
	do
		look(t, "EEEEEE1");
	while (t->types[EVENT_DEFERRED] < 1);
	assert_int_equal(t->types[EVENT_DEFERRED], 1);
	assert_int_equal(t->types[EVENT_QUEUED], 1);
}

/* Lines whose facts the milter still has on disk wait for them. */
static void
test_waits_for_spool(void **state)
{
	struct fixture *t = need(state);
	char path[256];

	start(t);
	settle(t);
	(void)snprintf(path, sizeof(path), "%s/" MESSAGE_SPOOL_ADDING,
	    t->redis.server.dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs("facts\n", f);
	(void)fclose(f);
	write_lines(t, "smtp[2]: FFFFFF1: to=<r@b.test>" TAIL
		       "dsn=2.0.0, status=sent (250 ok)");
	while (follower_counters(t->follower)->lines < 1)
		look(t, "FFFFFF1");
	look(t, "FFFFFF1");
	assert_int_equal(t->types[EVENT_SUCCEEDED], 0);
	assert_int_equal(follower_counters(t->follower)->operations, 0);
	(void)unlink(path);
	wait_for(t, 1);
	look(t, "FFFFFF1");
	assert_int_equal(t->types[EVENT_SUCCEEDED], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_story),
		TEST(test_internal),
		TEST(test_two_readers),
		TEST(test_redis_stalls),
		TEST(test_waits_for_spool),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
