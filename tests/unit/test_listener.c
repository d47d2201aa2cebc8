/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets: addresses, files and their modes, accepting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listener.h"
#include "util/err.h"

static char dir[] = "/tmp/test_listener.XXXXXX";
static char path[80], address[90];
static char error[400];

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/sub/s.sock", dir);
	(void)snprintf(address, sizeof(address), "unix:%s", path);
	return 0;
}

static int
teardown(void **state)
{
	char sub[80];

	(void)state;
	(void)unlink(path);
	(void)snprintf(sub, sizeof(sub), "%s/sub", dir);
	(void)rmdir(sub);
	return rmdir(dir);
}

static int
connect_unix(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(un.sun_path, path, strlen(path));
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void
test_addresses(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{ "unix:/a/b", 0 },
		{ "unix:/a inet:127.0.0.1:1  inet:[::1]:65535", 0 },
		{ "inet::25", 0 },
		{ "inet:[::]:0", 0 },
		{ "", ERR_SYNTAX },
		{ " ", ERR_SYNTAX },
		{ "unix:a", ERR_SYNTAX },
		{ "unix:/", ERR_SYNTAX },
		{ "unix:/a/", ERR_SYNTAX },
		{ "/a", ERR_SYNTAX },
		{ "inet:25", ERR_SYNTAX },
		{ "inet:localhost:25", ERR_SYNTAX },
		{ "inet:127.0.0.1:", ERR_SYNTAX },
		{ "inet:127.0.0.1:65536", ERR_SYNTAX },
		{ "inet:127.0.0.1:-1", ERR_SYNTAX },
		{ "inet:[::1:25", ERR_SYNTAX },
		{ "inet:[]:25", ERR_SYNTAX },
		{ "inet:::1:25", ERR_SYNTAX },
		{ "unix:/1 unix:/2 unix:/3 unix:/4 unix:/5 unix:/6 unix:/7 "
		  "unix:/8 unix:/9",
		    ERR_LIMIT },
		{ "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		    ERR_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc;

		error[0] = '\0';
		rc = listener_check(cases[i].text, error, sizeof(error));
		if (rc != cases[i].want || (rc < 0) != (error[0] != '\0'))
			fail_msg("\"%s\": %d %s", cases[i].text, rc, error);
	}
}

static void
test_unix(void **state)
{
	int fds[LISTENER_MAX], more[LISTENER_MAX], fd;
	struct stat st;

	(void)state;
	assert_int_equal(listener_open(address, "", fds, error, sizeof(error)),
	    1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	fd = connect_unix();
	assert_true(fd >= 0);
	(void)close(fd);

	/* One that answers is left alone. */
	assert_int_equal(listener_open(address, "", more, error, sizeof(error)),
	    ERR_CONFLICT);
	assert_non_null(strstr(error, "another process listens"));
	fd = connect_unix();
	assert_true(fd >= 0);
	(void)close(fd);

	/* One left over from a dead process is replaced. */
	(void)close(fds[0]);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(listener_open(address, NULL, more, error,
			     sizeof(error)),
	    1);
	listener_close(more[0]);
	assert_int_equal(stat(path, &st), -1);
}

static void
test_group(void **state)
{
	const struct group *group = getgrgid(getegid());
	int fds[LISTENER_MAX];
	char sub[80];
	struct stat st;

	(void)state;
	assert_int_equal(listener_open(address, "no-such-group", fds, error,
			     sizeof(error)),
	    ERR_NOTFOUND);
	if (group == NULL)
		skip();
	(void)snprintf(sub, sizeof(sub), "%s/sub", dir);
	(void)rmdir(sub);
	assert_int_equal(listener_open(address, group->gr_name, fds, error,
			     sizeof(error)),
	    1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, group->gr_gid);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	listener_close(fds[0]);
}

/* Something else of that name is never removed, and nothing stays open. */
static void
test_all_or_none(void **state)
{
	char text[200], other[100];
	int fds[LISTENER_MAX];
	struct stat st;
	FILE *f;

	(void)state;
	(void)snprintf(other, sizeof(other), "%s/file", dir);
	f = fopen(other, "w");
	assert_non_null(f);
	(void)fclose(f);
	(void)snprintf(text, sizeof(text), "%s unix:%s", address, other);
	assert_int_equal(listener_open(text, "", fds, error, sizeof(error)),
	    ERR_CONFLICT);
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(stat(path, &st), -1);
	(void)unlink(other);
}

static void
test_inet(void **state)
{
	int fds[LISTENER_MAX], more[LISTENER_MAX], on = 0;
	struct sockaddr_in in;
	socklen_t len = sizeof(in), size = sizeof(on);
	char text[60];

	(void)state;
	assert_int_equal(listener_open("inet:127.0.0.1:0", "", fds, error,
			     sizeof(error)),
	    1);
	assert_int_equal(getsockname(fds[0], (struct sockaddr *)&in, &len), 0);
	assert_int_equal(getsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &on,
			     &size),
	    0);
	assert_true(on);
	(void)snprintf(text, sizeof(text), "inet:127.0.0.1:%u",
	    ntohs(in.sin_port));
	assert_int_equal(listener_open(text, "", more, error, sizeof(error)),
	    ERR_CONFLICT);
	listener_close(fds[0]);
	assert_int_equal(listener_open("inet::0", "", fds, error,
			     sizeof(error)),
	    1);
	listener_close(fds[0]);
}

/* As systemd passes it: LISTEN_FDS from descriptor 3 on. */
static void
test_adopt(void **state)
{
	int fds[LISTENER_MAX], saved = dup(3), fd;
	char pid[20];
	struct stat st;

	(void)state;
	assert_int_equal(listener_open(address, "", fds, error, sizeof(error)),
	    1);
	assert_int_equal(dup2(fds[0], 3), 3);
	if (fds[0] != 3)
		(void)close(fds[0]);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(listener_open(address, "", fds, error, sizeof(error)),
	    1);
	assert_int_equal(fds[0], 3);
	fd = connect_unix();
	assert_true(fd >= 0);
	(void)close(fd);
	(void)setenv("LISTEN_PID", "1", 1);
	assert_int_equal(listener_open(address, "", fds, error, sizeof(error)),
	    ERR_CONFLICT);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)close(3);
	if (saved >= 0) {
		(void)dup2(saved, 3);
		(void)close(saved);
	}
	assert_int_equal(stat(path, &st), 0);
	(void)unlink(path);
}

