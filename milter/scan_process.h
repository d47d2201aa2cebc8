/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_PROCESS_H
#define MILTER_SCAN_PROCESS_H

#include <sys/types.h>

/* Processes of the scanner by descriptors, which no number can mix up. */
struct host_config;

/*
 * Forks an engine.  ret_sock: non-blocking; ret_pidfd: readable when it has
 * ended.  Both close-on-exec and the caller's.  ERR_IO, ERR_NOMEM.
 */
int scan_process_engine(const struct host_config *config, pid_t *ret_pid,
    int *ret_sock, int *ret_pidfd);
/* A pair for a worker: ours is non-blocking.  ERR_IO. */
int scan_process_pair(int *ret_ours, int *ret_theirs);
void scan_process_kill(int pidfd);
/* Until it has ended, but not longer than a second. */
void scan_process_wait(int pidfd);
/* Its wait(2) status, once; -1: still there, or not ours. */
int scan_process_reap(int pidfd);
/*
 * Workers that outlived their engine are our children, and their descriptors
 * may have told before they were: reaps all but those two (0: nobody).
 */
void scan_process_reap_orphans(pid_t but, pid_t or_but);

#endif /* MILTER_SCAN_PROCESS_H */
