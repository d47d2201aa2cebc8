/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection: pipelining, deadlines, reconnecting, scripts, threads. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <event2/event.h>
#include <pthread.h>

#include "store/block_store.h"
#include "store/keys.h"
#include "store/redis.h"
#include "tests/store/redis_server.h"
#include "util/clock.h"
#include "util/err.h"

struct answer {
	bool done;
	unsigned calls;
	int rc;
	int64_t number;
	char text[100];
};

static void
got(int rc, const struct redis_reply *reply, void *ctx)
{
	struct answer *a = ctx;
	struct slice s = redis_string(reply);

	a->calls++;
	a->rc = rc;
	a->number = redis_integer(reply);
	(void)snprintf(a->text, sizeof(a->text), "%.*s", SLICE_F(s));
	a->done = true;
}

static void
ask(struct store_fixture *f, const char *words, struct answer *a)
{
	struct slice argv[10], rest = slice_of(words);
	size_t n = 0;

	while (n < 10 && slice_split(&rest, ' ', &argv[n]))
		n++;
	redis_command(f->store, argv, n, store_deadline(f->store), got, a);
}

static void
ask_wait(struct store_fixture *f, const char *words, struct answer *a)
{
	*a = (struct answer){ .done = false };
	ask(f, words, a);
	assert_false(a->done); /* never from inside */
	store_fixture_run(f, &a->done);
}

static void
wait_up(struct store_fixture *f)
{
	struct answer a;

	do {
		ask_wait(f, "PING", &a);
	} while (a.rc < 0);
}

static void
test_pipeline(void **state)
{
	enum { N = 5000 };
	struct store_fixture f;
	struct answer *a = calloc(N, sizeof(*a));
	char words[40];

	(void)state;
	store_fixture_open(&f, 0);
	for (int i = 0; i < N; i++) {
		(void)snprintf(words, sizeof(words), "ECHO %d", i);
		ask(&f, words, &a[i]);
	}
	store_fixture_run(&f, &a[N - 1].done);
	for (int i = 0; i < N; i++) {
		assert_int_equal(a[i].rc, 0);
		assert_int_equal(a[i].number, i);
		assert_int_equal(a[i].calls, 1);
	}
	free(a);
	store_fixture_close(&f);
}

static void
test_errors(void **state)
{
	struct store_fixture f;
	struct answer a;

	(void)state;
	store_fixture_open(&f, 0);
	ask_wait(&f, "NOSUCHCOMMAND", &a);
	assert_int_equal(a.rc, ERR_SYNTAX);
	ask_wait(&f, "GET nothing", &a);
	assert_int_equal(a.rc, 0);
	ask_wait(&f, "CONFIG SET maxmemory 1", &a);
	ask_wait(&f, "SET a b", &a);
	assert_int_equal(a.rc, ERR_UNAVAIL); /* OOM */
	store_fixture_close(&f);
}

static void
test_restart(void **state)
{
	struct store_fixture f;
	struct answer a;

	(void)state;
	store_fixture_open(&f, 0);
	ask_wait(&f, "SET a b", &a);
	redis_server_kill(&f.server);
	ask_wait(&f, "PING", &a);
	assert_int_equal(a.rc, ERR_UNAVAIL);
	assert_false(store_is_up(f.store));
	ask_wait(&f, "PING", &a); /* at once */
	assert_int_equal(a.rc, ERR_UNAVAIL);
	redis_server_restart(&f.server);
	wait_up(&f);
	assert_true(store_is_up(f.store));
	store_fixture_close(&f);
}

static void
test_stopped(void **state)
{
	struct store_fixture f;
	struct answer a;

	(void)state;
	store_fixture_open(&f, 100);
	(void)kill(f.server.pid, SIGSTOP);
	ask_wait(&f, "PING", &a);
	assert_int_equal(a.rc, ERR_TIMEOUT);
	/* After some more the connection is given up. */
	do {
		ask_wait(&f, "ECHO lost", &a);
	} while (a.rc == ERR_TIMEOUT);
	assert_int_equal(a.rc, ERR_UNAVAIL);
	(void)kill(f.server.pid, SIGCONT);
	wait_up(&f);
	store_fixture_close(&f);
}

/* A reply that comes after its deadline is nobody else's. */
static void
test_late_reply(void **state)
{
	struct store_fixture f;
	struct answer a, b;

	(void)state;
	store_fixture_open(&f, 0);
	(void)kill(f.server.pid, SIGSTOP);
	a = b = (struct answer){ .done = false };
	redis_command(f.store, (struct slice[]){ SLICE("ECHO"), SLICE("1") }, 2,
	    clock_deadline_ms(30), got, &a);
	ask(&f, "ECHO 2", &b);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, ERR_TIMEOUT);
	assert_false(b.done);
	(void)kill(f.server.pid, SIGCONT);
	store_fixture_run(&f, &b.done);
	assert_int_equal(b.number, 2);
	assert_int_equal(a.calls, 1);
	store_fixture_close(&f);
}

