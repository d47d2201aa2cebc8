/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_START_H
#define POLICYD_QUEUE_START_H

/* Starting the queue helper, as root. */
struct host_config;

/*
 * ret_sock: our end of the socket pair, non-blocking, close-on-exec and the
 * caller's; the helper ends when it is closed.  ERR_NOTFOUND: no such program
 * or user; ERR_IO, ERR_NOMEM, ERR_LIMIT; the log says more.
 */
int queue_start(const struct host_config *config, int *ret_sock);

#endif /* POLICYD_QUEUE_START_H */
