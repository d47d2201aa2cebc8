/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_DIAL_H
#define MILTER_SCAN_DIAL_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/slice.h"

/*
 * Reaching a scanner; for the thread of a connection, which may wait, but not
 * past a deadline on the monotonic clock.
 */
struct scan_address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_storage storage;
	} sock;
	socklen_t len;
};

/* "unix:/PATH" or "inet:ADDRESS:PORT" ([..] round IPv6).  ERR_SYNTAX. */
int scan_address_parse(struct slice text, struct scan_address *ret_address);

/* ret_fd: non-blocking, close-on-exec.  ERR_UNAVAIL, ERR_TIMEOUT. */
int scan_dial(const struct scan_address *a, int64_t deadline_us, int *ret_fd);

/* Until one of the events (poll(2)) or an error is there.  ERR_TIMEOUT. */
int scan_wait(int fd, short events, int64_t deadline_us);

#endif /* MILTER_SCAN_DIAL_H */
