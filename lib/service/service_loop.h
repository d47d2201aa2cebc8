/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVICE_SERVICE_LOOP_H
#define SERVICE_SERVICE_LOOP_H

#include "service/service.h"

/* A daemon between start() and stop(); for service.c only. */
struct service_process {
	const struct service *svc;
	const char *path;           /* of the configuration; NULL: default */
	struct host_config *config; /* the one in use */
	bool verbose, foreground;
	struct event_base *base;
};

/* Log target and level as the configuration and the options say. */
int service_log(const struct service_process *proc,
    const struct host_config *config);

/*
 * Signals, watchdog, run() and the loop, until the end has come.
 * 0: everything has ended; stop() may be called.  ERR_TIMEOUT: run() or its
 * threads are still busy: leave without stop().  Other: nothing could be
 * started; ERR_CANCELED: run() ended by itself.
 */
int service_loop(struct service_process *proc);

#endif /* SERVICE_SERVICE_LOOP_H */
