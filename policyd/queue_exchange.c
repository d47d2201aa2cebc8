/* SPDX-License-Identifier: BSD-2-Clause */
/* The conversation with the queue helper: one request at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "policyd/queue_ask.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/err.h"

/* The helper ends its commands itself, each after half a minute. */
#define ANSWER_MS 150000
#define TICK_MS 1000
/* Ids of one piece where each needs a command of its own. */
#define PIECE_IDS 50

static const struct slice nothing = { "", 0 };

static const char *
ask_name(enum queue_request_kind kind)
{
	switch (kind) {
	case QUEUE_ASK_RELEASE:
		return "release";
	case QUEUE_ASK_HOLD:
		return "hold";
	case QUEUE_ASK_RETRY:
		return "retry";
	case QUEUE_ASK_EXPIRE:
		return "expire";
	case QUEUE_ASK_DELETE:
		return "delete";
	case QUEUE_ASK_COUNT:
		return "count";
	case QUEUE_ASK_LIST:
	case QUEUE_ASK_MORE:
		return "list";
	case QUEUE_ASK_READ:
		return "read";
	case QUEUE_ASK_APPLY:
		return "transports";
	case QUEUE_ASK_START:
		break;
	}
	return "start";
}

static void
count_changed(enum queue_request_kind kind, size_t n)
{
	static const enum metric metrics[] = {
		[QUEUE_ASK_RELEASE] = METRIC_POLICYD_QUEUE_RELEASED,
		[QUEUE_ASK_HOLD] = METRIC_POLICYD_QUEUE_HELD,
		[QUEUE_ASK_RETRY] = METRIC_POLICYD_QUEUE_RETRIED,
		[QUEUE_ASK_EXPIRE] = METRIC_POLICYD_QUEUE_EXPIRED,
		[QUEUE_ASK_DELETE] = METRIC_POLICYD_QUEUE_DELETED,
	};

	if ((size_t)kind < sizeof(metrics) / sizeof(metrics[0]) &&
	    metrics[kind] != 0)
		metrics_add(metrics[kind], n);
}

/* ---- answering ---- */

/* The one call of its callback (of a list: the last); it is freed. */
static void
finish(struct queue_client *q, struct ask *ask, int rc,
    const struct queue_counts *counts, struct slice text)
{
	if (q->listing == ask)
		q->listing = NULL;
	q->ids_count -= ask->count;
	metrics_add(rc < 0 ? METRIC_POLICYD_QUEUE_FAILED
			   : METRIC_POLICYD_QUEUE_DONE,
	    1);
	switch (ask->kind) {
	case QUEUE_ASK_COUNT:
		ask->call.counted(rc, counts, ask->ctx);
		break;
	case QUEUE_ASK_LIST:
	case QUEUE_ASK_MORE:
		ask->call.listed(rc, NULL, 0, ask->ctx);
		break;
	case QUEUE_ASK_READ:
		ask->call.read_done(rc, text, ask->ctx);
		break;
	case QUEUE_ASK_RELEASE:
	case QUEUE_ASK_HOLD:
	case QUEUE_ASK_RETRY:
	case QUEUE_ASK_EXPIRE:
	case QUEUE_ASK_DELETE:
	case QUEUE_ASK_APPLY:
	case QUEUE_ASK_START:
		ask->call.done(rc, ask->changed, text, ask->ctx);
		break;
	}
	free(ask);
}

void
queue_ask_finish(struct queue_client *q, struct ask *ask, int rc)
{
	const struct queue_counts none = { 0, 0 };

	finish(q, ask, rc, &none, rc < 0 ? slice_of(err_text(rc)) : nothing);
}

void
queue_finish_ready(struct queue_client *q)
{
	struct ask *ask;

	while ((ask = STAILQ_FIRST(&q->ready)) != NULL) {
		STAILQ_REMOVE_HEAD(&q->ready, next);
		queue_ask_finish(q, ask, ask->rc);
	}
}

