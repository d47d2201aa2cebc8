/* SPDX-License-Identifier: BSD-2-Clause */
/* The milter's modules that need Redis: suppression, facts, and the spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/milter.h"
#include "milter/module.h"
#include "milter/spool.h"
#include "proto/filter.h"
#include "store/block_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

static struct fixture {
	struct store_fixture f;
	struct milter host;
	struct tenant tenant;
	struct settings *settings;
	char dir[40];
} fx;

static void
open_fixture(unsigned max_kb)
{
	store_fixture_open(&fx.f, 500);
	memcpy(fx.dir, "/tmp/postern-test-XXXXXX", 25);
	assert_non_null(mkdtemp(fx.dir));
	fx.host =
	    (struct milter){ .store = fx.f.store, .host_name = SLICE("mta1") };
	fx.tenant = (struct tenant){ .name = SLICE("shop") };
	assert_int_equal(settings_compile(NULL, 0, NULL, NULL, NULL,
			     &fx.settings),
	    0);
	assert_int_equal(spool_open(fx.dir, max_kb, fx.f.store, &fx.host.spool),
	    0);
}

static void
close_fixture(void)
{
	store_fixture_close(&fx.f);
	spool_close(fx.host.spool);
	settings_unref(fx.settings);
	assert_int_equal(rmdir(fx.dir), 0);
}

static void
blocked(int rc, bool changed, void *ctx)
{
	assert_int_equal(rc, 0);
	assert_true(changed);
	*(bool *)ctx = true;
}

static void
block(const char *address, enum block_state state)
{
	struct block b = { .state = state,
		.status = 2,
		.since_s = clock_wall_us() / 1000000,
		.origin = SLICE("api") };
	bool done = false;

	block_put(fx.f.store, SLICE("shop"), slice_of(address), &b,
	    store_deadline(fx.f.store), blocked, &done);
	store_fixture_run(&fx.f, &done);
}

/* A stage of a module in a thread of its own, as libmilter has it. */
struct stage {
	const struct module *module;
	struct message *msg;
	enum verdict verdict;
	bool done;
};

static void
stage_over(void *ctx)
{
	*(bool *)ctx = true;
}

static void *
stage_run(void *ctx)
{
	struct stage *s = ctx;

	s->verdict = s->module->eom(s->msg, NULL);
	assert_int_equal(store_post(fx.f.store, stage_over, &s->done), 0);
	return NULL;
}

static enum verdict
run(const struct module *module, struct message *msg)
{
	struct stage s = { .module = module, .msg = msg };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, stage_run, &s), 0);
	store_fixture_run(&fx.f, &s.done);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return s.verdict;
}

static void
begin(struct message *msg, const char *queue_id)
{
	message_reset(msg);
	msg->host = &fx.host;
	msg->tenant = &fx.tenant;
	msg->settings = settings_ref(fx.settings);
	msg->queue_id = slice_of(queue_id);
	msg->sender = SLICE("news@shop.example");
	msg->arrived_ms = clock_wall_us() / 1000;
	assert_int_equal(message_add_field(msg, SLICE("Subject"),
			     SLICE("=?utf-8?B?5pel5pys?=")),
	    0);
	assert_int_equal(message_add_rcpt(msg, SLICE("<A@x.example>"), true),
	    0);
	assert_int_equal(message_add_rcpt(msg, SLICE("<b@x.example>"), false),
	    0);
	assert_int_equal(message_add_rcpt(msg, SLICE("<c@x.example>"), false),
	    0);
}

