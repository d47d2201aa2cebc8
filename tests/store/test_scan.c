/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What follows a scan: each result under each setting, the message in the
 * quarantine, the notices.  Redis is real; scanner and MTA are stood in for by
 * functions of this file, as each of their answers is needed at will.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "milter/body.h"
#include "milter/keeper.h"
#include "milter/milter.h"
#include "milter/module.h"
#include "milter/notice.h"
#include "milter/reinject.h"
#include "milter/scan_client.h"
#include "milter/spool.h"
#include "proto/json.h"
#include "store/event_store.h"
#include "store/quarantine_store.h"
#include "store/settings_store.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

/* ---- the stand-ins ---- */

static struct {
	int rc;
	struct scan_verdict verdict;
	size_t size;
	unsigned calls;
} scanner;

int
scan_client_scan(struct scan_client *c, int fd, size_t size,
    int64_t deadline_us, struct scan_verdict *ret_verdict)
{
	(void)c;
	(void)fd;
	assert_true(deadline_us > clock_mono_us());
	scanner.size = size;
	scanner.calls++;
	if (scanner.rc == 0)
		*ret_verdict = scanner.verdict;
	return scanner.rc;
}

static struct {
	pthread_mutex_t lock;
	int rc;
	char text[NOTICE_MAX];
	unsigned calls;
} mta = { .lock = PTHREAD_MUTEX_INITIALIZER };

int
reinject_text(const struct milter *host, struct slice queue_id,
    const struct reinject_copy *copy, struct slice text, int64_t deadline_us)
{
	(void)host;
	assert_true(queue_id.len > 0 && deadline_us > clock_mono_us());
	assert_int_equal(copy->token->kind, COPY_NOTICE);
	assert_int_equal(copy->sender.len, 0);
	assert_int_equal(copy->recipient_count, 1);
	(void)pthread_mutex_lock(&mta.lock);
	mta.calls++;
	(void)snprintf(mta.text, sizeof(mta.text), "%.*s", SLICE_F(text));
	(void)pthread_mutex_unlock(&mta.lock);
	return mta.rc;
}

static unsigned
notices(void)
{
	(void)pthread_mutex_lock(&mta.lock);
	unsigned n = mta.calls;
	(void)pthread_mutex_unlock(&mta.lock);
	return n;
}

/* ---- the fixture ---- */

static struct {
	struct store_fixture f;
	struct milter host;
	struct master_key master;
	struct tenant tenant;
	struct message msg;
	char dir[40];
} fx;

static void
watched(int rc, const char *text, void *ctx)
{
	(void)rc;
	(void)text;
	(void)ctx;
}

static const struct keeper_limits limits = { 1000000, 3000000 };

static void
open_fixture(void)
{
	assert_int_equal(evthread_use_pthreads(), 0);
	store_fixture_open(&fx.f, 500);
	memcpy(fx.dir, "/tmp/postern-test-XXXXXX", 25);
	assert_non_null(mkdtemp(fx.dir));
	fx.host = (struct milter){ .store = fx.f.store,
		.host_name = SLICE("mta1"),
		.master = &fx.master,
		.scan = (void *)&scanner,
		.scan_timeout_ms = 1000 };
	fx.tenant = (struct tenant){ .name = SLICE("default"),
		.scan = { .keep_days = 14 } };
	assert_int_equal(spool_open(fx.dir, 100, fx.f.store, &fx.host.spool),
	    0);
	assert_int_equal(settings_watch_start(fx.f.base, fx.f.store, fx.dir,
			     &fx.master, 200, watched, NULL, &fx.host.watch),
	    0);
	assert_int_equal(keeper_new(&fx.host, &limits, &fx.host.keeper), 0);
	assert_int_equal(message_init(&fx.msg), 0);
}

static void
close_fixture(void)
{
	char command[100];

	while (keeper_drain(fx.host.keeper) > 0)
		(void)event_base_loop(fx.f.base, EVLOOP_NONBLOCK);
	keeper_free(fx.host.keeper);
	message_done(&fx.msg);
	settings_watch_stop(fx.host.watch);
	store_fixture_close(&fx.f);
	spool_close(fx.host.spool);
	(void)snprintf(command, sizeof(command), "rm -r %s", fx.dir);
	assert_int_equal(system(command), 0);
}

/* In a thread of its own, as libmilter has it. */
struct stage {
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

	s->verdict = module_scan.eom(&fx.msg, NULL);
	assert_int_equal(store_post(fx.f.store, stage_over, &s->done), 0);
	return NULL;
}

