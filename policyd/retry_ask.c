/* SPDX-License-Identifier: BSD-2-Clause */
/* What is due: Postfix is asked to try it, to give it up, or to hold it. */
#include <string.h>

#include "policyd/policyd.h"
#include "policyd/retry.h"
#include "store/store.h"
#include "util/err.h"

#define HELPER_REST_MS 10000

static void ask_next(struct retry *r);

/* ---- Postfix ---- */

static void
say_given_up(const struct retry_message *m)
{
	struct log_line l;

	log_line(&l, m->queue_id);
	log_line_add(&l, "retry", SLICE("given-up"));
	log_line_add(&l, "tenant", m->state.tenant);
	log_line_number(&l, "tries", m->state.tries);
	log_line_number(&l, "age",
	    (m->state.due_ms - m->state.queued_ms) / 1000);
	log_line_end(&l, LOG_L_INFO);
}

static void
on_put_back(int rc, void *ctx)
{
	struct retry *r = ctx;

	if (r->stopping)
		return;
	if (rc < 0)
		retry_failed(r, rc);
	else
		retry_rest(r, false);
}

static void
helper_failed(struct retry *r, int rc, struct slice text)
{
	unsigned long missed;

	r->count.failures++;
	if (log_limit_ok(&r->helper_trouble, 60, &missed))
		log_warning("retry: queue helper: %s%s%.*s", err_text(rc),
		    text.len > 0 ? ": " : "", SLICE_F(text));
	r->not_before_ms = retry_now_ms() + HELPER_REST_MS;
}

/* Postfix was not asked after all: soon again, and its own schedule goes on. */
static void
put_back(struct retry *r)
{
	for (size_t i = 0; i < r->message_count; i++) {
		struct retry_message *m = &r->messages[i];

		m->changed = m->verb >= r->asking;
		m->at_ms = r->not_before_ms;
		if (m->changed && m->verb != RETRY_DO_HOLD)
			m->state.asked--;
	}
	retry_write(r, on_put_back);
}

static void
note_done(struct retry *r, const struct retry_message *m)
{
	struct log_line l;

	switch (m->verb) {
	case RETRY_DO_TRY:
		r->count.asked++;
		return;
	case RETRY_DO_GIVE_UP:
		if (m->state.asked > 1)
			return;
		r->count.given_up++;
		say_given_up(m);
		return;
	case RETRY_DO_HOLD:
		r->count.stopped++;
		log_line(&l, m->queue_id);
		log_line_add(&l, "retry", SLICE("stopped"));
		log_line_add(&l, "tenant", m->state.tenant);
		log_line_add(&l, "window", m->window);
		log_line_end(&l, LOG_L_INFO);
		return;
	case RETRY_DO_NOTHING:
	case RETRY_VERBS:
		return;
	}
}

static void
on_done(int rc, size_t done, struct slice text, void *ctx)
{
	struct retry *r = ctx;

	(void)done;
	if (r->stopping)
		return;
	if (rc < 0) {
		helper_failed(r, rc, text);
		put_back(r);
		return;
	}
	for (size_t i = 0; i < r->message_count; i++)
		if (r->messages[i].verb == r->asking)
			note_done(r, &r->messages[i]);
	r->asking++;
	ask_next(r);
}

static void
ask_next(struct retry *r)
{
	static const enum queue_verb verbs[RETRY_VERBS] = {
		[RETRY_DO_TRY] = QUEUE_RETRY,
		[RETRY_DO_GIVE_UP] = QUEUE_EXPIRE,
		[RETRY_DO_HOLD] = QUEUE_HOLD,
	};
	struct slice ids[RETRY_PAGE];
	size_t count = 0;

	for (; r->asking < RETRY_VERBS; r->asking++) {
		for (size_t i = 0; i < r->message_count; i++)
			if (r->messages[i].verb == r->asking)
				ids[count++] = r->messages[i].queue_id;
		if (count == 0)
			continue;
		queue_do(r->d->queue, verbs[r->asking], ids, count, on_done, r);
		return;
	}
	retry_rest(r, r->message_count == RETRY_PAGE);
}

/* ---- the store ---- */

/* Kept that they are asked for: now ask. */
static void
on_kept(int rc, void *ctx)
{
	struct retry *r = ctx;

	if (r->stopping)
		return;
	if (rc < 0) {
		retry_failed(r, rc);
		return;
	}
	r->asking = RETRY_DO_TRY;
	ask_next(r);
}

/* Listed first: what is listed and not held does no harm. */
static void
on_listed(int rc, void *ctx)
{
	struct retry *r = ctx;

	if (r->stopping)
		return;
	if (rc < 0)
		retry_failed(r, rc);
	else
		retry_write(r, on_kept);
}

static void
on_decided(struct retry *r, int rc)
{
	if (rc < 0) {
		helper_failed(r, rc, SLICE("reading a message"));
		r->next_ms = r->not_before_ms;
		retry_rest(r, false);
	} else if (r->hold_count > 0) {
		hold_put(r->d->store, r->d->host, r->holds, r->hold_count,
		    store_long_deadline(r->d->store), on_listed, r);
	} else {
		retry_write(r, on_kept);
	}
}

static void
note_due(struct retry *r, const struct retry_row *row)
{
	struct retry_message *m = &r->messages[r->message_count];
	struct slice record = arena_dup(r->arena, row->record);

	*m = (struct retry_message){ .changed = true };
	m->queue_id = arena_dup(r->arena, row->queue_id);
	if (record.at == NULL || m->queue_id.at == NULL) {
		r->rc = ERR_NOMEM;
		return;
	}
	r->message_count++;
	/* What is not understood is forgotten. */
	m->known = retry_state_parse(record, &m->state) == 0;
}

static void
on_due(int rc, const struct retry_row *rows, size_t count, int64_t next_ms,
    void *ctx)
{
	struct retry *r = ctx;

	if (r->stopping)
		return;
	r->next_ms = next_ms;
	for (size_t i = 0; rc == 0 && i < count && i < RETRY_PAGE; i++) {
		note_due(r, &rows[i]);
		rc = r->rc;
	}
	if (rc < 0)
		retry_failed(r, rc);
	else if (r->message_count == 0)
		retry_rest(r, false);
	else
		retry_decide(r, on_decided);
}

void
retry_look(struct retry *r)
{
	int64_t now_ms = retry_now_ms();

	if (now_ms < r->not_before_ms) {
		r->next_ms = r->not_before_ms;
		retry_rest(r, false);
		return;
	}
	r->message_count = 0;
	r->next_len = 0; /* the position stays */
	r->rc = 0;
	retry_take(r->d->store, r->d->host, now_ms, RETRY_PAGE,
	    store_long_deadline(r->d->store), on_due, r);
}
