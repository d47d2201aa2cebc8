/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_RETRY_STORE_H
#define STORE_RETRY_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * When each deferred message of a host is to be looked at next, and where it
 * stands (proto/retry_state.h, which is text here), in the host's slot:
 *
 *	pn:t:{h:HOST}:due  sorted set, queue id by time, ms
 *	pn:t:{h:HOST}:of   hash, queue id to record
 *
 * One writer: policyd of that host.  A consumer of the host's events
 * (event_read) whose position moves in the script that keeps what the events
 * changed: no attempt is counted twice or not at all.
 */
struct store;

struct retry_row {
	struct slice queue_id;
	struct slice record; /* empty: forget the message */
	int64_t at_ms;       /* 0, of a listed one: as it was */
};

/* The records of these messages, absent where there is none. */
typedef void retry_loaded(int rc, const struct slice *records, size_t count,
    void *ctx);
void retry_load(struct store *s, struct slice host, const struct slice *ids,
    size_t count, int64_t deadline_us, retry_loaded *loaded, void *ctx);

/*
 * Keep these, and move the consumer from expected to next (empty: it stays).
 * ERR_CONFLICT: it is not at expected, nothing was written.
 */
typedef void retry_kept(int rc, void *ctx);
void retry_keep(struct store *s, struct slice host, struct slice consumer,
    struct slice expected, struct slice next, const struct retry_row *rows,
    size_t count, int64_t deadline_us, retry_kept *kept, void *ctx);

/*
 * Up to max of what is due, the earliest first; it stays as it is.  Messages
 * that have left the queue since are forgotten.  next_ms: the time of the
 * first that is not due yet; 0: there is none.
 */
typedef void retry_due(int rc, const struct retry_row *rows, size_t count,
    int64_t next_ms, void *ctx);
void retry_take(struct store *s, struct slice host, int64_t now_ms, size_t max,
    int64_t deadline_us, retry_due *due, void *ctx);

/* How many messages are listed. */
typedef void retry_counted(int rc, uint64_t count, void *ctx);
void retry_count(struct store *s, struct slice host, int64_t deadline_us,
    retry_counted *counted, void *ctx);

#endif /* STORE_RETRY_STORE_H */
