/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_WORKER_H
#define MILTER_SCAN_WORKER_H

/*
 * The process that looks into mail.  It has one socket, over which requests
 * with sealed memfds come in and answers go out, and a directory of its own
 * for what it unpacks; it can reach nothing else.  The first answer, with the
 * id 0, is no answer: it says that the worker is ready, passes a descriptor by
 * which it can be ended (pidfd_open(2)), and has what could not be enforced in
 * its name.
 */
struct host_config;
struct scan_clamav;

/* Room for a worker's directory: "DIRECTORY/NUMBER". */
#define SCAN_WORKER_PATH 600
/* ERR_LIMIT. */
int scan_worker_path(const struct host_config *config, unsigned number,
    char ret_path[SCAN_WORKER_PATH]);

/* In a process just forked; ends when the other side closes the socket. */
_Noreturn void scan_worker_run(struct scan_clamav *clamav,
    const struct host_config *config, int sock, unsigned number);

#endif /* MILTER_SCAN_WORKER_H */