static void
test_client_kill(void **state)
{
	struct store_fixture f;
	struct answer a = { .done = false }, b = { .done = false };

	(void)state;
	store_fixture_open(&f, 0);
	ask(&f, "BLPOP nothing 0", &a);
	ask(&f, "PING", &b);
	for (int i = 0; i < 3; i++)
		(void)event_base_loop(f.base, EVLOOP_NONBLOCK);
	char out[100];
	redis_server_cli(&f.server, "CLIENT KILL TYPE normal SKIPME yes", out,
	    sizeof(out));
	store_fixture_run(&f, &b.done);
	assert_int_equal(a.rc, ERR_UNAVAIL);
	assert_int_equal(b.rc, ERR_UNAVAIL);
	wait_up(&f);
	store_fixture_close(&f);
}

static void
changed(int rc, bool yes, void *ctx)
{
	struct answer *a = ctx;

	a->rc = rc;
	a->number = yes;
	a->calls++;
	a->done = true;
}

static void
test_script_flush(void **state)
{
	struct store_fixture f;
	struct answer a[3] = { { .done = false } };
	const struct block block = { .state = BLOCK_BLOCKED, .status = 2 };

	(void)state;
	store_fixture_open(&f, 0);
	ask_wait(&f, "SCRIPT FLUSH", &a[0]);
	a[0] = (struct answer){ .done = false };
	for (int i = 0; i < 3; i++)
		block_put(f.store, SLICE("t"), SLICE("a@b"), &block,
		    store_deadline(f.store), changed, &a[i]);
	store_fixture_run(&f, &a[2].done);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(a[i].rc, 0);
		assert_int_equal(a[i].calls, 1);
		assert_int_equal(a[i].number, i == 0);
	}
	store_fixture_close(&f);
}

/* Before the first connection commands queue; scripts, too. */
static void
test_before_connected(void **state)
{
	struct store_fixture f = { .store = NULL };
	struct store_options options = { .timeout_ms = 5000 };
	const struct block block = { .state = BLOCK_EXEMPT };
	struct answer a = { .done = false };
	char error[200];

	(void)state;
	redis_server_start(&f.server);
	options.address = f.server.address;
	f.base = event_base_new();
	assert_int_equal(store_open(f.base, &options, &f.store, error,
			     sizeof(error)),
	    0);
	block_put(f.store, SLICE("t"), SLICE("a@b"), &block,
	    store_deadline(f.store), changed, &a);
	store_fixture_run(&f, &a.done);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.number, 1);
	store_fixture_close(&f);
}

static void
test_nobody_there(void **state)
{
	struct store_options options = { .address = "unix:/nowhere/at/all",
		.timeout_ms = 1000 };
	struct store_fixture f = { .store = NULL };
	struct answer a;
	char error[200];

	(void)state;
	f.base = event_base_new();
	assert_int_equal(store_open(f.base, &options, &f.store, error,
			     sizeof(error)),
	    0);
	ask_wait(&f, "PING", &a);
	assert_int_equal(a.rc, ERR_UNAVAIL);
	store_close(f.store);
	options.address = "inet:no such host:1";
	assert_int_equal(store_open(f.base, &options, &f.store, error,
			     sizeof(error)),
	    ERR_SYNTAX);
	event_base_free(f.base);
}

static void
test_close_with_commands(void **state)
{
	struct store_fixture f;
	struct answer a = { .done = false };

	(void)state;
	store_fixture_open(&f, 0);
	ask(&f, "PING", &a);
	store_fixture_close(&f);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.rc, ERR_UNAVAIL);
}

static void
got_message(struct slice payload, void *ctx)
{
	struct answer *a = ctx;

	(void)snprintf(a->text, sizeof(a->text), "%.*s", SLICE_F(payload));
	a->done = true;
}

static void
test_subscribe(void **state)
{
	struct store_fixture f;
	struct answer a, m = { .done = false };

	(void)state;
	store_fixture_open(&f, 0);
	assert_int_equal(redis_subscribe(f.store, SLICE("ch"), got_message, &m),
	    0);
	do {
		ask_wait(&f, "PUBLISH ch hello", &a);
	} while (a.number == 0);
	store_fixture_run(&f, &m.done);
	assert_string_equal(m.text, "hello");
	/* It comes back after its connection was cut. */
	char out[100];
	redis_server_cli(&f.server, "CLIENT KILL TYPE pubsub", out,
	    sizeof(out));
	m.done = false;
	do {
		ask_wait(&f, "PUBLISH ch again", &a);
	} while (a.number == 0);
	store_fixture_run(&f, &m.done);
	assert_string_equal(m.text, "again");
	store_fixture_close(&f);
}

/* ---- least privilege ---- */