static void
check_suppression(struct message *msg)
{
	/* The policy server has said yes to the first one. */
	begin(msg, "Q1");
	assert_int_equal(run(&module_suppression, msg), VERDICT_NEXT);
	assert_int_equal(msg->suppressed, 1);
	assert_int_equal(msg->rcpts[0].fate, RCPT_GOES);
	assert_int_equal(msg->rcpts[1].fate, RCPT_SUPPRESSED);
	assert_true(slice_starts(msg->rcpts[1].reason,
	    SLICE("address is blocked (user unknown, ref ")));
	assert_int_equal(msg->rcpts[2].fate, RCPT_GOES);

	fx.tenant.on_suppressed = SUPPRESSED_ACCEPT;
	begin(msg, "Q2");
	assert_int_equal(run(&module_suppression, msg), VERDICT_NEXT);
	assert_int_equal(msg->suppressed, 2);
	assert_int_equal(message_rcpts_left(msg), 1);

	fx.tenant.suppression = MODE_OBSERVE;
	begin(msg, "Q3");
	assert_int_equal(run(&module_suppression, msg), VERDICT_NEXT);
	assert_int_equal(msg->suppressed, 0);
	assert_int_equal(msg->would_suppress, 2);
	fx.tenant.suppression = MODE_OFF;
	begin(msg, "Q4");
	assert_int_equal(run(&module_suppression, msg), VERDICT_NEXT);
	assert_int_equal(msg->would_suppress, 0);
	fx.tenant.suppression = MODE_ENFORCE;

	/* More than one batch. */
	begin(msg, "Q5");
	for (int i = 0; i < 1200; i++)
		assert_int_equal(message_add_rcpt(msg,
				     i == 700 ? SLICE("<a@x.example>")
					      : SLICE("<d@x.example>"),
				     false),
		    0);
	assert_int_equal(run(&module_suppression, msg), VERDICT_NEXT);
	assert_int_equal(msg->suppressed, 3);
	assert_int_equal(msg->rcpts[703].fate, RCPT_SUPPRESSED);
}

/* The list is asked about addresses that a rule adds, too. */
static void
check_forwarding(struct message *msg, const char *to, size_t going,
    size_t suppressed)
{
	struct filter *filter = NULL;
	struct forward_rule rule = { .name = SLICE("rule"),
		.mode = FORWARD_REDIRECT,
		.to = slice_of(to) };

	assert_int_equal(filter_compile(SLICE("Subject"), SLICE(".*"), &filter,
			     NULL, 0),
	    0);
	rule.filter = filter;
	fx.tenant.forwards = &rule;
	fx.tenant.forward_count = 1;
	begin(msg, "Q8");
	assert_int_equal(run(&module_forward, msg), VERDICT_NEXT);
	assert_int_equal(message_rcpts_left(msg), going);
	assert_int_equal(msg->suppressed, suppressed);
	assert_int_equal(msg->rcpt_count, 4);
	assert_int_equal(msg->rcpts[0].fate, RCPT_REDIRECTED);
	assert_int_equal(msg->rcpts[3].fate,
	    suppressed > 0 ? RCPT_SUPPRESSED : RCPT_GOES);
	assert_true(slice_eq(msg->rcpts[3].address, slice_of(to)));
	fx.tenant.forward_count = 0;
	filter_free(filter);
}

static void
test_suppression(void **state)
{
	struct message msg;

	(void)state;
	if (!redis_server_available())
		skip();
	open_fixture(100);
	block("a@x.example", BLOCK_BLOCKED);
	block("b@x.example", BLOCK_BLOCKED);
	block("c@x.example", BLOCK_EXEMPT);
	assert_int_equal(message_init(&msg), 0);
	check_suppression(&msg);
	fx.tenant.on_suppressed = SUPPRESSED_REJECT;
	block("d@x.example", BLOCK_BLOCKED);
	check_forwarding(&msg, "d@x.example", 0, 1);
	check_forwarding(&msg, "e@x.example", 1, 0);
	fx.tenant.suppression = MODE_OFF;
	check_forwarding(&msg, "d@x.example", 1, 0);
	fx.tenant.suppression = MODE_ENFORCE;

	redis_server_kill(&fx.f.server);
	begin(&msg, "Q6");
	assert_int_equal(run(&module_suppression, &msg), VERDICT_TEMPFAIL);
	assert_string_equal(msg.reply_dsn, "4.3.0");
	fx.tenant.suppression_unavailable = UNAVAILABLE_PASS;
	begin(&msg, "Q7");
	assert_int_equal(run(&module_suppression, &msg), VERDICT_NEXT);
	assert_int_equal(message_rcpts_left(&msg), 3);
	message_done(&msg);
	close_fixture();
}