void
queue_finish_waiting(struct queue_client *q)
{
	struct ask *ask;

	while ((ask = STAILQ_FIRST(&q->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&q->waiting, next);
		q->waiting_count--;
		queue_ask_finish(q, ask, ERR_UNAVAIL);
	}
}

/* For good: only root can start another helper. */
static void
lose(struct queue_client *q, const char *why)
{
	struct ask *ask = q->current;

	if (q->sock < 0)
		return;
	log_error("queue helper: %s: this daemon ends, to be started again",
	    why);
	q->draining = true;
	loop_watch_free(q->watch);
	q->watch = NULL;
	(void)close(q->sock);
	q->sock = -1;
	metrics_set(METRIC_POLICYD_QUEUE_HELPER_UP, 0);
	q->current = NULL;
	if (q->lost != NULL)
		q->lost(q->lost_ctx);
	if (ask != NULL)
		queue_ask_finish(q, ask, ERR_UNAVAIL);
	queue_finish_waiting(q);
}

/* ---- sending ---- */

static size_t
piece_of(const struct ask *ask)
{
	size_t left = ask->count - ask->next_id;
	bool slow =
	    ask->kind == QUEUE_ASK_RETRY || ask->kind == QUEUE_ASK_EXPIRE;

	return slow && left > PIECE_IDS ? PIECE_IDS : left;
}

static void
send_ask(struct queue_client *q, struct ask *ask)
{
	struct queue_request r = { .number = ++q->number,
		.kind = ask->kind,
		.ids = ask->ids + ask->next_id,
		.count = piece_of(ask) };
	struct buf out;
	ssize_t n = -1;

	memcpy(r.digest, ask->digest, sizeof(r.digest));
	q->current = ask;
	q->answer_by_us = clock_deadline_ms(ANSWER_MS);
	buf_clear(&q->text);
	buf_init(&out, QUEUE_PACKET_MAX);
	if (queue_request_format(&r, &out) == 0)
		n = send(q->sock, out.at, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_done(&out);
	if (n < 0)
		lose(q, "takes no request");
}

/* The helper has one place in one list: a second list waits for the first. */
static struct ask *
next_ask(struct queue_client *q)
{
	struct ask *ask;

	STAILQ_FOREACH (ask, &q->waiting, next)
		if (ask->kind != QUEUE_ASK_LIST || q->listing == NULL)
			break;
	if (ask != NULL) {
		STAILQ_REMOVE(&q->waiting, ask, ask, next);
		q->waiting_count--;
	}
	return ask;
}

void
queue_take_turn(void *ctx)
{
	struct queue_client *q = ctx;
	struct ask *ask;

	queue_finish_ready(q);
	if (q->current != NULL || q->sock < 0)
		return;
	if ((ask = next_ask(q)) == NULL)
		return;
	if (ask->kind == QUEUE_ASK_LIST)
		q->listing = ask;
	send_ask(q, ask);
	loop_timer_set(q->tick, TICK_MS);
}

void
queue_want_turn(struct queue_client *q)
{
	if (q->base != NULL)
		loop_timer_set(q->turn, 0);
}

/* Behind what waits: long work lets others go in between. */
void
queue_ask_wait(struct queue_client *q, struct ask *ask)
{
	STAILQ_INSERT_TAIL(&q->waiting, ask, next);
	q->waiting_count++;
	queue_want_turn(q);
}

void
queue_tick(void *ctx)
{
	struct queue_client *q = ctx;
	int64_t now = clock_mono_us();
	struct ask *ask, *next;

	if (q->current != NULL && now >= q->answer_by_us) {
		ask = q->current;
		q->current = NULL;
		queue_ask_finish(q, ask, ERR_TIMEOUT);
		lose(q, "gives no answer");
		return;
	}
	for (ask = STAILQ_FIRST(&q->waiting); ask != NULL; ask = next) {
		next = STAILQ_NEXT(ask, next);
		if (now < ask->deadline_us)
			continue;
		STAILQ_REMOVE(&q->waiting, ask, ask, next);
		q->waiting_count--;
		ask->rc = ERR_TIMEOUT;
		STAILQ_INSERT_TAIL(&q->ready, ask, next);
	}
	queue_finish_ready(q);
	if (q->current != NULL || q->waiting_count > 0)
		loop_timer_set(q->tick, TICK_MS);
}

/* ---- the helper's answers ---- */

static void
tell_trouble(struct queue_client *q, const struct ask *ask, int rc,
    struct slice text)
{
	unsigned long missed;

	if (rc == ERR_NOTFOUND || !log_limit_ok(&q->trouble, 10, &missed))
		return;
	log_warning("queue helper: %s: %s%s%.*s (%lu more)",
	    ask_name(ask->kind), rc < 0 ? err_text(rc) : "done, but",
	    text.len > 0 ? ": " : "", SLICE_F(text), missed);
}

static void
change_answered(struct queue_client *q, struct ask *ask,
    const struct queue_answer *a)
{
	ask->changed += (size_t)a->done;
	count_changed(ask->kind, (size_t)a->done);
	if (a->text.len > 0)
		tell_trouble(q, ask, a->rc, a->text);
	ask->next_id += piece_of(ask);
	if (a->rc == 0 && ask->next_id < ask->count)
		queue_ask_wait(q, ask);
	else
		finish(q, ask, a->rc, NULL, a->text);
}

static void
list_answered(struct queue_client *q, struct ask *ask,
    const struct queue_answer *a)
{
	static struct queue_held rows[QUEUE_ROWS_MAX];
	struct slice rest = a->text;
	size_t n = 0;
	int rc = a->rc;

	if (rc == 0)
		while (n < QUEUE_ROWS_MAX &&
		       (rc = queue_row_next(&rest, &rows[n])) == 1)
			n++;
	if (rc >= 0 && n > 0)
		ask->call.listed(0, rows, n, ask->ctx);
	if (rc < 0 || !a->more) {
		if (rc < 0)
			tell_trouble(q, ask, rc, a->rc < 0 ? a->text : nothing);
		queue_ask_finish(q, ask, rc < 0 ? rc : 0);
		return;
	}
	ask->kind = QUEUE_ASK_MORE;
	queue_ask_wait(q, ask);
}

static void
answered(struct queue_client *q, const struct queue_answer *a)
{
	struct ask *ask = q->current;
	struct queue_counts counts = { (size_t)a->done, (size_t)a->active };
	int rc = a->rc;

	if (ask->kind == QUEUE_ASK_READ) {
		(void)buf_add_slice(&q->text, a->text);
		if (a->more)
			return;
		rc = rc == 0 ? q->text.rc : rc;
	}
	q->current = NULL;
	queue_want_turn(q);
	switch (ask->kind) {
	case QUEUE_ASK_COUNT:
		if (rc < 0)
			tell_trouble(q, ask, rc, a->text);
		finish(q, ask, rc, &counts, nothing);
		break;
	case QUEUE_ASK_LIST:
	case QUEUE_ASK_MORE:
		list_answered(q, ask, a);
		break;
	case QUEUE_ASK_READ:
		if (rc < 0)
			tell_trouble(q, ask, rc, buf_slice(&q->text));
		finish(q, ask, rc, NULL, buf_slice(&q->text));
		buf_done(&q->text);
		break;
	case QUEUE_ASK_RELEASE:
	case QUEUE_ASK_HOLD:
	case QUEUE_ASK_RETRY:
	case QUEUE_ASK_EXPIRE:
	case QUEUE_ASK_DELETE:
	case QUEUE_ASK_APPLY:
	case QUEUE_ASK_START:
		change_answered(q, ask, a);
		break;
	}
}

void
queue_readable(int fd, void *ctx)
{
	struct queue_client *q = ctx;
	struct queue_answer a;
	ssize_t n = recv(fd, q->packet, sizeof(q->packet), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		lose(q, "has ended");
	else if (queue_answer_parse((struct slice){ q->packet, (size_t)n },
		     &a) < 0 ||
		 q->current == NULL || a.number != q->number)
		lose(q, "does not answer what it was asked");
	else
		answered(q, &a);
}
