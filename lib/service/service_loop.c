/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon at work: signals, reload, watchdog, draining. */
#include "service/service_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "service/notify.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define DRAIN_EVERY_US 100000

enum handle {
	ON_TERM,
	ON_INT,
	ON_HUP,
	ON_USR1,
	ON_END,
	ON_DRAIN,
	ON_WATCHDOG,
	HANDLES
};

static struct loop {
	struct service_process *proc;
	struct event *events[HANDLES];
	pthread_t runner;
	_Atomic bool stopping, run_ended, failed;
	bool has_runner;
	int64_t deadline_us; /* of draining */
} loop;

static const char *const level_names[] = {
	[LOG_L_DEBUG] = "debug",
	[LOG_L_INFO] = "info",
	[LOG_L_WARNING] = "warning",
	[LOG_L_ERROR] = "error",
};

static enum log_level
log_level(const struct service_process *proc, const struct host_config *config)
{
	int level = LOG_L_ERROR;

	while (level > 0 && strcmp(level_names[level], config->log_level) != 0)
		level--;
	return proc->verbose ? LOG_L_DEBUG : (enum log_level)level;
}

int
service_log(const struct service_process *proc,
    const struct host_config *config)
{
	const char *target = config->log_target;

	if (proc->foreground && strcmp(target, "syslog") == 0)
		target = "stderr";
	return log_open(proc->svc->name, target, log_level(proc, config));
}

/*
 * libmilter waits for SIGHUP, SIGTERM and SIGINT in a thread of its own, and
 * ends the service for each of them.  Linux offers a signal to the main thread
 * first, but to another when that has one pending: "kill -HUP" twice would end
 * the milter.  So this stands in the place of libc's function, which nothing
 * else here uses: the thread sleeps, and the loop gets all signals.
 */
int
sigwait(const sigset_t *set, int *number)
{
	(void)set;
	(void)number;
	for (;;)
		(void)poll(NULL, 0, -1);
}

bool
service_stopping(void)
{
	return loop.stopping;
}

void
service_terminate(void)
{
	if (loop.events[ON_END] != NULL)
		event_active(loop.events[ON_END], EV_TIMEOUT, 0);
}

void
service_fail(void)
{
	loop.failed = true;
	service_terminate();
}

/* The loop ends here, or run() still has to. */
static void
drain(void)
{
	const struct service *svc = loop.proc->svc;
	unsigned left = svc->drain != NULL ? svc->drain() : 0;
	static const struct timeval again = { 0, DRAIN_EVERY_US };

	if (left == 0 && (!loop.has_runner || loop.run_ended)) {
		(void)event_base_loopbreak(loop.proc->base);
	} else if (clock_mono_us() >= loop.deadline_us) {
		if (left > 0)
			log_warning("drain_timeout: %u clients are cut off",
			    left);
		(void)event_base_loopbreak(loop.proc->base);
	} else {
		(void)event_add(loop.events[ON_DRAIN], &again);
	}
}

static void
end(const char *why)
{
	if (loop.stopping) { /* asked for the second time: now */
		log_warning("%s again: ending at once", why);
		(void)event_base_loopbreak(loop.proc->base);
		return;
	}
	loop.stopping = true;
	log_info("%s: ending", why);
	notify_send("STOPPING=1");
	loop.deadline_us =
	    clock_deadline_ms(loop.proc->config->drain_timeout_ms);
	drain();
}

static void
on_config_error(void *ctx, const char *text)
{
	(void)ctx;
	log_error("%s", text);
}

/* What only a restart can change stays as it was, and is named. */
static int
keep_fixed(struct host_config *fresh, const struct host_config *old)
{
	int rc;

	for (const struct param *p = host_params; p->name != NULL; p++) {
		if (!(p->flags & PARAM_RESTART) || param_equal(p, fresh, old))
			continue;
		log_warning("%s: takes effect at the next start", p->name);
		if ((rc = param_copy(p, fresh, old)) < 0)
			return rc;
	}
	fresh->host_name_found = old->host_name_found;
	return 0;
}

