/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_ENGINE_H
#define MILTER_SCAN_ENGINE_H

#include <stdint.h>

#include "milter/scan_clamav.h"

/*
 * The process that loads the signatures, and then makes the workers that share
 * them with it, copy-on-write.  It sees no mail.  Both sides are the same
 * program: what goes over the socket (SOCK_SEQPACKET) is this struct.
 */
struct host_config;

enum scan_control_kind {
	/* to the engine */
	SCAN_SPAWN, /* number; with the worker's socket */
	/* from it */
	SCAN_LOADED, /* database */
	SCAN_FAILED, /* rc, text; then it ends */
	SCAN_ENDED,  /* pid, status (wait(2)) of a worker */
};
struct scan_control {
	enum scan_control_kind kind;
	unsigned number;
	int rc, pid, status;
	struct scan_database database;
	char text[300];
};

/* In a process just forked; ends when the other side closes the socket. */
_Noreturn void scan_engine_run(const struct host_config *config, int sock);

#endif /* MILTER_SCAN_ENGINE_H */
