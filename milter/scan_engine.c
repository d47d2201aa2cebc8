/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that loads signatures and makes workers. */
#include "milter/scan_engine.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "milter/scan_channel.h"
#include "milter/scan_confine.h"
#include "milter/scan_worker.h"
#include "service/host_config.h"
#include "service/sandbox.h"
#include "util/err.h"

#define SOCK 3 /* scan_confine_descriptors */
/* Enough that scans go first, and that a busy host still gets it done. */
#define LOADING_NICE 10

static struct engine {
	const struct host_config *config;
	struct scan_clamav *clamav;
	struct scan_database database;
	char error[200];
	int rc;
} engine;

static void
on_signal(int number)
{
	(void)number; /* ppoll returns, that is all */
}

/*
 * The service manager tells all processes of a service to end: those that
 * scan do so when they are done, by the end of their socket.
 */
static void
set_signals(void)
{
	static const int deaf[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2,
		SIGPIPE };
	struct sigaction ignore = { .sa_handler = SIG_IGN },
			 child = { .sa_handler = on_signal };
	sigset_t set;

	for (size_t i = 0; i < sizeof(deaf) / sizeof(deaf[0]); i++)
		(void)sigaction(deaf[i], &ignore, NULL);
	(void)sigaction(SIGCHLD, &child, NULL);
	/* Only ppoll lets it through. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
}

/* The nice value is a thread's on Linux: what is forked later has its own. */
static void *
load(void *ctx)
{
	struct engine *e = ctx;

	(void)setpriority(PRIO_PROCESS, 0,
	    getpriority(PRIO_PROCESS, 0) + LOADING_NICE);
	e->rc = scan_clamav_load(e->config, &e->clamav, &e->database, e->error,
	    sizeof(e->error));
	return NULL;
}

static void
load_aside(struct engine *e)
{
	pthread_t id;

	/* All in one heap, so that nothing of it is left over. */
	(void)mallopt(M_ARENA_MAX, 1);
	e->rc = ERR_NOMEM;
	(void)snprintf(e->error, sizeof(e->error), "no thread");
	if (pthread_create(&id, NULL, load, e) == 0)
		(void)pthread_join(id, NULL);
	(void)malloc_trim(0);
}

static int
tell(const struct scan_control *c)
{
	return scan_channel_send(SOCK, c, sizeof(*c), -1);
}

static void
reap(void)
{
	struct scan_control c = { .kind = SCAN_ENDED };

	while ((c.pid = waitpid(-1, &c.status, WNOHANG)) > 0)
		(void)tell(&c);
}

static void
spawn(const struct engine *e, int sock, unsigned number)
{
	if (fork() == 0) {
		(void)signal(SIGCHLD, SIG_DFL);
		scan_worker_run(e->clamav, e->config, sock, number);
	}
	/* If there is none: that the socket is closed tells. */
	(void)close(sock);
}

/* False: it is over. */
static bool
obey(const struct engine *e)
{
	struct scan_control c;
	int fd = -1;
	ssize_t n = scan_channel_receive(SOCK, &c, sizeof(c), &fd);

	if (n != sizeof(c))
		return false;
	if (c.kind == SCAN_SPAWN && fd >= 0)
		spawn(e, fd, c.number);
	return true;
}

static void
serve(const struct engine *e)
{
	struct pollfd p = { .fd = SOCK, .events = POLLIN };
	sigset_t none;

	(void)sigemptyset(&none);
	for (;;) {
		int n = ppoll(&p, 1, NULL, &none);

		if (n < 0 && errno != EINTR)
			return;
		reap();
		if (n > 0 && !obey(e))
			return;
	}
}

_Noreturn void
scan_engine_run(const struct host_config *config, int sock)
{
	struct scan_control c = { .kind = SCAN_LOADED };

	set_signals();
	(void)prctl(PR_SET_NAME, "scan-engine");
	if (scan_confine_descriptors(sock) < 0 ||
	    (config->sandbox && sandbox_enter(SANDBOX_SCAN_ENGINE) < 0))
		_exit(EX_OSERR);
	engine.config = config;
	load_aside(&engine);
	c.database = engine.database;
	if (engine.rc < 0) {
		c.kind = SCAN_FAILED;
		c.rc = engine.rc;
		(void)snprintf(c.text, sizeof(c.text), "%s", engine.error);
	}
	if (tell(&c) < 0 || engine.rc < 0)
		_exit(engine.rc < 0 ? EX_CONFIG : EX_OSERR);
	serve(&engine);
	_exit(EX_OK);
}
