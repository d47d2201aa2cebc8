/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_CLAMD_H
#define MILTER_CLAMD_H

#include "milter/scan_client.h"
#include "util/slice.h"

/*
 * clamd as the scanner, clamd(8): FILDES over a Unix-domain socket, INSTREAM
 * over TCP; one connection for each message, as clamd wants it.
 */
struct scan_address;

/* Octets of an answer beyond which it is none. */
#define CLAMD_REPLY_MAX 1000

/*
 * "stream: OK", "fd[10]: NAME FOUND", "... ERROR", with a NUL or LF behind.
 * Octets taken; 0: more are needed; ERR_UNAVAIL: clamd failed on this
 * message; ERR_SYNTAX: not an answer.
 */
int clamd_reply_parse(struct slice in, struct scan_verdict *ret_verdict);

/* fd: sealed, size octets.  As scan_client_scan. */
int clamd_scan(const struct scan_address *address, int fd, size_t size,
    int64_t deadline_us, struct scan_verdict *ret_verdict);

#endif /* MILTER_CLAMD_H */
