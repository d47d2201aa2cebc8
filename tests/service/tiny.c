/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest daemon: the skeleton and a socket, for test_service.py.  The
 * variable TINY says what it does besides (words with blanks between):
 *	exec     calls execve when SIGUSR1 comes
 *	fork     forks when SIGUSR1 comes
 *	busy     never drains
 *	run      has a run() that ends when drained
 *	quit     has a run() that ends at once
 *	refuse   refuses each reload
 *	noopen, nostart  fails there
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/listener.h"
#include "service/service.h"
#include "util/err.h"
#include "util/log.h"

static int fds[LISTENER_MAX];
static int opened;
static _Atomic bool drained;

static bool
is_set(const char *word)
{
	const char *all = getenv("TINY");

	return all != NULL && strstr(all, word) != NULL;
}

static int
tiny_open(const struct host_config *config)
{
	char error[300];

	if (is_set("noopen"))
		return ERR_CONFLICT;
	opened = listener_open(config->policyd_listen, config->socket_group,
	    fds, error, sizeof(error));
	if (opened < 0)
		log_error("policyd_listen: %s", error);
	return opened < 0 ? opened : 0;
}

static int
tiny_start(const struct host_config *config, struct event_base *base)
{
	(void)base;
	log_info("user=%d, group=%d, database=%u", (int)geteuid(),
	    (int)getegid(), config->redis_database);
	return is_set("nostart") ? ERR_UNAVAIL : 0;
}

static int
tiny_reload(const struct host_config *config)
{
	if (is_set("refuse"))
		return ERR_UNAVAIL;
	log_info("reloaded, redis=%s, clients=%u", config->redis,
	    config->policyd_max_clients);
	return 0;
}

static void *
thread(void *ctx)
{
	*(bool *)ctx = true;
	return NULL;
}

/* A thread, a file and a directory are still to be had. */
static void
try_allowed(void)
{
	pthread_t id;
	bool ran = false;
	DIR *dir = opendir("/");
	FILE *f = fopen("/etc/passwd", "re");

	if (pthread_create(&id, NULL, thread, &ran) == 0)
		(void)pthread_join(id, NULL);
	log_info("thread=%d, directory=%d, file=%d", ran, dir != NULL,
	    f != NULL && fgetc(f) != EOF);
	if (dir != NULL)
		(void)closedir(dir);
	if (f != NULL)
		(void)fclose(f);
}

static void
tiny_state(void)
{
	static char name[] = "/bin/true", *argv[] = { name, NULL };
	struct rlimit core;
	pid_t pid;

	(void)getrlimit(RLIMIT_CORE, &core);
	log_info("state, core=%d, dumpable=%d, new_privileges=%d, umask=%o",
	    (int)core.rlim_max, prctl(PR_GET_DUMPABLE),
	    !prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), umask(077));
	try_allowed();
	if (is_set("fork")) {
		pid = fork();
		log_info("fork: %s", pid < 0 ? strerror(errno) : "worked");
		if (pid == 0)
			_exit(0);
	}
	if (is_set("exec"))
		(void)execve(name, argv, NULL);
}

/* As libmilter does: whatever comes here is lost for the service. */
static void *
steal_signals(void *ctx)
{
	sigset_t *set = ctx;
	int number = 0;

	(void)sigwait(set, &number);
	log_error("stolen: signal %d", number);
	return NULL;
}

static int
tiny_run(void)
{
	static sigset_t set;
	pthread_t id;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)pthread_create(&id, NULL, steal_signals, &set);
	while (!drained && !is_set("quit"))
		(void)poll(NULL, 0, 10);
	return 0;
}

static unsigned
tiny_drain(void)
{
	drained = !is_set("busy");
	return is_set("busy") ? 3 : 0;
}

static void
tiny_stop(void)
{
	for (int i = 0; i < opened; i++)
		listener_close(fds[i]);
	log_info("stopped");
}

static void
print_fruit(FILE *out)
{
	fprintf(out, "pear\n");
}

static const struct service_print prints[] = { { "fruit", print_fruit },
	{ NULL, NULL } };

int
main(int argc, char *argv[])
{
	const struct service tiny = {
		.name = "tiny",
		.summary = "a daemon for tests",
		.role = SANDBOX_POLICYD,
		.open = tiny_open,
		.start = tiny_start,
		.reload = tiny_reload,
		.run = is_set("run") || is_set("quit") ? tiny_run : NULL,
		.drain = tiny_drain,
		.stop = tiny_stop,
		.state = tiny_state,
		.prints = prints,
	};

	return service_main(&tiny, argc, argv);
}
