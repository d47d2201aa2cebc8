/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts and ends redis-server for tests. */
#include "tests/store/redis_server.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"

#define WAIT_US (20 * 1000000)

__attribute__((noreturn)) static void
fail(const char *text)
{
	printf("Bail out! %s\n", text);
	exit(EXIT_FAILURE);
}

bool
redis_server_available(void)
{
	return system("redis-server --version >/dev/null 2>&1") == 0;
}

static int
connect_once(const struct redis_server *r)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)r->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(r->port != 0 ? AF_INET : AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", r->socket);
	rc = r->port != 0
		 ? connect(fd, (const struct sockaddr *)&in, sizeof(in))
		 : connect(fd, (const struct sockaddr *)&un, sizeof(un));
	(void)close(fd);
	return rc;
}

static void
wait_until_there(const struct redis_server *r)
{
	int64_t until_us = clock_mono_us() + WAIT_US;

	while (connect_once(r) < 0) {
		if (clock_mono_us() > until_us)
			fail("redis-server does not come up");
		(void)usleep(5000);
	}
}

static int
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (const struct sockaddr *)&in, sizeof(in)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) < 0)
		fail("no free port");
	(void)close(fd);
	return ntohs(in.sin_port);
}

static void
make_dir(struct redis_server *r)
{
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/postern-redis.XXXXXX");
	if (mkdtemp(r->dir) == NULL)
		fail("mkdtemp");
	(void)snprintf(r->socket, sizeof(r->socket), "%s/s", r->dir);
}

__attribute__((format(printf, 2, 3))) static void
write_config(const struct redis_server *r, const char *format, ...)
{
	char path[96];
	va_list ap;

	(void)snprintf(path, sizeof(path), "%s/conf", r->dir);
	FILE *f = fopen(path, "we");
	if (f == NULL)
		fail("configuration file");
	fprintf(f, "dir %s\nlogfile %s/log\n", r->dir, r->dir);
	va_start(ap, format);
	(void)vfprintf(f, format, ap);
	va_end(ap);
	(void)fclose(f);
}

static void
spawn(struct redis_server *r)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/conf", r->dir);
	FILE *f = fopen(path, "re");
	char line[100] = "";
	bool sentinel = false;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "sentinel ", 9) == 0)
			sentinel = true;
	if (f != NULL)
		(void)fclose(f);
	r->pid = fork();
	if (r->pid < 0)
		fail("fork");
	if (r->pid == 0) {
		/* It ends with a test that crashes, or who runs the test
		 * would wait for its output for ever. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("redis-server", "redis-server", path,
		    sentinel ? "--sentinel" : (char *)NULL, (char *)NULL);
		_exit(127);
	}
	wait_until_there(r);
}

#define COMMON "save \"\"\nappendonly no\nunixsocket %s\ndaemonize no\n"

void
redis_server_start(struct redis_server *r)
{
	*r = (struct redis_server){ .port = 0 };
	make_dir(r);
	(void)snprintf(r->address, sizeof(r->address), "unix:%s", r->socket);
	write_config(r, COMMON "port 0\n", r->socket);
	spawn(r);
}

void
redis_server_start_inet(struct redis_server *r, int master_port)
{
	*r = (struct redis_server){ .port = free_port() };
	make_dir(r);
	(void)snprintf(r->address, sizeof(r->address), "inet:127.0.0.1:%d",
	    r->port);
	write_config(r, COMMON "bind 127.0.0.1\nport %d\n%s127.0.0.1 %d\n",
	    r->socket, r->port,
	    master_port != 0 ? "repl-diskless-sync-delay 0\nreplicaof " : "# ",
	    master_port);
	spawn(r);
}

void
redis_sentinel_start(struct redis_server *r, int master_port)
{
	*r = (struct redis_server){ .port = free_port() };
	make_dir(r);
	(void)snprintf(r->address, sizeof(r->address),
	    "sentinel:test@127.0.0.1:%d", r->port);
	write_config(r,
	    "bind 127.0.0.1\nport %d\n"
	    "sentinel monitor test 127.0.0.1 %d 1\n"
	    "sentinel down-after-milliseconds test 500\n"
	    "sentinel failover-timeout test 3000\n",
	    r->port, master_port);
	spawn(r);
}

void
redis_server_kill(struct redis_server *r)
{
	if (r->pid <= 0)
		return;
	(void)kill(r->pid, SIGKILL);
	(void)waitpid(r->pid, NULL, 0);
	r->pid = 0;
}

void
redis_server_restart(struct redis_server *r)
{
	redis_server_kill(r);
	(void)unlink(r->socket);
	spawn(r);
}

void
redis_server_stop(struct redis_server *r)
{
	static const char *const files[] = { "conf", "log", "s", "dump.rdb" };
	char path[96];

	redis_server_kill(r);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", r->dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(r->dir);
}

void
redis_server_cli(const struct redis_server *r, const char *words,
    char *ret_output, size_t size)
{
	char command[1000];

	if (r->port != 0)
		(void)snprintf(command, sizeof(command), "redis-cli -p %d %s",
		    r->port, words);
	else
		(void)snprintf(command, sizeof(command), "redis-cli -s %s %s",
		    r->socket, words);
	FILE *f = popen(command, "re");
	if (f == NULL)
		fail("redis-cli");
	size_t n = fread(ret_output, 1, size - 1, f);
	(void)pclose(f);
	if (n > 0 && ret_output[n - 1] == '\n')
		n--;
	ret_output[n] = '\0';
}

/* ---- a store on it ---- */

static void
on_change(bool up, const char *why, void *ctx)
{
	(void)why;
	*(bool *)ctx = up;
}

void
store_fixture_open(struct store_fixture *f, int64_t timeout_ms)
{
	struct store_options options = {
		.timeout_ms = timeout_ms != 0 ? timeout_ms : 2000,
	};
	char error[200];
	bool up = false;

	redis_server_start(&f->server);
	options.address = f->server.address;
	f->base = event_base_new();
	if (f->base == NULL ||
	    store_open(f->base, &options, &f->store, error, sizeof(error)) < 0)
		fail("store_open");
	store_on_change(f->store, on_change, &up);
	store_fixture_run(f, &up);
	store_on_change(f->store, NULL, NULL);
}

void
store_fixture_close(struct store_fixture *f)
{
	store_close(f->store);
	event_base_free(f->base);
	redis_server_stop(&f->server);
}

static void
tick(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
}

void
store_fixture_run(struct store_fixture *f, const bool *done)
{
	const struct timeval tv = { 0, 20000 };
	struct event *timer = event_new(f->base, -1, EV_PERSIST, tick, NULL);
	int64_t until_us = clock_mono_us() + WAIT_US;

	(void)event_add(timer, &tv);
	while (!*done) {
		if (clock_mono_us() > until_us)
			fail("a callback did not come");
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	}
	event_free(timer);
}