static bool
stored(const char *queue_id)
{
	char words[100], out[100];

	(void)snprintf(words, sizeof(words), "EXISTS pn:m:{h:mta1}:%s",
	    queue_id);
	redis_server_cli(&fx.f.server, words, out, sizeof(out));
	return strcmp(out, "1") == 0;
}

/* Turns the loop until the spool is empty. */
static void
wait_replayed(void)
{
	int64_t deadline_us = clock_deadline_ms(20000);

	while (spool_size(fx.host.spool) > 0) {
		assert_true(clock_mono_us() < deadline_us);
		spool_kick(fx.host.spool);
		(void)event_base_loop(fx.f.base, EVLOOP_ONCE);
	}
}

static void
test_facts_and_spool(void **state)
{
	struct message msg;
	char id[20], path[80];
	struct stat st;

	(void)state;
	if (!redis_server_available())
		skip();
	open_fixture(100);
	assert_int_equal(message_init(&msg), 0);
	begin(&msg, "Q0");
	assert_int_equal(run(&module_facts, &msg), VERDICT_NEXT);
	assert_false(msg.spooled);
	assert_true(stored("Q0"));

	redis_server_kill(&fx.f.server);
	for (int i = 1; i <= 20; i++) {
		(void)snprintf(id, sizeof(id), "Q%d", i);
		begin(&msg, id);
		assert_int_equal(run(&module_facts, &msg), VERDICT_NEXT);
		assert_true(msg.spooled);
	}
	/* A new process finds them, and a line that was cut short. */
	(void)snprintf(path, sizeof(path), "%s/milter-facts", fx.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	spool_close(fx.host.spool);
	FILE *f = fopen(path, "ae");
	assert_non_null(f);
	assert_true(fputs("half a li", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(spool_open(fx.dir, 100, fx.f.store, &fx.host.spool),
	    0);
	begin(&msg, "Q21");
	assert_int_equal(run(&module_facts, &msg), VERDICT_NEXT);

	redis_server_restart(&fx.f.server);
	wait_replayed();
	for (int i = 1; i <= 21; i++) {
		(void)snprintf(id, sizeof(id), "Q%d", i);
		assert_true(stored(id));
	}
	assert_true(stat(path, &st) < 0);
	message_done(&msg);
	close_fixture();
}

static void
test_spool_full(void **state)
{
	struct message msg;
	unsigned kept = 0;

	(void)state;
	if (!redis_server_available())
		skip();
	open_fixture(2);
	assert_int_equal(message_init(&msg), 0);
	redis_server_kill(&fx.f.server);
	do {
		assert_true(++kept < 100);
		begin(&msg, "Q1");
	} while (run(&module_facts, &msg) == VERDICT_NEXT);
	assert_true(kept > 3);
	assert_string_equal(msg.reply_dsn, "4.3.1");
	assert_true(spool_size(fx.host.spool) <= 2048);
	spool_set_max(fx.host.spool, 4);
	begin(&msg, "Q2");
	assert_int_equal(run(&module_facts, &msg), VERDICT_NEXT);
	redis_server_restart(&fx.f.server);
	wait_replayed();
	assert_true(stored("Q1") && stored("Q2"));
	assert_int_equal(spool_add(fx.host.spool, SLICE("two\nlines")),
	    ERR_SYNTAX);
	message_done(&msg);
	close_fixture();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suppression),
		cmocka_unit_test(test_facts_and_spool),
		cmocka_unit_test(test_spool_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