/* Each program's user can be made, and does with its keys what it must. */
static void
test_acl(void **state)
{
	static const char *const users[] = { "postern-bounced",
		"postern-policyd" };
	struct store_fixture f;
	const struct block block = { .state = BLOCK_BLOCKED };
	char *text = NULL, error[200];
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	store_fixture_open(&f, 0);
	keys_print_acl(out);
	(void)fclose(out);
	struct slice rest = { text, size }, line;
	while (slice_split(&rest, '\n', &line) && line.len > 0) {
		struct answer a = { .done = false };
		struct slice argv[100];
		size_t n = 0;

		while (n < 99 && slice_split(&line, ' ', &argv[n]))
			if (argv[n].len > 0)
				n++;
		argv[n++] = SLICE(">secret");
		redis_command(f.store, argv, n, store_deadline(f.store), got,
		    &a);
		store_fixture_run(&f, &a.done);
		assert_int_equal(a.rc, 0);
	}
	free(text);
	for (int i = 0; i < 2; i++) {
		const struct store_options options = {
			.address = f.server.address,
			.user = users[i],
			.password = "secret",
			.timeout_ms = 2000,
		};
		struct answer a = { .done = false };
		struct store *own = f.store;

		assert_int_equal(store_open(f.base, &options, &f.store, error,
				     sizeof(error)),
		    0);
		block_put(f.store, SLICE("t"), SLICE("a@b"), &block,
		    store_deadline(f.store), changed, &a);
		store_fixture_run(&f, &a.done);
		assert_int_equal(a.rc, i == 0 ? 0 : ERR_UNAVAIL);
		ask_wait(&f, "HGET pn:b:{t:000}:0 nobody", &a);
		assert_int_equal(a.rc, 0);
		ask_wait(&f, "HGET pn:{s}:revs x", &a);
		assert_int_equal(a.rc, 0);
		ask_wait(&f, "HSET pn:{s}:revs x y", &a);
		assert_int_equal(a.rc, ERR_UNAVAIL);
		store_close(f.store);
		f.store = own;
	}
	store_fixture_close(&f);
}

/* ---- sentinel ---- */

static void
test_sentinel(void **state)
{
	struct redis_server master, replica;
	struct store_fixture f;
	struct store_options options = { .timeout_ms = 1000 };
	struct answer a;
	char error[200], out[2000];
	int64_t until_us = clock_mono_us() + 20000000;

	(void)state;
	redis_server_start_inet(&master, 0);
	redis_server_start_inet(&replica, master.port);
	redis_sentinel_start(&f.server, master.port);
	do { /* a fail-over needs a replica that the sentinel knows */
		redis_server_cli(&f.server, "SENTINEL REPLICAS test", out,
		    sizeof(out));
	} while (strstr(out, "slave") == NULL && clock_mono_us() < until_us);
	options.address = f.server.address;
	f.base = event_base_new();
	assert_int_equal(store_open(f.base, &options, &f.store, error,
			     sizeof(error)),
	    0);
	wait_up(&f);
	ask_wait(&f, "SET where master", &a);
	assert_int_equal(a.rc, 0);
	redis_server_kill(&master);
	until_us = clock_mono_us() + 20000000;
	do {
		ask_wait(&f, "SET where replica", &a);
	} while (a.rc < 0 && clock_mono_us() < until_us);
	assert_int_equal(a.rc, 0);
	redis_server_cli(&replica, "GET where", out, sizeof(out));
	assert_string_equal(out, "replica");
	store_fixture_close(&f);
	redis_server_stop(&replica);
	redis_server_stop(&master);
}

/* ---- threads ---- */

static void
wait_got(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)reply;
	store_wait_done(ctx, rc);
}

static void
wait_start(struct store *s, struct store_wait *w, void *ctx)
{
	(void)ctx;
	redis_command(s, (struct slice[]){ SLICE("INCR"), SLICE("n") }, 2,
	    store_deadline(s), wait_got, w);
}

enum { THREADS = 4, ROUNDS = 200 };
static struct store *thread_store;
static unsigned finished;

static void *
thread(void *ctx)
{
	int *failed = ctx;

	for (int i = 0; i < ROUNDS; i++)
		if (store_wait(thread_store, wait_start, NULL) != 0)
			(*failed)++;
	__atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void
test_threads(void **state)
{
	struct store_fixture f;
	pthread_t t[THREADS];
	int failed[THREADS] = { 0 };
	struct answer a;

	(void)state;
	store_fixture_open(&f, 10000);
	thread_store = f.store;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, thread,
				     &failed[i]),
		    0);
	do {
		ask_wait(&f, "GET n", &a);
	} while (__atomic_load_n(&finished, __ATOMIC_SEQ_CST) < THREADS);
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(t[i], NULL);
		assert_int_equal(failed[i], 0);
	}
	ask_wait(&f, "GET n", &a);
	assert_int_equal(a.number, THREADS * ROUNDS);
	store_fixture_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_late_reply),
		cmocka_unit_test(test_client_kill),
		cmocka_unit_test(test_script_flush),
		cmocka_unit_test(test_before_connected),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_close_with_commands),
		cmocka_unit_test(test_subscribe),
		cmocka_unit_test(test_acl),
		cmocka_unit_test(test_sentinel),
		cmocka_unit_test(test_threads),
	};

	if (!redis_server_available()) {
		printf("1..0 # SKIP redis-server is not installed\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
