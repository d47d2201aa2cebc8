/* SPDX-License-Identifier: BSD-2-Clause */
/* policyd's requests to the queue helper, from being asked to being answered.
 */
#include "policyd/queue_client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/loop.h"
#include "policyd/queue_ask.h"
#include "policyd/queue_start.h"
#include "service/host_config.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/err.h"

/* Requests that wait, and the queue ids in them (some 40 octets each). */
#define WAITING_MAX 1000
#define IDS_MAX 200000
/* So long may a request wait for others: a change of the transports takes
 * longest. */
#define WAIT_MS 180000
/* What READ may be, in all its packets. */
#define TEXT_MAX ((size_t)6 * 1024 * 1024)

/* ---- asking ---- */

/*
 * Out of memory: the process can not keep its promise to answer, and ends.
 * Ids that can not be taken are not.
 */
static struct ask *
ask_new(enum queue_request_kind kind, const struct slice *ids, size_t count,
    void *ctx)
{
	size_t octets = 0;
	struct ask *ask;
	char *room;

	for (size_t i = 0; i < count; i++)
		octets += ids[i].len;
	ask = calloc(1, sizeof(*ask) + count * sizeof(ids[0]) + octets);
	if (ask == NULL)
		abort();
	room = (char *)(ask->ids + count);
	ask->kind = kind;
	ask->ctx = ctx;
	ask->count = count;
	ask->deadline_us = clock_deadline_ms(WAIT_MS);
	for (size_t i = 0; i < count; i++) {
		ask->ids[i] = (struct slice){ room, ids[i].len };
		memcpy(room, ids[i].at, ids[i].len);
		room += ids[i].len;
	}
	return ask;
}

/* The size is looked at first: what is too large is not copied. */
static int
check_ids(const struct slice *ids, size_t count)
{
	if (count > QUEUE_IDS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < count; i++)
		if (!queue_id_ok(ids[i]))
			return ERR_SYNTAX;
	return 0;
}

static bool
is_change(enum queue_request_kind kind)
{
	return kind == QUEUE_ASK_RELEASE || kind == QUEUE_ASK_HOLD ||
	       kind == QUEUE_ASK_RETRY || kind == QUEUE_ASK_EXPIRE ||
	       kind == QUEUE_ASK_DELETE;
}

/* rc < 0: it is not what can be asked for. */
static void
submit(struct queue_client *q, struct ask *ask, int rc)
{
	if (rc == 0 &&
	    (q->sock < 0 || q->draining || q->waiting_count >= WAITING_MAX ||
		q->ids_count + ask->count > IDS_MAX))
		rc = ERR_UNAVAIL;
	q->ids_count += ask->count;
	ask->rc = rc;
	if (q->stopped) {
		queue_ask_finish(q, ask, ERR_UNAVAIL);
	} else if (rc < 0 || (is_change(ask->kind) && ask->count == 0)) {
		STAILQ_INSERT_TAIL(&q->ready, ask, next);
		queue_want_turn(q);
	} else {
		queue_ask_wait(q, ask);
	}
}

void
queue_do(struct queue_client *q, enum queue_verb verb, const struct slice *ids,
    size_t count, queue_done *done, void *ctx)
{
	static const enum queue_request_kind kinds[] = {
		[QUEUE_RELEASE] = QUEUE_ASK_RELEASE,
		[QUEUE_HOLD] = QUEUE_ASK_HOLD,
		[QUEUE_RETRY] = QUEUE_ASK_RETRY,
		[QUEUE_EXPIRE] = QUEUE_ASK_EXPIRE,
		[QUEUE_DELETE] = QUEUE_ASK_DELETE,
	};
	int rc = check_ids(ids, count);
	struct ask *ask = ask_new(kinds[verb], ids, rc == 0 ? count : 0, ctx);

	if (rc == 0 && verb == QUEUE_HOLD && q->holding != NULL)
		rc = q->holding(ids, count, q->holding_ctx);
	ask->call.done = done;
	submit(q, ask, rc);
}

