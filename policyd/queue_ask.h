/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_ASK_H
#define POLICYD_QUEUE_ASK_H

#include <sys/queue.h>

#include "policyd/queue_client.h"
#include "policyd/queue_protocol.h"
#include "util/log.h"

/*
 * Inside of the queue helper's client: what waits (queue_client.c), and the
 * conversation about one of them at a time (queue_exchange.c).
 */
struct loop_timer;
struct loop_watch;

struct ask {
	STAILQ_ENTRY(ask) next;
	enum queue_request_kind kind;
	union {
		queue_done *done;
		queue_counted *counted;
		queue_listed *listed;
		queue_read_done *read_done;
	} call;
	void *ctx;
	int64_t deadline_us;
	int rc; /* of one that is not sent (any more) */
	size_t changed;
	size_t count, next_id; /* of ids; those before next_id are done */
	uint8_t digest[QUEUE_DIGEST_LEN];
	struct slice ids[]; /* into the room behind them */
};
STAILQ_HEAD(asks, ask);

struct queue_client {
	int sock; /* -1: no helper */
	bool draining, stopped;
	struct event_base *base; /* NULL: not started yet */
	struct loop_watch *watch;
	struct loop_timer *turn; /* to send, and to answer what is ready */
	struct loop_timer *tick; /* deadlines */
	struct asks waiting, ready;
	size_t waiting_count, ids_count;
	struct ask *current, *listing;
	int64_t answer_by_us;
	uint32_t number;
	struct buf text; /* of the answer, so far */
	queue_client_lost *lost;
	void *lost_ctx;
	queue_client_holding *holding;
	void *holding_ctx;
	struct log_limit trouble;
	char packet[QUEUE_PACKET_MAX + 1];
};

/* Behind what waits already, or again: long work lets others go in between. */
void queue_ask_wait(struct queue_client *q, struct ask *ask);
/* The one call of its callback (of a list: the last); it is freed. */
void queue_ask_finish(struct queue_client *q, struct ask *ask, int rc);
/* All that waits, with ERR_UNAVAIL; all that is ready, with its rc. */
void queue_finish_waiting(struct queue_client *q);
void queue_finish_ready(struct queue_client *q);
/* In the next turn of the loop: what is ready, and the next request. */
void queue_want_turn(struct queue_client *q);

/* For the loop; ctx is the client. */
void queue_take_turn(void *ctx);
void queue_tick(void *ctx);
void queue_readable(int fd, void *ctx);

#endif /* POLICYD_QUEUE_ASK_H */
