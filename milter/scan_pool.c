/* SPDX-License-Identifier: BSD-2-Clause */
/* Generations of engines: loading, replacing, mending. */
#include "milter/scan_pool.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "milter/scan_channel.h"
#include "milter/scan_engine.h"
#include "milter/scan_files.h"
#include "milter/scan_process.h"
#include "milter/scan_workers.h"
#include "net/loop.h"
#include "service/host_config.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define LOAD_WAIT_MIN_MS 1000
#define LOAD_WAIT_MAX_MS (5 * 60 * 1000)
#define SPAWN_WAIT_MIN_MS 20
#define SPAWN_WAIT_MAX_MS 10000
/* Without a failure for this long, the next one is the first again. */
#define CALM_US (60 * 1000 * 1000)
#define AGE_WARNING_S (24 * 3600)

enum state {
	ABSENT,
	LOADING,
	FILLING, /* its workers are being made */
	SERVING,
	HEADLESS /* its process is gone, its workers go on */
};

struct generation {
	struct scan_pool *pool;
	enum state state;
	unsigned number;
	pid_t pid;
	int sock, pidfd; /* -1: not open */
	struct loop_watch *readable, *exited;
	uint64_t print; /* of the files */
	int64_t newest_s;
	struct scan_database database;
};

/* A process that is to end, until it has. */
struct leaving {
	struct leaving *next;
	struct scan_pool *pool;
	struct loop_watch *exited;
	int pidfd;
};

/* Waits that grow while something goes wrong again and again. */
struct backoff {
	int64_t ms, min_ms, max_ms, last_us;
};

struct scan_pool {
	struct event_base *base;
	const struct host_config *config;
	struct scan_pool_events events;
	struct scan_workers *workers;
	unsigned size, last_generation;
	struct generation serving, coming;
	struct leaving *leaving;
	struct loop_timer *load_timer, *look_timer, *spawn_timer;
	struct backoff load_wait, spawn_wait;
	uint64_t refused_print; /* files that could not be used */
	bool refused, told_lacks;
	struct log_limit age_warning;
	unsigned long restarts, reloads, load_failures;
};

static int64_t
backoff_next(struct backoff *b)
{
	int64_t now_us = clock_mono_us();

	if (b->ms == 0 || now_us - b->last_us > CALM_US + b->ms * 1000)
		b->ms = b->min_ms;
	else
		b->ms = 2 * b->ms < b->max_ms ? 2 * b->ms : b->max_ms;
	b->last_us = now_us;
	return b->ms;
}

static void
free_leaving(struct leaving *l)
{
	loop_watch_free(l->exited);
	(void)scan_process_reap(l->pidfd);
	(void)close(l->pidfd);
	free(l);
}

static void
on_left(int pidfd, void *ctx)
{
	struct leaving *l = ctx, **at = &l->pool->leaving;
	const struct scan_pool *p = l->pool;

	(void)pidfd;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	free_leaving(l);
	scan_process_reap_orphans(p->serving.pid, p->coming.pid);
}

/* It ends soon, as its socket is closed; then it is reaped.  Owns pidfd. */
static void
leave(struct scan_pool *p, int pidfd)
{
	struct leaving *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->exited = loop_watch_new(p->base, pidfd, on_left, l);
	if (l == NULL || l->exited == NULL) {
		scan_process_kill(pidfd);
		(void)scan_process_reap(pidfd);
		(void)close(pidfd);
		free(l);
		return;
	}
	l->pool = p;
	l->pidfd = pidfd;
	l->next = p->leaving;
	p->leaving = l;
}

/* Ends its process, if there is one, and forgets it. */
static void
drop_generation(struct generation *g)
{
	loop_watch_free(g->readable);
	loop_watch_free(g->exited);
	if (g->sock >= 0)
		(void)close(g->sock);
	if (g->pidfd >= 0)
		leave(g->pool, g->pidfd);
	*g = (struct generation){ .pool = g->pool, .sock = -1, .pidfd = -1 };
}

static void load(struct scan_pool *p);

static void
load_again(struct scan_pool *p)
{
	p->load_failures++;
	loop_timer_set(p->load_timer, backoff_next(&p->load_wait));
	p->events.changed(p->events.ctx); /* perhaps nobody serves now */
}

