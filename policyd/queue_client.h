/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_CLIENT_H
#define POLICYD_QUEUE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * What policyd asks of the queue helper (postern-queue-helper), the one
 * process that may touch Postfix's queue.  Requests wait in order and are
 * bounded; each is answered exactly once, on the loop's thread, never from
 * inside the call.  Long ones (RETRY, EXPIRE, lists) are done in pieces, with
 * other requests between.
 */
struct event_base;
struct host_config;
struct queue_client;

/*
 * In server_open(), while still privileged: starts the helper, which keeps a
 * socket pair with us.  Where there is to be none (queue_helper = no), or can
 * be none because we are not root, every request is answered with ERR_UNAVAIL;
 * the log says so.  ERR_NOTFOUND: no such program; ERR_IO, ERR_NOMEM, ERR_LIMIT
 * (logged, too).
 */
int queue_client_open(const struct host_config *config,
    struct queue_client **ret_q);
int queue_client_start(struct queue_client *q, struct event_base *base);
/* No more requests are taken; how many are under way: 0 or 1. */
unsigned queue_client_drain(struct queue_client *q);
/* Answers what is there with ERR_UNAVAIL; what is asked for after this is
 * answered so from inside the call. */
void queue_client_stop(struct queue_client *q);
void queue_client_free(struct queue_client *q); /* takes NULL; stops it */
/*
 * Asked before each QUEUE_HOLD, which is not done when it returns less than 0:
 * what we put there ourselves must be known again when Redis has lost it.
 */
typedef int queue_client_holding(const struct slice *ids, size_t count,
    void *ctx);
void queue_client_on_hold(struct queue_client *q, queue_client_holding *holding,
    void *ctx);
/* Whether there is a helper. */
bool queue_client_is_up(const struct queue_client *q);
/* The helper is gone (it can not be started again without root): ask to end
 * this daemon so that the service manager starts both. */
typedef void queue_client_lost(void *ctx);
void queue_client_on_lost(struct queue_client *q, queue_client_lost *lost,
    void *ctx);

enum queue_verb {
	/* Out of the hold queue, to be delivered at once; but mail that had
	 * been deferred before, and is not due, stays deferred until it is. */
	QUEUE_RELEASE,
	QUEUE_HOLD,   /* into the hold queue */
	QUEUE_RETRY,  /* deferred mail: try now */
	QUEUE_EXPIRE, /* give up: Postfix tells the sender; held mail, too */
	QUEUE_DELETE, /* drop without a word */
};
#define QUEUE_IDS_MAX 1000 /* of one request */
#define QUEUE_ID_MAX 32

/*
 * A name that Postfix gives to queue files, short or long, and that no command
 * can take for anything else: 6 to 20 of [A-Za-z0-9].  "ALL" is none.
 */
bool queue_id_ok(struct slice id);

/*
 * done  how many of them Postfix found and changed; of RETRY: how many it took,
 *       as it does not say whether they were there.  An id that is not in the
 *       queue (any more) is no error.
 * text  what went wrong, also where the rest was done (no queue manager to be
 *       told: it will find what was released when it is started).
 * ERR_UNAVAIL: no helper, or too many requests wait; ERR_TIMEOUT; ERR_IO:
 * Postfix's command failed, text says how; ERR_SYNTAX: not queue ids;
 * ERR_LIMIT: too many of them.
 */
typedef void queue_done(int rc, size_t done, struct slice text, void *ctx);
void queue_do(struct queue_client *q, enum queue_verb verb,
    const struct slice *ids, size_t count, queue_done *done, void *ctx);

/* How many messages lie where; cheap while active and incoming are small.
 * What was released lies in neither until the queue manager has read it. */
struct queue_counts {
	size_t incoming, active; /* in flight, together */
};
typedef void queue_counted(int rc, const struct queue_counts *counts,
    void *ctx);
void queue_count(struct queue_client *q, queue_counted *counted, void *ctx);

/* What lies in the hold queue, in pieces of at most 1000. */
struct queue_held {
	struct slice queue_id;
	int64_t since_ms; /* when it came into that queue */
};
/* Called until count is 0, or with rc < 0 once.  ERR_NOTFOUND: Postfix has no
 * such queue yet; it makes it at its first start. */
typedef void queue_listed(int rc, const struct queue_held *held, size_t count,
    void *ctx);
void queue_list_held(struct queue_client *q, queue_listed *listed, void *ctx);

/*
 * The header (at most 1 MiB, the rest is cut) and the envelope of a message in
 * the queue, as text: lines "S sender", "R recipient" (those that are not done;
 * as Postfix would deliver to), an empty line, the header as it lies in the
 * queue file.  ERR_NOTFOUND: it is not there; ERR_LIMIT: more recipients than
 * 4 MiB hold.
 */
typedef void queue_read_done(int rc, struct slice text, void *ctx);
void queue_read(struct queue_client *q, struct slice queue_id,
    queue_read_done *done, void *ctx);

/*
 * Make Postfix's master.cf and main.cf have what lies in the state directory as
 * "transports" (postfix-conf/transports.h), whose SHA-256 this is: postfix
 * check before, reload after, and back to what was if either fails.
 */
void queue_apply(struct queue_client *q, const uint8_t sha256[32],
    queue_done *done, void *ctx);

#endif /* POLICYD_QUEUE_CLIENT_H */
