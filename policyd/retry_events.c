/* SPDX-License-Identifier: BSD-2-Clause */
/* Deferrals and final results of this host's mail, as they become events. */
#include <string.h>

#include "policyd/policyd.h"
#include "policyd/retry.h"
#include "proto/event.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/err.h"
#include "util/map.h"

#define FORGET_MS 5000
#define QUEUED_AGO_MAX_MS (60 * 86400 * INT64_C(1000))

/* ---- what the page holds ---- */

static struct slice
keep(struct retry *r, struct slice s)
{
	s = arena_dup(r->arena, s);
	if (s.at == NULL)
		r->rc = ERR_NOMEM;
	return s;
}

static void
on_event(const struct event *e, void *ctx)
{
	struct retry *r = ctx;
	struct retry_event *to = &r->events[r->event_count];

	r->rows++;
	if (r->stopping || r->rc < 0 || r->event_count == RETRY_PAGE ||
	    e->queue_id.len == 0 || e->origin.len > 0 ||
	    (e->type != EVENT_DEFERRED && e->type != EVENT_SUCCEEDED &&
		e->type != EVENT_FAILED))
		return;
	*to = (struct retry_event){
		.deferred = e->type == EVENT_DEFERRED,
		.recipient = keep(r, e->recipient),
		.tenant = keep(r, e->tenant),
		.at_ms = e->created_ms,
	};
	/* Each message once: sorted out when all are there. */
	r->messages[r->event_count].queue_id = keep(r, e->queue_id);
	r->event_count++;
}

/* Events of one message lead to one entry. */
static int
sort_messages(struct retry *r)
{
	struct map *seen = map_new(RETRY_PAGE);
	size_t count = 0;
	int rc = seen != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; i < r->event_count && rc == 0; i++) {
		struct slice id = r->messages[i].queue_id;
		struct retry_message *m = map_get(seen, id);

		if (m == NULL) {
			m = &r->messages[count++];
			*m = (struct retry_message){ .queue_id = id };
			rc = map_set(seen, id, m, NULL);
		}
		r->events[i].message = (size_t)(m - r->messages);
	}
	map_free(seen, NULL);
	r->message_count = count;
	return rc;
}

/* ---- what it means ---- */

/* By the queue id, or when this is the first that is heard of it. */
static int64_t
queued_at(struct slice queue_id, int64_t at_ms)
{
	int64_t ms = retry_queue_id_ms(queue_id);

	return ms > 0 && ms <= at_ms && at_ms - ms < QUEUED_AGO_MAX_MS ? ms
								       : at_ms;
}

static void
deferred(struct retry *r, const struct retry_event *e, struct retry_message *m)
{
	const struct tenant *t = settings_tenant(r->snapshot, e->tenant);
	struct retry_attempt a = { .recipient = retry_mark(e->recipient),
		.at_ms = e->at_ms };

	if (t == NULL)
		return;
	a.curve = retry_curve_for(r, t, e->recipient, &a.owner);
	a.keeps_trying = a.curve != NULL && !a.curve->given;
	if (a.curve == NULL && !m->known && !retry_windows_of(t))
		return;
	if (!m->known)
		m->state = (struct retry_state){ .tenant = e->tenant,
			.queued_ms = queued_at(m->queue_id, e->at_ms) };
	retry_state_deferred(&m->state, &a);
	m->known = m->changed = true;
	m->at_ms = m->state.step != RETRY_REST ? m->state.due_ms
					       : retry_now_ms() + RETRY_REST_MS;
	/* At once: is it under a window, and when does that begin? */
	if (retry_window_unknown(r, &m->state) || m->state.windows.len > 0)
		m->at_ms = retry_now_ms();
}

static void
final(struct retry_message *m, const struct retry_event *e)
{
	if (retry_state_final(&m->state, retry_mark(e->recipient)))
		m->changed = true;
	/* Given up: soon it is out of the queue, and can be forgotten. */
	if (m->state.step == RETRY_GIVE_UP && m->state.asked > 0) {
		m->at_ms = retry_now_ms() + FORGET_MS;
		m->changed = true;
	}
}

static void
judge(struct retry *r)
{
	for (size_t i = 0; i < r->event_count; i++) {
		const struct retry_event *e = &r->events[i];
		struct retry_message *m = &r->messages[e->message];

		if (e->deferred)
			deferred(r, e, m);
		else if (m->known)
			final(m, e);
	}
}

/* ---- one page ---- */

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
	retry_moved(r);
	if (r->rows == RETRY_PAGE)
		retry_rest(r, true);
	else
		retry_look(r);
}

static void
on_loaded(int rc, const struct slice *records, size_t count, void *ctx)
{
	struct retry *r = ctx;

	if (r->stopping)
		return;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct retry_message *m = &r->messages[i];
		struct slice record = { NULL, 0 };

		if (records[i].at == NULL)
			continue;
		record = arena_dup(r->arena, records[i]);
		if (record.at == NULL)
			rc = ERR_NOMEM;
		/* One that is not understood begins anew. */
		else
			m->known = retry_state_parse(record, &m->state) == 0;
	}
	if (rc < 0) {
		retry_failed(r, rc);
		return;
	}
	judge(r);
	retry_write(r, on_kept);
}

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct retry *r = ctx;
	struct slice ids[RETRY_PAGE];

	if (r->stopping)
		return;
	if (rc == 0)
		rc = r->rc;
	if (rc == 0 && next.len > sizeof(r->next))
		rc = ERR_LIMIT;
	if (rc == 0)
		rc = sort_messages(r);
	if (rc < 0) {
		retry_failed(r, rc);
		return;
	}
	if (r->rows == 0) {
		retry_look(r);
		return;
	}
	memcpy(r->next, next.at, next.len);
	r->next_len = next.len;
	if (r->message_count == 0) {
		retry_write(r, on_kept);
		return;
	}
	for (size_t i = 0; i < r->message_count; i++)
		ids[i] = r->messages[i].queue_id;
	retry_load(r->d->store, r->d->host, ids, r->message_count,
	    store_long_deadline(r->d->store), on_loaded, r);
}

void
retry_read(struct retry *r)
{
	r->messages = arena_calloc(r->arena, RETRY_PAGE, sizeof(*r->messages));
	r->events = arena_calloc(r->arena, RETRY_PAGE, sizeof(*r->events));
	r->message_count = r->event_count = r->rows = r->next_len = 0;
	r->rc = 0;
	if (r->messages == NULL || r->events == NULL) {
		retry_failed(r, ERR_NOMEM);
		return;
	}
	event_read(r->d->store, r->d->host,
	    (struct slice){ r->position, r->position_len }, RETRY_PAGE,
	    store_long_deadline(r->d->store), on_event, on_page, r);
}