/* ---- what an engine tells ---- */

static void
warn_of_age(struct scan_pool *p)
{
	int64_t max_s = p->config->scan_database_max_age_ms / 1000;
	const struct generation *g = &p->serving;
	int64_t time_s =
	    g->database.time_s > 0 ? g->database.time_s : g->newest_s;
	int64_t age_s = clock_wall_us() / 1000000 - time_s;
	unsigned long missed;

	if (g->state == ABSENT || max_s == 0 || age_s < max_s ||
	    !log_limit_ok(&p->age_warning, AGE_WARNING_S, &missed))
		return;
	log_warning("database: the signatures are %lld hours old",
	    (long long)(age_s / 3600));
}

/* The new one's workers are ready: it takes over. */
static void
promote(struct scan_pool *p)
{
	unsigned old = p->serving.number;

	/* Its process: the watches have the address of this entry. */
	p->coming.state = SERVING;
	drop_generation(&p->serving);
	p->serving = p->coming;
	p->coming = (struct generation){ .pool = p, .sock = -1, .pidfd = -1 };
	if (old != 0)
		scan_workers_retire(p->workers, old);
	p->load_wait.ms = 0;
	p->refused = false;
	p->reloads++;
	log_info("database: generation %u: %u signatures in operation",
	    p->serving.number, p->serving.database.signatures);
	p->age_warning.next_us = 0;
	warn_of_age(p);
}

static void
on_failed(struct scan_pool *p, const struct scan_control *c)
{
	bool unusable = c->rc == ERR_CONFIG;

	p->refused = unusable;
	p->refused_print = p->coming.print;
	log_error("database: %s%s", c->text,
	    p->serving.state != ABSENT ? "; the old one stays" : "");
	drop_generation(&p->coming);
	if (unusable) { /* until the files are others */
		p->load_failures++;
		p->events.changed(p->events.ctx);
	} else {
		load_again(p);
	}
}

static void
fill(struct scan_pool *p, struct generation *g)
{
	struct scan_workers_count c;

	scan_workers_count(p->workers, g->number, &c);
	for (unsigned n = c.starting + c.idle + c.busy; n < p->size; n++)
		if (scan_workers_spawn(p->workers, g->number, g->sock) < 0) {
			loop_timer_set(p->spawn_timer,
			    backoff_next(&p->spawn_wait));
			return;
		}
}

static void
on_loaded(struct scan_pool *p, const struct scan_control *c)
{
	p->coming.database = c->database;
	p->coming.state = FILLING;
	fill(p, &p->coming);
}

static void
on_worker_ended(const struct scan_control *c)
{
	if (WIFSIGNALED(c->status))
		log_warning("worker %d: ended by signal %d", c->pid,
		    WTERMSIG(c->status));
	else if (WEXITSTATUS(c->status) != 0)
		log_error("worker %d: could not start, status %d", c->pid,
		    WEXITSTATUS(c->status));
}

/* An engine is the one that serves, or the one that comes. */
static void
on_control(int sock, void *ctx)
{
	struct scan_pool *p = ctx;
	bool is_coming = p->coming.sock == sock;
	struct generation *g = is_coming ? &p->coming : &p->serving;
	struct scan_control c;
	int fd = -1;
	ssize_t n = scan_channel_receive(sock, &c, sizeof(c), &fd);

	if (fd >= 0)
		(void)close(fd);
	if (n == ERR_TIMEOUT)
		return;
	if (n != sizeof(c)) { /* it has ended: on_exited */
		loop_watch_free(g->readable);
		g->readable = NULL;
		return;
	}
	c.text[sizeof(c.text) - 1] = '\0';
	if (c.kind == SCAN_ENDED)
		on_worker_ended(&c);
	else if (c.kind == SCAN_LOADED && is_coming && g->state == LOADING)
		on_loaded(p, &c);
	else if (c.kind == SCAN_FAILED && is_coming && g->state == LOADING)
		on_failed(p, &c);
}