struct server {
	struct event_base *base;
	struct listener *listener;
	unsigned accepted, full, until;
	int last;
	rlim_t give_back; /* descriptors to allow again at full() */
};

static void
on_accepted(int fd, void *ctx)
{
	struct server *s = ctx;

	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	(void)close(fd);
	s->last = fd;
	if (++s->accepted == s->until) {
		listener_pause(s->listener);
		(void)event_base_loopbreak(s->base);
	}
}

static void
on_full(void *ctx)
{
	struct server *s = ctx;
	struct rlimit limit;

	s->full++;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = s->give_back;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void
on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)event_base_loopbreak(ctx);
}

static void
run(struct server *s, unsigned until)
{
	const struct timeval deadline = { 10, 0 };

	s->until = until;
	(void)event_base_once(s->base, -1, EV_TIMEOUT, on_deadline, s->base,
	    &deadline);
	(void)event_base_dispatch(s->base);
	assert_int_equal(s->accepted, until);
}

static void
test_accept(void **state)
{
	struct server s = { .base = event_base_new() };
	struct rlimit limit, old;
	int fds[LISTENER_MAX], client[5], next;

	(void)state;
	assert_int_equal(listener_open(address, "", fds, error, sizeof(error)),
	    1);
	s.listener = listener_start(s.base, fds[0], on_accepted, on_full, &s);
	assert_non_null(s.listener);
	for (int i = 0; i < 4; i++)
		client[i] = connect_unix();
	/* Paused after two: the others wait. */
	run(&s, 2);
	(void)event_base_loop(s.base, EVLOOP_NONBLOCK);
	assert_int_equal(s.accepted, 2);
	listener_resume(s.listener);
	run(&s, 4);

	/* Out of descriptors: full() once, then it goes on. */
	client[4] = connect_unix();
	next = dup(client[4]);
	(void)close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	s.give_back = old.rlim_cur;
	limit = old;
	limit.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	listener_resume(s.listener);
	run(&s, 5);
	assert_int_equal(s.full, 1);

	listener_stop(s.listener);
	for (int i = 0; i < 5; i++)
		(void)close(client[i]);
	listener_close(fds[0]);
	event_base_free(s.base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_all_or_none),
		cmocka_unit_test(test_inet),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_accept),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
