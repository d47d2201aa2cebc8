/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections over a socket pair: splits, pipelining, holding, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/connection.h"
#include "util/err.h"

/* Lines; each is answered by itself.  "hold" waits for a release. */
struct fixture {
	struct event_base *base;
	struct connection *c;
	int peer;
	unsigned lines, closed;
	int rc;
	size_t unread;
	const char *held;
	size_t held_len;
};

static ssize_t
input(struct connection *c, struct slice in, void *ctx)
{
	struct fixture *f = ctx;
	const char *nl = memchr(in.at, '\n', in.len);

	if (nl == NULL)
		return 0;
	struct slice line = { in.at, (size_t)(nl - in.at) + 1 };
	f->lines++;
	if (slice_eq(line, SLICE("bad\n")))
		return ERR_SYNTAX;
	if (slice_eq(line, SLICE("hold\n"))) {
		connection_hold(c);
		f->held = line.at;
		f->held_len = line.len;
		return (ssize_t)line.len;
	}
	if (slice_eq(line, SLICE("both\n"))) {
		connection_hold(c);
		(void)buf_add_slice(connection_output(c), line);
		connection_release(c);
		return (ssize_t)line.len;
	}
	(void)buf_add_slice(connection_output(c), line);
	return (ssize_t)line.len;
}

static void
closed(struct connection *c, int rc, size_t unread, void *ctx)
{
	struct fixture *f = ctx;

	assert_ptr_equal(c, f->c);
	f->c = NULL;
	f->closed++;
	f->rc = rc;
	f->unread = unread;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct connection_options options = { 4096 * 4, 65536, input, closed,
		f };
	int fds[2];

	assert_non_null(f);
	*state = f;
	f->base = event_base_new();
	assert_non_null(f->base);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds),
	    0);
	f->peer = fds[1];
	return connection_start(f->base, fds[0], &options, &f->c);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	connection_free(f->c);
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
send_text(struct fixture *f, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(write(f->peer, text, len), len);
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
test_every_split(void **state)
{
	struct fixture *f = *state;

	for (const char *p = "one\ntwo\n"; *p != '\0'; p++) {
		char one[2] = { *p, '\0' };

		send_text(f, one);
	}
	expect(f, "one\ntwo\n");
	assert_int_equal(f->lines, 2);
}

static void
test_pipelined(void **state)
{
	struct fixture *f = *state;

	send_text(f, "a\nboth\nb\nc\nd");
	expect(f, "a\nboth\nb\nc\n");
	assert_false(connection_is_idle(f->c));
	send_text(f, "\n");
	expect(f, "d\n");
	assert_true(connection_is_idle(f->c));
}

static void
test_held(void **state)
{
	struct fixture *f = *state;

	send_text(f, "a\nhold\nb\n");
	expect(f, "a\n");
	assert_false(connection_is_idle(f->c));
	send_text(f, "c\n");
	expect(f, "");
	/* What is held does not move. */
	assert_memory_equal(f->held, "hold\n", f->held_len);
	(void)buf_add_slice(connection_output(f->c), SLICE("held\n"));
	connection_release(f->c);
	turn(f);
	expect(f, "held\nb\nc\n");
}

static void
test_peer_closes(void **state)
{
	struct fixture *f = *state;

	send_text(f, "a\nhalf");
	assert_int_equal(shutdown(f->peer, SHUT_WR), 0);
	turn(f);
	expect(f, "a\n");
	assert_int_equal(f->closed, 1);
	assert_int_equal(f->rc, 0);
	assert_int_equal(f->unread, 4);
}

static void
test_peer_closes_while_held(void **state)
{
	struct fixture *f = *state;

	send_text(f, "hold\n");
	assert_int_equal(shutdown(f->peer, SHUT_RDWR), 0);
	turn(f);
	assert_int_equal(f->closed, 0);
	(void)buf_add_slice(connection_output(f->c), SLICE("late\n"));
	connection_release(f->c);
	turn(f);
	assert_int_equal(f->closed, 1);
}

static void
test_bad_input(void **state)
{
	struct fixture *f = *state;

	send_text(f, "a\nbad\nb\n");
	expect(f, "a\n");
	assert_int_equal(f->closed, 1);
	assert_int_equal(f->rc, ERR_SYNTAX);
}

static void
test_too_large(void **state)
{
	struct fixture *f = *state;
	char junk[4096];

	memset(junk, 'x', sizeof(junk));
	for (int i = 0; i < 4; i++) {
		assert_int_equal(write(f->peer, junk, sizeof(junk)), 4096);
		turn(f);
		turn(f);
	}
	assert_int_equal(f->closed, 1);
	assert_int_equal(f->rc, ERR_LIMIT);
}

/* A peer that asks and never reads stops being read, and nothing is lost. */
static void
test_peer_does_not_read(void **state)
{
	static char line[4000];
	struct fixture *f = *state;
	size_t sent = 0, got = 0;
	char room[4096];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (ssize_t n = 1; n > 0;) {
		n = write(f->peer, line + sent % sizeof(line),
		    sizeof(line) - sent % sizeof(line));
		turn(f);
		if (n > 0)
			sent += (size_t)n;
	}
	assert_true(sent > 65536);
	assert_non_null(f->c);
	for (ssize_t n = 1; n > 0 || got < sent - sizeof(line);) {
		n = read(f->peer, room, sizeof(room));
		turn(f);
		if (n > 0)
			got += (size_t)n;
	}
	assert_int_equal(got, sent / sizeof(line) * sizeof(line));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_every_split),
		T(test_pipelined),
		T(test_held),
		T(test_peer_closes),
		T(test_peer_closes_while_held),
		T(test_bad_input),
		T(test_too_large),
		T(test_peer_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