static void
on_exited(int pidfd, void *ctx)
{
	struct scan_pool *p = ctx;
	bool is_coming = p->coming.pidfd == pidfd;
	struct generation *g = is_coming ? &p->coming : &p->serving;
	int status = scan_process_reap(pidfd);

	/* What it said last may still be there. */
	if (is_coming && g->state == LOADING && g->readable != NULL)
		on_control(g->sock, p);
	if (is_coming && g->pidfd != pidfd)
		return; /* that was why */
	log_error("engine %d: ended by signal %d, status %d", (int)g->pid,
	    WTERMSIG(status), WEXITSTATUS(status));
	if (is_coming) {
		scan_workers_retire(p->workers, g->number);
		drop_generation(g);
	} else {
		loop_watch_free(g->readable);
		loop_watch_free(g->exited);
		g->readable = g->exited = NULL;
		(void)close(g->sock);
		(void)close(g->pidfd);
		g->sock = g->pidfd = -1;
		g->pid = 0;
		g->state = HEADLESS;
		if (p->coming.state != ABSENT)
			return;
	}
	load_again(p);
}

/* ---- loading ---- */

static void
load(struct scan_pool *p)
{
	struct generation *g = &p->coming;
	int rc;

	loop_timer_stop(p->load_timer);
	if (g->state != ABSENT)
		return; /* what it misses is seen at the next look */
	if (scan_files_look(p->config->scan_database_directory, &g->print,
		&g->newest_s) < 0)
		g->print = 0; /* the engine says what is wrong */
	rc = scan_process_engine(p->config, &g->pid, &g->sock, &g->pidfd);
	if (rc < 0)
		goto fail;
	g->number = ++p->last_generation;
	g->state = LOADING;
	g->readable = loop_watch_new(p->base, g->sock, on_control, p);
	g->exited = loop_watch_new(p->base, g->pidfd, on_exited, p);
	if (g->readable != NULL && g->exited != NULL)
		return;
	rc = ERR_NOMEM;
fail:
	drop_generation(g);
	log_error("engine: could not be started: %s", err_text(rc));
	load_again(p);
}

static void
on_load_timer(void *ctx)
{
	load(ctx);
}

static void
set_look_timer(struct scan_pool *p)
{
	if (p->config->scan_reload_interval_ms > 0)
		loop_timer_set(p->look_timer,
		    p->config->scan_reload_interval_ms);
	else
		loop_timer_stop(p->look_timer);
}

static void
on_look_timer(void *ctx)
{
	struct scan_pool *p = ctx;
	uint64_t print;
	int64_t newest_s;
	uint64_t known = p->refused ? p->refused_print : p->serving.print;

	set_look_timer(p);
	warn_of_age(p);
	scan_process_reap_orphans(p->serving.pid, p->coming.pid);
	if (p->coming.state != ABSENT || loop_timer_pending(p->load_timer) ||
	    scan_files_look(p->config->scan_database_directory, &print,
		&newest_s) < 0 ||
	    print == known)
		return;
	log_info("database: the files have changed");
	load(p);
}

/* ---- what workers tell ---- */

static void
on_worker_started(void *ctx, unsigned generation, const char *lacks)
{
	struct scan_pool *p = ctx;

	(void)generation;
	if (lacks[0] == '\0' || p->told_lacks)
		return;
	p->told_lacks = true;
	log_warning("sandbox: this kernel has no %s: a worker could read files "
		    "that others may read",
	    lacks);
}

/* Whether the coming generation is complete, as far as it will be. */
static void
look_at_coming(struct scan_pool *p)
{
	struct scan_workers_count c;

	if (p->coming.state != FILLING)
		return;
	scan_workers_count(p->workers, p->coming.number, &c);
	if (c.starting == 0 && c.idle > 0)
		promote(p);
}

static void
on_worker_idle(void *ctx, unsigned generation)
{
	struct scan_pool *p = ctx;

	if (generation == p->coming.number)
		look_at_coming(p);
	p->events.changed(p->events.ctx);
}

static void
on_worker_ended_event(void *ctx, unsigned generation, bool failed)
{
	struct scan_pool *p = ctx;

	if (failed) {
		p->restarts++;
		if (!loop_timer_pending(p->spawn_timer))
			loop_timer_set(p->spawn_timer,
			    backoff_next(&p->spawn_wait));
	}
	if (generation == p->coming.number)
		look_at_coming(p);
	p->events.changed(p->events.ctx);
}

