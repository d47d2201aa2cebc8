/* SPDX-License-Identifier: BSD-2-Clause */
/* Workers: who is idle, who has died, who takes too long. */
#include "milter/scan_workers.h"

#include <stdlib.h>
#include <unistd.h>

#include "milter/scan_channel.h"
#include "milter/scan_engine.h"
#include "milter/scan_files.h"
#include "milter/scan_process.h"
#include "milter/scan_worker.h"
#include "net/loop.h"
#include "service/host_config.h"
#include "util/err.h"
#include "util/log.h"

#define START_MS 30000 /* a fork, even on a host that swaps */

enum state {
	STARTING,
	IDLE,
	BUSY,
	ENDING /* its socket is closed; the process may still be there */
};

struct worker {
	struct scan_workers *all;
	struct worker *next;
	unsigned generation, number;
	enum state state;
	int sock, pidfd; /* -1: not open */
	struct loop_watch *readable, *exited;
	struct loop_timer *deadline;
	void *job; /* NULL: nobody waits for it */
	uint32_t id;
	bool retired, failed;
};

struct scan_workers {
	struct event_base *base;
	const struct host_config *config;
	struct scan_workers_events events;
	struct worker *first;
	unsigned last_number;
	uint32_t last_id;
};

static void
free_worker(struct worker *w)
{
	loop_watch_free(w->readable);
	loop_watch_free(w->exited);
	loop_timer_free(w->deadline);
	if (w->sock >= 0)
		(void)close(w->sock);
	if (w->pidfd >= 0)
		(void)close(w->pidfd);
	free(w);
}

/* The process is gone: so is what it has unpacked. */
static void
remove_worker(struct worker *w)
{
	struct scan_workers *ws = w->all;
	struct worker **at = &ws->first;
	char path[SCAN_WORKER_PATH];
	unsigned generation = w->generation;
	bool failed = w->failed;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (scan_worker_path(ws->config, w->number, path) == 0)
		scan_files_remove(path);
	if (w->pidfd >= 0)
		(void)scan_process_reap(w->pidfd);
	free_worker(w);
	ws->events.ended(ws->events.ctx, generation, failed);
}

static void
fail_job(struct worker *w)
{
	struct scan_answer a = { .outcome = SCAN_OUT_FAILED };
	void *job = w->job;

	w->job = NULL;
	if (job == NULL)
		return;
	scan_name_set(a.name, SLICE("the scan failed"));
	w->all->events.done(w->all->events.ctx, job, &a);
}

/* Closes its socket, which ends it; the entry stays until it has. */
static void
end_worker(struct worker *w, bool failed)
{
	w->failed = w->failed || failed;
	w->state = ENDING;
	loop_timer_stop(w->deadline);
	loop_watch_free(w->readable);
	w->readable = NULL;
	(void)close(w->sock);
	w->sock = -1;
	if (failed && w->pidfd >= 0)
		scan_process_kill(w->pidfd);
	fail_job(w);
	if (w->pidfd < 0)
		remove_worker(w);
}

static void
on_exited(int fd, void *ctx)
{
	struct worker *w = ctx;

	(void)fd;
	if (w->state != ENDING) { /* its socket says so, too, but later */
		loop_watch_free(w->exited);
		w->exited = NULL;
		end_worker(w, true);
	}
	remove_worker(w);
}

static void
on_deadline(void *ctx)
{
	struct worker *w = ctx;

	log_warning("worker: no answer in %lld s: killed",
	    (long long)(w->state == STARTING
			    ? START_MS
			    : w->all->config->scan_timeout_ms) /
		1000);
	end_worker(w, true);
}

static void
become_idle(struct worker *w)
{
	loop_timer_stop(w->deadline);
	if (w->retired) {
		end_worker(w, false);
		return;
	}
	w->state = IDLE;
	w->all->events.idle(w->all->events.ctx, w->generation);
}

/* The first words: takes the descriptor. */
static void
on_greeting(struct worker *w, const struct scan_answer *a, int fd)
{
	struct scan_workers *ws = w->all;

	w->pidfd = fd;
	w->exited = loop_watch_new(ws->base, fd, on_exited, w);
	if (w->exited == NULL) {
		end_worker(w, true);
		return;
	}
	ws->events.started(ws->events.ctx, w->generation, a->name);
	become_idle(w);
}

static void
on_answer(struct worker *w, const struct scan_answer *a)
{
	void *job = w->job;

	w->job = NULL;
	if (job != NULL)
		w->all->events.done(w->all->events.ctx, job, a);
	become_idle(w);
}