static void
begin(const char *queue_id, const struct copy_token *copy)
{
	struct message *msg = &fx.msg;

	message_reset(msg);
	msg->host = &fx.host;
	msg->tenant = &fx.tenant;
	msg->queue_id = slice_of(queue_id);
	msg->sender = SLICE("news@shop.example");
	msg->client = SLICE("192.0.2.1");
	msg->arrived_ms = clock_wall_us() / 1000;
	msg->copy = copy;
	assert_int_equal(message_add_field(msg, SLICE("Subject"), SLICE(" a")),
	    0);
	assert_int_equal(message_add_field(msg, SLICE("x-virus-scanned"),
			     SLICE(" yes")),
	    0);
	assert_int_equal(message_add_rcpt(msg, SLICE("<a@x.example>"), true),
	    0);
	assert_int_equal(message_add_rcpt(msg, SLICE("<b@x.example>"), true),
	    0);
}

static enum verdict
run(const char *queue_id, size_t body, const struct copy_token *copy)
{
	struct stage s = { .done = false };
	pthread_t thread;
	char octets[1000];

	memset(octets, 'x', sizeof(octets));
	begin(queue_id, copy);
	if (module_scan.begin(&fx.msg, NULL) == BODY_BUFFER) {
		fx.msg.body = body_new(&fx.msg);
		assert_non_null(fx.msg.body);
		for (; body > 0; body -= body < 1000 ? body : 1000)
			body_add(fx.msg.body, (struct slice){ octets,
						  body < 1000 ? body : 1000 });
	}
	assert_int_equal(pthread_create(&thread, NULL, stage_run, &s), 0);
	store_fixture_run(&fx.f, &s.done);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return s.verdict;
}

static const char *
cli(const char *words)
{
	static char out[5000];

	redis_server_cli(&fx.f.server, words, out, sizeof(out));
	return out;
}

/* Runs the loop until redis-cli says so. */
static void
wait_for(const char *words, const char *expected)
{
	int64_t deadline_us = clock_deadline_ms(20000);

	while (strcmp(cli(words), expected) != 0) {
		assert_true(clock_mono_us() < deadline_us);
		(void)event_base_loop(fx.f.base, EVLOOP_NONBLOCK);
		(void)usleep(5000);
	}
}

static void
wait_notices(unsigned n)
{
	int64_t deadline_us = clock_deadline_ms(20000);

	while (notices() < n) {
		assert_true(clock_mono_us() < deadline_us);
		(void)event_base_loop(fx.f.base, EVLOOP_NONBLOCK);
		(void)usleep(5000);
	}
}

static void
answer(int rc, enum scan_result result, const char *name)
{
	scanner.rc = rc;
	scanner.verdict = (struct scan_verdict){ .result = result };
	(void)snprintf(scanner.verdict.name, sizeof(scanner.verdict.name), "%s",
	    name);
}

static const char *
added(void)
{
	if (fx.msg.added_count == 0)
		return "";
	assert_int_equal(fx.msg.added_count, 1);
	assert_true(slice_eq(fx.msg.added[0].name, SLICE("X-Virus-Scanned")));
	return fx.msg.added[0].value.at;
}

static size_t
field_left(void)
{
	return message_count(&fx.msg, "X-Virus-Scanned");
}

/* ---- the tests ---- */

static void
check_trouble(void)
{
	struct scan_settings *scan = &fx.tenant.scan;

	answer(ERR_TIMEOUT, SCAN_CLEAN, "");
	scan->when_unavailable = SCAN_TEMPFAIL;
	assert_int_equal(run("T1", 10, NULL), VERDICT_TEMPFAIL);
	assert_string_equal(fx.msg.reply_dsn, "4.7.1");
	scan->when_unavailable = SCAN_PASS;
	assert_int_equal(run("T2", 10, NULL), VERDICT_NEXT);
	assert_string_equal(added(), " no");
	assert_true(fx.msg.unscanned && fx.msg.hold_reason.at == NULL);
	scan->when_unavailable = SCAN_HOLD;
	assert_int_equal(run("T3", 10, NULL), VERDICT_NEXT);
	assert_string_equal(added(), " no");
	assert_non_null(fx.msg.hold_reason.at);
	scan->mode = MODE_OBSERVE;
	scan->when_unavailable = SCAN_TEMPFAIL;
	assert_int_equal(run("T4", 10, NULL), VERDICT_NEXT);
	assert_string_equal(added(), "");
	scan->mode = MODE_ENFORCE;

	answer(0, SCAN_UNSCANNABLE, "Heuristics.Limits.Exceeded");
	scan->when_unscannable = SCAN_PASS;
	assert_int_equal(run("T5", 10, NULL), VERDICT_NEXT);
	assert_string_equal(added(), " no");
	scan->when_unscannable = SCAN_TEMPFAIL;
	assert_int_equal(run("T6", 10, NULL), VERDICT_TEMPFAIL);
	scan->when_unscannable = SCAN_REJECT;
	assert_int_equal(run("T7", 10, NULL), VERDICT_REJECT);
	assert_string_equal(fx.msg.reply_text,
	    "Message refused: can not be scanned: Heuristics.Limits.Exceeded");

	/* No scanner at all is one that is away. */
	fx.host.scan = NULL;
	assert_int_equal(run("T8", 10, NULL), VERDICT_TEMPFAIL);
	fx.host.scan = (void *)&scanner;
}

