/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_CHANNEL_H
#define MILTER_SCAN_CHANNEL_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Octets over a Unix-domain socket, with at most one descriptor beside them.
 * No call waits longer than the socket does: non-blocking sockets give
 * ERR_TIMEOUT, as do those with SO_RCVTIMEO or SO_SNDTIMEO.
 */

/*
 * All of it in one call.  fd: to pass, or -1.  0; ERR_TIMEOUT: no room;
 * ERR_UNAVAIL: the other side is gone; ERR_IO: also, what was passed can not
 * be.
 */
int scan_channel_send(int sock, const void *octets, size_t len, int fd);

/*
 * Octets read, 0 at the end.  ret_fd: what was passed, close-on-exec and owned
 * by the caller, or -1.  ERR_TIMEOUT: nothing there; ERR_LIMIT: more than one
 * descriptor, or no room for one: those that came are closed; ERR_IO.
 */
ssize_t scan_channel_receive(int sock, void *room, size_t size, int *ret_fd);

#endif /* MILTER_SCAN_CHANNEL_H */