static void
on_spawn_timer(void *ctx)
{
	struct scan_pool *p = ctx;

	if (p->serving.state == SERVING)
		fill(p, &p->serving);
	if (p->coming.state == FILLING)
		fill(p, &p->coming);
}

/* ---- for the server ---- */

static unsigned
pool_size(const struct host_config *config)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->scan_workers > 0)
		return config->scan_workers;
	return n > 0 && n < 256 ? (unsigned)n + 1 : 2;
}

int
scan_pool_new(struct event_base *base, const struct host_config *config,
    const struct scan_pool_events *events, struct scan_pool **ret_pool)
{
	struct scan_pool *p = calloc(1, sizeof(*p));
	const struct scan_workers_events of_workers = {
		.done = events->done,
		.idle = on_worker_idle,
		.ended = on_worker_ended_event,
		.started = on_worker_started,
		.ctx = p,
	};

	if (p == NULL)
		return ERR_NOMEM;
	p->base = base;
	p->config = config;
	p->events = *events;
	p->size = pool_size(config);
	p->load_wait = (struct backoff){ .min_ms = LOAD_WAIT_MIN_MS,
		.max_ms = LOAD_WAIT_MAX_MS };
	p->spawn_wait = (struct backoff){ .min_ms = SPAWN_WAIT_MIN_MS,
		.max_ms = SPAWN_WAIT_MAX_MS };
	p->serving = p->coming =
	    (struct generation){ .pool = p, .sock = -1, .pidfd = -1 };
	p->workers = scan_workers_new(base, config, &of_workers);
	p->load_timer = loop_timer_new(base, on_load_timer, p);
	p->look_timer = loop_timer_new(base, on_look_timer, p);
	p->spawn_timer = loop_timer_new(base, on_spawn_timer, p);
	if (p->workers == NULL || p->load_timer == NULL ||
	    p->look_timer == NULL || p->spawn_timer == NULL) {
		scan_pool_free(p);
		return ERR_NOMEM;
	}
	set_look_timer(p);
	load(p);
	*ret_pool = p;
	return 0;
}

void
scan_pool_free(struct scan_pool *p)
{
	if (p == NULL)
		return;
	scan_workers_free(p->workers);
	drop_generation(&p->serving);
	drop_generation(&p->coming);
	while (p->leaving != NULL) {
		struct leaving *l = p->leaving;

		p->leaving = l->next;
		scan_process_kill(l->pidfd);
		free_leaving(l);
	}
	loop_timer_free(p->load_timer);
	loop_timer_free(p->look_timer);
	loop_timer_free(p->spawn_timer);
	free(p);
}

void
scan_pool_reload(struct scan_pool *p, const struct host_config *config)
{
	p->config = config;
	scan_workers_configure(p->workers, config);
	set_look_timer(p);
	load(p);
}

bool
scan_pool_start(struct scan_pool *p, int fd, uint64_t size, void *job)
{
	struct scan_workers_count c;

	if (p->serving.state == ABSENT)
		return false;
	/* An old generation's last scans count, too. */
	scan_workers_count(p->workers, 0, &c);
	return c.busy < p->size &&
	       scan_workers_start(p->workers, p->serving.number, fd, size, job);
}

void
scan_pool_forget(struct scan_pool *p, const void *job)
{
	scan_workers_forget(p->workers, job);
}

bool
scan_pool_is_hopeless(const struct scan_pool *p)
{
	struct scan_workers_count c;

	if (p->coming.state != ABSENT || p->serving.state == SERVING)
		return false;
	scan_workers_count(p->workers, p->serving.number, &c);
	return p->serving.state == ABSENT || c.idle + c.busy == 0;
}

void
scan_pool_state(const struct scan_pool *p, struct scan_pool_state *ret)
{
	const struct generation *g = &p->serving;
	struct scan_workers_count c;

	scan_workers_count(p->workers, 0, &c);
	*ret = (struct scan_pool_state){
		.workers = c.idle + c.busy,
		.busy = c.busy,
		.generation = g->number,
		.signatures = g->database.signatures,
		.database_s =
		    g->database.time_s > 0 ? g->database.time_s : g->newest_s,
		.restarts = p->restarts,
		.reloads = p->reloads,
		.load_failures = p->load_failures,
	};
}