static void
check_copies(void)
{
	struct copy_token copy = { .kind = COPY_SPLIT };
	unsigned calls = scanner.calls;

	answer(0, SCAN_INFECTED, "x");
	assert_int_equal(run("C1", 10, &copy), VERDICT_NEXT);
	assert_string_equal(added(), "");
	copy.unscanned = true;
	assert_int_equal(run("C2", 10, &copy), VERDICT_NEXT);
	assert_string_equal(added(), " no");
	assert_null(fx.msg.hold_reason.at);
	copy.held = true;
	assert_int_equal(run("C3", 10, &copy), VERDICT_NEXT);
	assert_non_null(fx.msg.hold_reason.at);
	assert_int_equal(scanner.calls, calls);
}

static void
test_verdicts(void **state)
{
	(void)state;
	if (!redis_server_available())
		skip();
	open_fixture();
	answer(0, SCAN_CLEAN, "");
	fx.tenant.scan.mode = MODE_OFF;
	assert_int_equal(run("V1", 10, NULL), VERDICT_NEXT);
	assert_int_equal(scanner.calls, 0);
	assert_int_equal(field_left(), 1);
	fx.tenant.scan.mode = MODE_ENFORCE;
	assert_int_equal(run("V2", 100, NULL), VERDICT_NEXT);
	assert_int_equal(scanner.calls, 1);
	/* Without the client's field, which nobody is to believe. */
	assert_int_equal(scanner.size, sizeof("Subject:  a\r\n\r\n") - 1 + 100);
	assert_int_equal(field_left(), 0);
	assert_string_equal(added(), "");

	answer(0, SCAN_INFECTED, "Evil\r\n%s.Name-1{x}");
	assert_int_equal(run("V3", 10, NULL), VERDICT_REJECT);
	assert_string_equal(fx.msg.reply_dsn, "5.7.1");
	assert_string_equal(fx.msg.reply_text,
	    "Message refused: contains Evil___s.Name-1{x}");
	check_trouble();
	check_copies();

	fx.tenant.scan.mode = MODE_OBSERVE;
	answer(0, SCAN_INFECTED, "Eicar");
	assert_int_equal(run("V4", 10, NULL), VERDICT_NEXT);
	assert_int_equal(field_left(), 0);
	close_fixture();
}

struct events {
	bool done;
	char text[5000];
};

static void
on_event(const struct event *e, void *ctx)
{
	struct events *all = ctx;
	size_t n = strlen(all->text);

	(void)snprintf(all->text + n, sizeof(all->text) - n,
	    "%s %.*s %.*s %d %.*s: %.*s (%.*s)\n", event_type_word(e->type),
	    SLICE_F(e->queue_id), SLICE_F(e->recipient), e->status,
	    SLICE_F(e->origin), SLICE_F(e->reason), SLICE_F(e->subject));
}

static void
on_end(int rc, struct slice next, void *ctx)
{
	struct events *all = ctx;

	(void)next;
	assert_int_equal(rc, 0);
	all->done = true;
}

static void
test_events(void **state)
{
	static struct events all;

	(void)state;
	if (!redis_server_available())
		skip();
	open_fixture();
	answer(0, SCAN_INFECTED, "Eicar");
	fx.tenant.scan.mode = MODE_OBSERVE;
	assert_int_equal(run("E1", 10, NULL), VERDICT_NEXT);
	fx.tenant.scan.mode = MODE_ENFORCE;
	assert_int_equal(run("E2", 10, NULL), VERDICT_REJECT);
	/* Redis goes: the refusal stands, its events wait in the spool. */
	redis_server_kill(&fx.f.server);
	assert_int_equal(run("E3", 10, NULL), VERDICT_REJECT);
	assert_true(fx.msg.spooled);
	/* What is clean is not refused for it. */
	answer(0, SCAN_CLEAN, "");
	assert_int_equal(run("E4", 10, NULL), VERDICT_NEXT);
	redis_server_restart(&fx.f.server);
	int64_t deadline_us = clock_deadline_ms(20000);
	while (spool_size(fx.host.spool) > 0) {
		assert_true(clock_mono_us() < deadline_us);
		spool_kick(fx.host.spool);
		(void)event_base_loop(fx.f.base, EVLOOP_ONCE);
	}
	answer(0, SCAN_INFECTED, "Eicar");
	fx.tenant.scan.mode = MODE_OBSERVE;
	assert_int_equal(run("E5", 10, NULL), VERDICT_NEXT);
	event_read(fx.f.store, SLICE("mta1"), SLICE(""), 100,
	    store_deadline(fx.f.store), on_event, on_end, &all);
	store_fixture_run(&fx.f, &all.done);
	assert_string_equal(all.text,
	    "failed E3 a@x.example 99 virus: 550 5.7.1 Message refused: "
	    "contains Eicar (a)\n"
	    "failed E3 b@x.example 99 virus: 550 5.7.1 Message refused: "
	    "contains Eicar (a)\n"
	    "observed E5  0 virus: contains Eicar; not refused: only "
	    "observed (a)\n");
	close_fixture();
}