static void
reload(void)
{
	struct service_process *proc = loop.proc;
	struct host_config *fresh = NULL;
	int rc;

	if (log_reopen() < 0)
		log_error("log_target: %s; the old file stays",
		    strerror(errno));
	rc = host_config_load(proc->path, on_config_error, NULL, &fresh);
	if (rc == 0)
		rc = keep_fixed(fresh, proc->config);
	if (rc == 0 && proc->svc->reload != NULL)
		rc = proc->svc->reload(fresh);
	if (rc < 0) {
		log_error("reload: %s; the old configuration stays",
		    err_text(rc));
		host_config_free(fresh);
		return;
	}
	if (strcmp(fresh->log_target, proc->config->log_target) == 0)
		log_set_level(log_level(proc, fresh));
	else if (service_log(proc, fresh) < 0)
		log_error("log_target: can not be opened; the old one stays");
	host_config_free(proc->config);
	proc->config = fresh;
	log_info("reload: done");
}

static void
on_event(evutil_socket_t number, short what, void *ctx)
{
	const struct service *svc = loop.proc->svc;

	(void)number;
	(void)what;
	switch (*(const enum handle *)ctx) {
	case ON_TERM:
		end("SIGTERM");
		break;
	case ON_INT:
		end("SIGINT");
		break;
	case ON_END:
		if (!loop.stopping)
			end("told to end");
		break;
	case ON_HUP:
		notify_reloading();
		reload();
		notify_send("READY=1");
		break;
	case ON_USR1:
		if (svc->state != NULL)
			svc->state();
		break;
	case ON_DRAIN:
		drain();
		break;
	case ON_WATCHDOG:
		notify_send("WATCHDOG=1");
		break;
	case HANDLES:
		break;
	}
}

static int
make_events(struct event_base *base)
{
	static const struct {
		enum handle handle;
		int signal; /* 0: a timer, or active by hand */
	} rows[HANDLES] = {
		[ON_TERM] = { ON_TERM, SIGTERM },
		[ON_INT] = { ON_INT, SIGINT },
		[ON_HUP] = { ON_HUP, SIGHUP },
		[ON_USR1] = { ON_USR1, SIGUSR1 },
		[ON_END] = { ON_END, 0 },
		[ON_DRAIN] = { ON_DRAIN, 0 },
		[ON_WATCHDOG] = { ON_WATCHDOG, 0 },
	};
	int64_t us = notify_watchdog_us() / 2;
	struct timeval every = { (time_t)(us / 1000000),
		(suseconds_t)(us % 1000000) };

	for (int i = 0; i < HANDLES; i++) {
		bool is_signal = rows[i].signal != 0;
		short kind = is_signal          ? EV_SIGNAL | EV_PERSIST
			     : i == ON_WATCHDOG ? EV_PERSIST
						: 0;
		/* libevent hands the context back and does not write to it. */
		union {
			const enum handle *in;
			void *out;
		} ctx = { &rows[i].handle };

		loop.events[i] = event_new(base,
		    is_signal ? rows[i].signal : -1, kind, on_event, ctx.out);
		if (loop.events[i] == NULL ||
		    (is_signal && event_add(loop.events[i], NULL) < 0))
			return ERR_NOMEM;
	}
	if (us > 0 && event_add(loop.events[ON_WATCHDOG], &every) < 0)
		return ERR_NOMEM;
	return 0;
}

static void
free_events(void)
{
	for (int i = 0; i < HANDLES; i++) {
		if (loop.events[i] != NULL)
			event_free(loop.events[i]);
		loop.events[i] = NULL;
	}
}

static void *
runner(void *ctx)
{
	int rc;

	(void)ctx;
	rc = loop.proc->svc->run();
	if (!loop.stopping) {
		log_error("the service ended by itself: %s", err_text(rc));
		loop.failed = true;
	}
	loop.run_ended = true;
	service_terminate();
	return NULL;
}

int
service_loop(struct service_process *proc)
{
	int rc;

	loop.proc = proc;
	if ((rc = make_events(proc->base)) < 0)
		goto out;
	if (proc->svc->run != NULL) {
		if (pthread_create(&loop.runner, NULL, runner, NULL) != 0) {
			rc = ERR_NOMEM;
			goto out;
		}
		loop.has_runner = true;
	}
	notify_send("READY=1");
	log_info("ready");
	(void)event_base_dispatch(proc->base);
	if (loop.has_runner && !loop.run_ended)
		return ERR_TIMEOUT; /* its threads may still use all this */
	if (loop.has_runner)
		(void)pthread_join(loop.runner, NULL);
	if (loop.failed)
		rc = ERR_CANCELED;
out:
	free_events();
	return rc;
}