static void
on_readable(int sock, void *ctx)
{
	struct worker *w = ctx;
	char room[SCAN_ANSWER_MAX + 1];
	struct scan_answer a;
	int fd = -1;
	ssize_t n = scan_channel_receive(sock, room, sizeof(room), &fd);

	if (n == ERR_TIMEOUT)
		return;
	bool whole =
	    n > 0 &&
	    scan_answer_parse((struct slice){ room, (size_t)n }, &a) == (int)n;
	if (whole && w->state == STARTING && fd >= 0 && a.id == 0) {
		on_greeting(w, &a, fd);
		return;
	}
	if (fd >= 0)
		(void)close(fd);
	if (whole && w->state == BUSY && a.id == w->id) {
		on_answer(w, &a);
		return;
	}
	end_worker(w, true);
}

struct scan_workers *
scan_workers_new(struct event_base *base, const struct host_config *config,
    const struct scan_workers_events *events)
{
	struct scan_workers *ws = calloc(1, sizeof(*ws));

	if (ws == NULL)
		return NULL;
	ws->base = base;
	ws->config = config;
	ws->events = *events;
	return ws;
}

void
scan_workers_free(struct scan_workers *ws)
{
	if (ws == NULL)
		return;
	for (const struct worker *w = ws->first; w != NULL; w = w->next)
		if (w->pidfd >= 0)
			scan_process_kill(w->pidfd);
	while (ws->first != NULL) {
		struct worker *w = ws->first;

		ws->first = w->next;
		if (w->pidfd >= 0)
			scan_process_wait(w->pidfd);
		free_worker(w);
	}
	free(ws);
}

void
scan_workers_configure(struct scan_workers *ws,
    const struct host_config *config)
{
	ws->config = config;
}

static int
order(struct worker *w, int engine)
{
	const struct scan_control c = { .kind = SCAN_SPAWN,
		.number = w->number };
	int theirs, rc;

	if ((rc = scan_process_pair(&w->sock, &theirs)) < 0)
		return rc;
	rc = scan_channel_send(engine, &c, sizeof(c), theirs);
	(void)close(theirs);
	return rc;
}

int
scan_workers_spawn(struct scan_workers *ws, unsigned generation, int engine)
{
	struct worker *w = calloc(1, sizeof(*w));
	int rc = ERR_NOMEM;

	if (w == NULL)
		return rc;
	w->all = ws;
	w->generation = generation;
	w->number = ++ws->last_number;
	w->sock = w->pidfd = -1;
	if ((w->deadline = loop_timer_new(ws->base, on_deadline, w)) == NULL ||
	    (rc = order(w, engine)) < 0)
		goto fail;
	rc = ERR_NOMEM;
	w->readable = loop_watch_new(ws->base, w->sock, on_readable, w);
	if (w->readable == NULL)
		goto fail;
	loop_timer_set(w->deadline, START_MS);
	w->next = ws->first;
	ws->first = w;
	return 0;
fail:
	free_worker(w);
	return rc;
}

void
scan_workers_retire(struct scan_workers *ws, unsigned generation)
{
	for (struct worker *w = ws->first, *next; w != NULL; w = next) {
		next = w->next;
		if (w->generation != generation)
			continue;
		w->retired = true;
		if (w->state == IDLE)
			end_worker(w, false);
	}
}

/* False: it is gone, which it was before it got the message. */
static bool
hand_over(struct worker *w, int fd, uint64_t size)
{
	const struct scan_request r = { .id = ++w->all->last_id,
		.size = size,
		.timeout_ms = 1 };
	uint8_t octets[SCAN_REQUEST_LEN];

	scan_request_format(&r, octets);
	if (scan_channel_send(w->sock, octets, sizeof(octets), fd) < 0) {
		end_worker(w, true);
		return false;
	}
	w->state = BUSY;
	w->id = r.id;
	loop_timer_set(w->deadline, w->all->config->scan_timeout_ms);
	return true;
}

bool
scan_workers_start(struct scan_workers *ws, unsigned generation, int fd,
    uint64_t size, void *job)
{
	for (struct worker *w = ws->first; w != NULL; w = w->next)
		if (w->state == IDLE && w->generation == generation &&
		    hand_over(w, fd, size)) {
			w->job = job;
			return true;
		}
	return false;
}

void
scan_workers_forget(struct scan_workers *ws, const void *job)
{
	for (struct worker *w = ws->first; w != NULL; w = w->next)
		if (w->job == job)
			w->job = NULL;
}

void
scan_workers_count(const struct scan_workers *ws, unsigned generation,
    struct scan_workers_count *ret_count)
{
	struct scan_workers_count c = { 0 };

	for (const struct worker *w = ws->first; w != NULL; w = w->next) {
		if (generation != 0 && w->generation != generation)
			continue;
		switch (w->state) {
		case STARTING:
			c.starting++;
			break;
		case IDLE:
			c.idle++;
			break;
		case BUSY:
			c.busy++;
			break;
		case ENDING:
			break;
		}
	}
	*ret_count = c;
}
