/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_WORKERS_H
#define MILTER_SCAN_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "milter/scan_protocol.h"

/*
 * The workers of all generations, one entry each.  An entry lives from the
 * order to make the worker until its process has ended.
 */
struct event_base;
struct host_config;
struct scan_workers;

struct scan_workers_events {
	void (*done)(void *ctx, void *job, const struct scan_answer *answer);
	void (*idle)(void *ctx, unsigned generation);
	/*
	 * It has ended or was given up; failed: not because we wanted it to.
	 * lacks: of one that has just started, see scan_worker.h.
	 */
	void (*ended)(void *ctx, unsigned generation, bool failed);
	void (*started)(void *ctx, unsigned generation, const char *lacks);
	void *ctx;
};

struct scan_workers *scan_workers_new(struct event_base *base,
    const struct host_config *config,
    const struct scan_workers_events *events); /* NULL: no memory */
/* Kills all, and waits until they are gone; calls nothing. */
void scan_workers_free(struct scan_workers *ws); /* takes NULL */
void scan_workers_configure(struct scan_workers *ws,
    const struct host_config *config);

/* Has one made by the engine at that socket.  ERR_NOMEM, ERR_IO. */
int scan_workers_spawn(struct scan_workers *ws, unsigned generation,
    int engine);
/* Those of that generation end; those that scan, when they have. */
void scan_workers_retire(struct scan_workers *ws, unsigned generation);

/* As scan_pool_start, with a worker of that generation. */
bool scan_workers_start(struct scan_workers *ws, unsigned generation, int fd,
    uint64_t size, void *job);
void scan_workers_forget(struct scan_workers *ws, const void *job);

/* Of this generation, or (0) of all. */
struct scan_workers_count {
	unsigned starting, idle, busy;
};
void scan_workers_count(const struct scan_workers *ws, unsigned generation,
    struct scan_workers_count *ret_count);

#endif /* MILTER_SCAN_WORKERS_H */
