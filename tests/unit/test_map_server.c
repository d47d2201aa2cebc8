/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables' server over socket pairs: one call at a time, late answers,
 * clients that leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policyd/map_server.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/err.h"

static struct {
	struct map_call *waiting;
	unsigned gone;
	bool full;
} seen;

/* The key comes back; "none" is nothing. */
static void
look_echo(struct map_call *call)
{
	if (slice_eq(call->key, SLICE("none")))
		map_answer(call, MAP_NOTFOUND, SLICE(""));
	else
		map_answer(call, MAP_OK, call->key);
}

static void
look_wait(struct map_call *call)
{
	assert_null(seen.waiting);
	seen.waiting = call;
	call->state = &seen;
}

static void
gone(struct map_call *call)
{
	assert_ptr_equal(call, seen.waiting);
	assert_ptr_equal(call->state, &seen);
	seen.waiting = NULL;
	seen.gone++;
}

static const struct map_table echo = { .name = "echo", .look = look_echo };
static const struct map_table waits = { .name = "wait",
	.prefix = true,
	.look = look_wait,
	.gone = gone };
static const struct map_table strict = { .name = "strict",
	.look = look_wait,
	.gone = gone,
	.late_is_trouble = true };
static const struct map_table *const tables[] = { &echo, &waits, &strict,
	NULL };

struct fixture {
	struct event_base *base;
	struct map_server *m;
	int peer;
};

static void
turned_full(bool full)
{
	seen.full = full;
}

static int
add_client(struct fixture *f)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds),
	    0);
	map_server_add(f->m, fds[0]);
	return fds[1];
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	memset(&seen, 0, sizeof(seen));
	f->base = event_base_new();
	f->m = map_server_new(f->base, NULL, tables, 2, turned_full);
	assert_non_null(f->m);
	f->peer = add_client(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	clock_set_for_test(0);
	map_server_free(f->m);
	(void)close(f->peer);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void
turn(struct fixture *f)
{
	for (int i = 0; i < 3; i++)
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
say(struct fixture *f, const char *text)
{
	assert_int_equal(write(f->peer, text, strlen(text)), strlen(text));
	turn(f);
}

static void
expect(struct fixture *f, const char *text)
{
	char got[1000];
	ssize_t n = read(f->peer, got, sizeof(got));

	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		n = 0;
	}
	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, (size_t)n);
}

static void
each_request_has_its_answer(void **state)
{
	struct fixture *f = *state;

	say(f, "8:echo abc,9:echo none,8:echo x y,");
	expect(f, "6:OK abc,9:NOTFOUND ,6:OK x y,");
	say(f, "8:echo");
	expect(f, "");
	say(f, " abc,");
	expect(f, "6:OK abc,");
}

static void
an_unknown_table_is_said_so(void **state)
{
	struct fixture *f = *state;

	/* A prefix wants something behind it. */
	say(f, "5:abc x,6:echo2 ,6:wait x,7:wait- x,");
	expect(f, "18:PERM no such table,18:PERM no such table,"
		  "18:PERM no such table,18:PERM no such table,");
	assert_null(seen.waiting);
}

static void
what_can_not_be_sent_is_trouble(void **state)
{
	struct fixture *f = *state;

	say(f, "8:echo a\nb,");
	expect(f, "31:TEMP the answer can not be sent,");
}

static void
one_call_is_under_way(void **state)
{
	struct fixture *f = *state;

	say(f, "10:wait-x key,8:echo abc,");
	expect(f, "");
	assert_non_null(seen.waiting);
	assert_true(slice_eq(seen.waiting->name, SLICE("wait-x")));
	assert_true(slice_eq(seen.waiting->key, SLICE("key")));
	map_answer(seen.waiting, MAP_OK, SLICE("late"));
	seen.waiting = NULL;
	expect(f, "7:OK late,6:OK abc,");
	assert_int_equal(seen.gone, 0);
}

static void
an_answer_must_come_in_time(void **state)
{
	const int64_t start = INT64_C(1700000000000000);
	struct fixture *f = *state;

	clock_set_for_test(start);
	say(f, "10:wait-x key,");
	assert_non_null(seen.waiting);
	clock_set_for_test(start + (MAP_CALL_MAX_MS + 1) * INT64_C(1000));
	map_server_expire(f->m);
	assert_int_equal(seen.gone, 1);
	expect(f, "9:NOTFOUND ,");
	say(f, "10:strict key,");
	clock_set_for_test(start + 2 * (MAP_CALL_MAX_MS + 1) * INT64_C(1000));
	map_server_expire(f->m);
	assert_int_equal(seen.gone, 2);
	expect(f, "22:TEMP no answer in time,");
	/* And goes on. */
	say(f, "8:echo abc,");
	expect(f, "6:OK abc,");
}

static void
a_malformed_request_closes(void **state)
{
	struct fixture *f = *state;
	uint64_t before = metrics_get(METRIC_POLICYD_MAP_MALFORMED);

	say(f, "8:echo abc,GET / HTTP/1.1\r\n");
	expect(f, "6:OK abc,");
	assert_int_equal(map_server_count(f->m), 0);
	assert_int_equal(metrics_get(METRIC_POLICYD_MAP_MALFORMED), before + 1);
}

static void
freeing_forgets_calls(void **state)
{
	struct fixture *f = *state;

	say(f, "10:wait-x key,");
	map_server_free(f->m);
	f->m = NULL;
	assert_int_equal(seen.gone, 1);
}

static void
draining_waits_for_calls(void **state)
{
	struct fixture *f = *state;
	int idle = add_client(f);

	say(f, "10:wait-x key,");
	assert_int_equal(map_server_drain(f->m), 1);
	map_answer(seen.waiting, MAP_OK, SLICE("yes"));
	seen.waiting = NULL;
	expect(f, "6:OK yes,");
	assert_int_equal(map_server_drain(f->m), 0);
	(void)close(idle);
}

static void
the_maximum_is_told(void **state)
{
	struct fixture *f = *state;
	int second;

	assert_false(seen.full);
	second = add_client(f);
	assert_true(seen.full);
	map_server_set_max(f->m, 3);
	assert_false(seen.full);
	map_server_set_max(f->m, 2);
	assert_true(seen.full);
	(void)close(second);
	turn(f);
	assert_false(seen.full);
	assert_int_equal(map_server_count(f->m), 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_request_has_its_answer),
		T(an_unknown_table_is_said_so),
		T(what_can_not_be_sent_is_trouble),
		T(one_call_is_under_way),
		T(an_answer_must_come_in_time),
		T(a_malformed_request_closes),
		T(freeing_forgets_calls),
		T(draining_waits_for_calls),
		T(the_maximum_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
