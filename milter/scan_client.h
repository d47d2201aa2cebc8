/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_CLIENT_H
#define MILTER_SCAN_CLIENT_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Asks a virus scanner about a message: postern-scan (a sealed memfd is passed
 * over its socket), or a clamd that is there already.  Any thread; each call
 * waits, with a deadline.
 */
enum scan_result {
	SCAN_CLEAN,
	SCAN_INFECTED,
	SCAN_UNSCANNABLE, /* a limit of the scanner was exceeded */
};
#define SCAN_NAME_MAX 200
struct scan_verdict {
	enum scan_result result;
	char name[SCAN_NAME_MAX]; /* of the signature, or of the limit */
};

struct scan_client;
/*
 * address: "unix:PATH" (postern-scan), "clamd:unix:PATH" or
 * "clamd:inet:HOST:PORT".  ERR_SYNTAX, ERR_NOMEM.
 */
int scan_client_new(const char *address, struct scan_client **ret_client);
void scan_client_free(struct scan_client *c); /* takes NULL */
/*
 * fd: the message from its first octet, size octets; is not closed, its
 * position does not matter.  ERR_UNAVAIL: no scanner, or it failed on this
 * message; ERR_TIMEOUT: no answer by the deadline (monotonic clock).
 */
int scan_client_scan(struct scan_client *c, int fd, size_t size,
    int64_t deadline_us, struct scan_verdict *ret_verdict);

#endif /* MILTER_SCAN_CLIENT_H */
