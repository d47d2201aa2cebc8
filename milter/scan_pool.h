/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_POOL_H
#define MILTER_SCAN_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "milter/scan_protocol.h"

/*
 * The engine and its workers, seen from the process that starts them: who is
 * idle, who has died, who takes too long, and when signatures are loaded anew.
 * A new engine comes up beside the old one, and takes its place when its
 * workers are ready; the old workers end what they are at.  All on the loop's
 * thread.
 */
struct event_base;
struct host_config;
struct scan_pool;

struct scan_pool_events {
	/* The answer to job; FAILED also when its worker died. */
	void (*done)(void *ctx, void *job, const struct scan_answer *answer);
	/* A worker has become free, or nobody will: look at the queue. */
	void (*changed)(void *ctx);
	void *ctx;
};

struct scan_pool_state {
	unsigned workers, busy; /* of all generations */
	unsigned generation;    /* 0: no signatures are loaded */
	unsigned signatures;
	int64_t database_s; /* time of the signatures; 0: none */
	unsigned long restarts, reloads, load_failures;
};

/*
 * Starts the first engine.  config: until scan_pool_reload() got another.
 * ERR_NOMEM, ERR_IO.
 */
int scan_pool_new(struct event_base *base, const struct host_config *config,
    const struct scan_pool_events *events, struct scan_pool **ret_pool);
/* Ends all processes at once; calls nothing. */
void scan_pool_free(struct scan_pool *p); /* takes NULL */

/* SIGHUP: signatures are loaded again, changed or not. */
void scan_pool_reload(struct scan_pool *p, const struct host_config *config);

/*
 * Gives the message to an idle worker; fd is not closed, and not needed any
 * more.  False: none is idle.
 */
bool scan_pool_start(struct scan_pool *p, int fd, uint64_t size, void *job);
/* Nobody waits for this answer any more. */
void scan_pool_forget(struct scan_pool *p, const void *job);
/* Nobody can scan, and no signatures are being loaded. */
bool scan_pool_is_hopeless(const struct scan_pool *p);
void scan_pool_state(const struct scan_pool *p, struct scan_pool_state *ret);

#endif /* MILTER_SCAN_POOL_H */