static void
test_kept(void **state)
{
	(void)state;
	if (!redis_server_available())
		skip();
	open_fixture();
	fx.tenant.scan.mode = MODE_ENFORCE;
	answer(0, SCAN_INFECTED, "Eicar");
	assert_int_equal(run("K1", 600000, NULL), VERDICT_REJECT);
	wait_for("EVAL \"return redis.call('HGET', redis.call('KEYS', "
		 "'pn:q:*')[1] or '', 'c') or ''\" 0",
	    "k");
	assert_string_equal(cli("ZCARD pn:qi:{default}"), "1");
	/* One that is too large, and a tenant that keeps none. */
	assert_int_equal(run("K2", 1000000, NULL), VERDICT_REJECT);
	wait_for("ZCARD pn:qi:{default}", "2");
	assert_string_equal(cli("HLEN pn:qr:{default}"), "1");
	fx.tenant.scan.keep_days = 0;
	assert_int_equal(run("K3", 10, NULL), VERDICT_REJECT);
	fx.tenant.scan.keep_days = 1;
	/* Redis comes back soon enough: nothing is lost. */
	redis_server_kill(&fx.f.server);
	assert_int_equal(run("K4", 10, NULL), VERDICT_REJECT);
	redis_server_restart(&fx.f.server);
	wait_for("ZCARD pn:qi:{default}", "1");
	wait_for("EVAL \"return redis.call('HGET', redis.call('KEYS', "
		 "'pn:q:*')[1] or '', 'q') or ''\" 0",
	    "K4");
	close_fixture();
}

static void
on_applied(int rc, int64_t revision, void *ctx)
{
	(void)revision;
	assert_int_equal(rc, 0);
	*(bool *)ctx = true;
}

static void
put_settings(void)
{
	const struct slice text =
	    SLICE("{\"scan\":{\"notify\":[\"abuse@shop.example\"]}}");
	const struct slice name = SLICE("default");
	struct json *doc = NULL;
	char error[200];
	bool done = false;

	assert_int_equal(json_parse(text, 1000, &doc, error, sizeof(error)), 0);
	settings_put_draft(fx.f.store, name, 0, doc, store_deadline(fx.f.store),
	    on_applied, &done);
	store_fixture_run(&fx.f, &done);
	done = false;
	settings_apply(fx.f.store, name, SLICE("test"), SLICE(""),
	    store_deadline(fx.f.store), on_applied, &done);
	store_fixture_run(&fx.f, &done);
	json_free(doc);
	int64_t deadline_us = clock_deadline_ms(20000);
	for (bool there = false; !there;) {
		struct settings *all = settings_current(fx.host.watch);

		there = settings_tenant(all, name)->scan.notify_count == 1;
		settings_unref(all);
		assert_true(clock_mono_us() < deadline_us);
		(void)event_base_loop(fx.f.base, EVLOOP_NONBLOCK);
		(void)usleep(5000);
	}
}

static void
test_notices(void **state)
{
	(void)state;
	if (!redis_server_available())
		skip();
	open_fixture();
	put_settings();
	fx.tenant.scan.mode = MODE_ENFORCE;
	answer(0, SCAN_INFECTED, "Eicar");
	assert_int_equal(run("N1", 10, NULL), VERDICT_REJECT);
	wait_notices(1);
	assert_non_null(strstr(mta.text,
	    "To: <abuse@shop.example>\nSubject: Virus refused: Eicar "
	    "(default)\n"));
	/* The MTA takes none: the refusals stand, and not many are tried. */
	mta.rc = ERR_UNAVAIL;
	for (int i = 0; i < 2 * NOTICE_PER_MINUTE; i++)
		assert_int_equal(run("N2", 10, NULL), VERDICT_REJECT);
	wait_for("ZCARD pn:qi:{default}", "21");
	mta.rc = 0;
	close_fixture();
	assert_int_equal(notices(), NOTICE_PER_MINUTE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