void
queue_count(struct queue_client *q, queue_counted *counted, void *ctx)
{
	struct ask *ask = ask_new(QUEUE_ASK_COUNT, NULL, 0, ctx);

	ask->call.counted = counted;
	submit(q, ask, 0);
}

void
queue_list_held(struct queue_client *q, queue_listed *listed, void *ctx)
{
	struct ask *ask = ask_new(QUEUE_ASK_LIST, NULL, 0, ctx);

	ask->call.listed = listed;
	submit(q, ask, 0);
}

void
queue_read(struct queue_client *q, struct slice queue_id, queue_read_done *done,
    void *ctx)
{
	int rc = check_ids(&queue_id, 1);
	struct ask *ask =
	    ask_new(QUEUE_ASK_READ, &queue_id, rc == 0 ? 1 : 0, ctx);

	ask->call.read_done = done;
	submit(q, ask, rc);
}

void
queue_apply(struct queue_client *q, const uint8_t sha256[32], queue_done *done,
    void *ctx)
{
	struct ask *ask = ask_new(QUEUE_ASK_APPLY, NULL, 0, ctx);

	memcpy(ask->digest, sha256, QUEUE_DIGEST_LEN);
	ask->call.done = done;
	submit(q, ask, 0);
}

/* ---- from open to end ---- */

int
queue_client_open(const struct host_config *config, struct queue_client **ret_q)
{
	struct queue_client *q = calloc(1, sizeof(*q));
	int rc = 0;

	if (q == NULL)
		return ERR_NOMEM;
	q->sock = -1;
	STAILQ_INIT(&q->waiting);
	STAILQ_INIT(&q->ready);
	buf_init(&q->text, TEXT_MAX);
	if (!config->queue_helper)
		log_info("queue helper: none");
	else if (geteuid() != 0)
		log_warning("queue helper: not started: not root; nothing "
			    "that is held is released");
	else
		rc = queue_start(config, &q->sock);
	if (rc < 0) {
		free(q);
		return rc;
	}
	metrics_set(METRIC_POLICYD_QUEUE_HELPER_UP, q->sock >= 0);
	*ret_q = q;
	return 0;
}

int
queue_client_start(struct queue_client *q, struct event_base *base)
{
	q->turn = loop_timer_new(base, queue_take_turn, q);
	q->tick = loop_timer_new(base, queue_tick, q);
	if (q->turn == NULL || q->tick == NULL)
		return ERR_NOMEM;
	if (q->sock >= 0) {
		q->watch = loop_watch_new(base, q->sock, queue_readable, q);
		if (q->watch == NULL)
			return ERR_NOMEM;
	}
	q->base = base;
	queue_want_turn(q);
	return 0;
}

void
queue_client_on_lost(struct queue_client *q, queue_client_lost *lost, void *ctx)
{
	q->lost = lost;
	q->lost_ctx = ctx;
}

void
queue_client_on_hold(struct queue_client *q, queue_client_holding *holding,
    void *ctx)
{
	q->holding = holding;
	q->holding_ctx = ctx;
}

bool
queue_client_is_up(const struct queue_client *q)
{
	return q->sock >= 0;
}

unsigned
queue_client_drain(struct queue_client *q)
{
	q->draining = true;
	queue_finish_waiting(q);
	return q->current != NULL;
}

void
queue_client_stop(struct queue_client *q)
{
	struct ask *ask = q->current;

	q->draining = q->stopped = true;
	q->current = NULL;
	if (ask != NULL)
		queue_ask_finish(q, ask, ERR_UNAVAIL);
	queue_finish_waiting(q);
	queue_finish_ready(q);
	loop_watch_free(q->watch);
	q->watch = NULL;
	if (q->sock >= 0)
		(void)close(q->sock); /* the helper ends */
	q->sock = -1;
}

void
queue_client_free(struct queue_client *q)
{
	if (q == NULL)
		return;
	queue_client_stop(q);
	loop_timer_free(q->turn);
	loop_timer_free(q->tick);
	buf_done(&q->text);
	free(q);
}
