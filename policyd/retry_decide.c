/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that are due, one by one: try, give up, hold, or look again later.
 */
#include "policyd/held_text.h"
#include "policyd/policyd.h"
#include "policyd/retry.h"
#include "proto/filter.h"
#include "util/err.h"

static retry_decided *decided;

/* By what is known of the message. */
static void
decide(struct retry *r, struct retry_message *m)
{
	struct retry_state *s = &m->state;
	int64_t now_ms = retry_now_ms(), begins;

	m->verb = RETRY_DO_NOTHING;
	m->until_ms = retry_window_until(r, s, now_ms, &m->window);
	if (m->until_ms > now_ms) {
		/* The scheduler lets it go; what then happens is an event. */
		m->verb = RETRY_DO_HOLD;
		m->at_ms = m->until_ms + RETRY_HELD_MS;
		s->held = true;
		s->asked = 0;
		return;
	}
	if (s->held) {
		/* What is released keeps Postfix's own time of its next try.
		 * While it is held still, asking does nothing. */
		m->verb = RETRY_DO_TRY;
		m->at_ms = retry_state_asked(s, NULL, now_ms);
	} else if (s->step == RETRY_REST) {
		m->at_ms = now_ms + RETRY_REST_MS;
	} else if (s->due_ms > now_ms) {
		m->at_ms = s->due_ms;
	} else {
		m->verb =
		    s->step == RETRY_TRY ? RETRY_DO_TRY : RETRY_DO_GIVE_UP;
		m->at_ms = retry_state_asked(s, retry_curve_of(r, s), now_ms);
	}
	begins = retry_window_begins(r, s, now_ms);
	if (begins < m->at_ms)
		m->at_ms = begins;
}

static void read_next(struct retry *r);

/* What was read says which windows, or is for the list of held mail. */
static int
judge_text(struct retry *r, struct retry_message *m, struct slice text)
{
	struct filter_values *values;
	struct held_text t;
	int rc = held_text_parse(text, r->text_arena, &t);

	if (rc < 0)
		return rc;
	values = filter_values_new(r->text_arena, t.fields, t.field_count);
	if (values == NULL)
		return ERR_NOMEM;
	if (retry_window_unknown(r, &m->state)) {
		rc = retry_window_look(r, m, &t, values);
		decide(r, m);
	}
	if (rc == 0 && m->verb == RETRY_DO_HOLD)
		rc = retry_window_record(r, m, &t, values,
		    &r->holds[r->hold_count++]);
	return rc;
}

static void
on_text(int rc, struct slice text, void *ctx)
{
	struct retry *r = ctx;
	struct retry_message *m = &r->messages[r->reading];

	if (r->stopping)
		return;
	if (rc == 0)
		rc = judge_text(r, m, text);
	arena_reset(r->text_arena);
	if (rc < 0 && rc != ERR_NOTFOUND && rc != ERR_SYNTAX &&
	    rc != ERR_LIMIT) {
		decided(r, rc);
		return;
	}
	if (rc < 0) {
		/* Not there any more, or nothing to be made of it. */
		m->state.looked = true;
		m->state.windows.len = 0;
		decide(r, m);
	}
	r->reading++;
	read_next(r);
}

static void
read_next(struct retry *r)
{
	for (; r->reading < r->message_count; r->reading++) {
		struct retry_message *m = &r->messages[r->reading];

		if (!m->known || (m->verb != RETRY_DO_HOLD &&
				     !retry_window_unknown(r, &m->state)))
			continue;
		queue_read(r->d->queue, m->queue_id, on_text, r);
		return;
	}
	decided(r, 0);
}

void
retry_decide(struct retry *r, retry_decided *done)
{
	decided = done;
	r->hold_count = r->reading = 0;
	r->holds =
	    arena_calloc(r->arena, r->message_count + 1, sizeof(*r->holds));
	if (r->holds == NULL) {
		done(r, ERR_NOMEM);
		return;
	}
	for (size_t i = 0; i < r->message_count; i++) {
		struct retry_message *m = &r->messages[i];

		if (m->known && !retry_window_unknown(r, &m->state))
			decide(r, m);
	}
	read_next(r);
}
