/* SPDX-License-Identifier: BSD-2-Clause */
/* What is due: Postfix is asked to try it, or to give it up. */
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

/* Postfix was not asked after all: soon again, and its own schedule goes on. */
static void
put_back(struct retry *r, int rc, struct slice text)
{
	unsigned long missed;

	r->count.failures++;
	if (log_limit_ok(&r->helper_trouble, 60, &missed))
		log_warning("retry: queue helper: %s%s%.*s", err_text(rc),
		    text.len > 0 ? ": " : "", SLICE_F(text));
	r->not_before_ms = retry_now_ms() + HELPER_REST_MS;
	for (size_t i = 0; i < r->message_count; i++) {
		struct retry_message *m = &r->messages[i];

		m->changed = m->state.step >= r->asking;
		m->at_ms = r->not_before_ms;
		if (m->state.asked > 0)
			m->state.asked--;
	}
	retry_write(r, on_put_back);
}

static void
on_done(int rc, size_t done, struct slice text, void *ctx)
{
	struct retry *r = ctx;

	(void)done;
	if (r->stopping)
		return;
	if (rc < 0) {
		put_back(r, rc, text);
		return;
	}
	for (size_t i = 0; i < r->message_count; i++) {
		const struct retry_message *m = &r->messages[i];

		if (m->state.step != r->asking)
			continue;
		if (r->asking == RETRY_TRY) {
			r->count.asked++;
		} else if (m->state.asked == 1) {
			r->count.given_up++;
			say_given_up(m);
		}
	}
	r->asking++;
	ask_next(r);
}

/* First all that are tried, then all that are given up. */
static void
ask_next(struct retry *r)
{
	struct slice ids[RETRY_PAGE];
	size_t count = 0;

	for (; r->asking < RETRY_REST; r->asking++) {
		for (size_t i = 0; i < r->message_count; i++)
			if (r->messages[i].state.step == r->asking)
				ids[count++] = r->messages[i].queue_id;
		if (count == 0)
			continue;
		queue_do(r->d->queue,
		    r->asking == RETRY_TRY ? QUEUE_RETRY : QUEUE_EXPIRE, ids,
		    count, on_done, r);
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
	r->asking = RETRY_TRY;
	ask_next(r);
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
	if (retry_state_parse(record, &m->state) < 0)
		return; /* known is false: it is forgotten */
	m->known = true;
	if (m->state.step == RETRY_REST) {
		m->at_ms = retry_now_ms() + RETRY_REST_MS;
		return;
	}
	m->at_ms = retry_state_asked(&m->state, retry_curve_of(r, &m->state),
	    retry_now_ms());
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
		retry_write(r, on_kept);
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
