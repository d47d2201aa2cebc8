/* SPDX-License-Identifier: BSD-2-Clause */
/* A page of events: which of them concern counting. */
#include "bounced/page.h"

#include <stdlib.h>
#include <string.h>

#include "proto/reply_shape.h"
#include "proto/status.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define EVENTS_MAX (OUTBREAK_BLOCKED_MAX + 4 * PAGE_EVENTS)

int64_t
page_deadline(void)
{
	return clock_deadline_ms(PAGE_DEADLINE_MS);
}

void
page_part_done(struct page *page, int rc)
{
	page_done *done = page->done;

	if (rc < 0 && page->rc == 0)
		page->rc = rc;
	if (--page->pending == 0)
		done(page);
}

struct slice
page_keep(struct page *page, struct slice s)
{
	if (s.at == NULL)
		return s;
	s = arena_dup(page->arena, s);
	if (s.at == NULL)
		page->rc = ERR_NOMEM; /* the page will be read again */
	return s;
}

struct event *
page_event(struct page *page)
{
	if (page->event_count == page->event_room) {
		size_t room =
		    page->event_room > 0 ? 2 * page->event_room : PAGE_EVENTS;
		struct event *grown = NULL;

		if (room > EVENTS_MAX)
			room = EVENTS_MAX;
		if (room > page->event_room)
			grown = realloc(page->events, room * sizeof(*grown));
		if (grown == NULL) {
			page->rc = ERR_NOMEM;
			return NULL;
		}
		page->events = grown;
		page->event_room = room;
	}
	return &page->events[page->event_count++];
}

/* ---- what concerns counting ---- */

/* An error that a destination has told of, and nobody before. */
static bool
is_error(const struct event *e)
{
	return (e->type == EVENT_FAILED || e->type == EVENT_BOUNCED) &&
	       !e->repeated && status_known(e->status) &&
	       e->status != STATUS_NONE && e->status != STATUS_SUPPRESSED &&
	       e->status != STATUS_UNSUBSCRIBED &&
	       /* refused by us, or not proven: not the recipient's fault */
	       e->origin.len == 0;
}

/* The tenant's condition, if this event counts by it. */
static const struct blocking_condition *
condition_of(const struct tenant *t, const struct event *e)
{
	const struct blocking_condition *c = NULL;

	if (is_error(e)) {
		c = &t->conditions[e->status];
		if (!c->any_fault && !bounce_class_may_block(e->class))
			return NULL;
	} else if (e->type == EVENT_COMPLAINED && !e->repeated &&
		   e->origin.len == 0) {
		c = &t->complaints.block;
	}
	return c != NULL && c->enabled ? c : NULL;
}

/* Whether a success can end anything at all. */
static bool
any_lifts(const struct tenant *t)
{
	for (size_t i = 0; i < SETTINGS_STATUS_MAX; i++)
		if (t->conditions[i].enabled &&
		    t->conditions[i].lift_on_success)
			return true;
	return false;
}

static void
add_shape(struct page *page, struct page_item *item)
{
	char text[REPLY_SHAPE_MAX], shape[OUTBREAK_SHAPE_LEN];
	size_t len = reply_shape(item->reason, item->address, text);
	int rc;

	item->text = page_keep(page, (struct slice){ text, len });
	rc = outbreak_shape(slice_of(bounce_class_word(item->class)),
	    item->text, shape);
	if (rc < 0)
		page->rc = rc;
	else
		item->shape =
		    page_keep(page, (struct slice){ shape, sizeof(shape) });
}

static void
add_item(struct page *page, const struct event *e, struct page_item *item)
{
	int rc = outbreak_hash(e->recipient, item->hash);

	if (rc < 0)
		page->rc = rc;
	item->page = page;
	item->address = page_keep(page, e->recipient);
	item->id = page_keep(page, e->id);
	item->at_ms = e->created_ms;
	item->relay = page_keep(page, e->relay);
	if (item->success)
		return;
	item->message =
	    page_keep(page, e->message.len > 0 ? e->message : e->queue_id);
	item->queue_id = page_keep(page, e->queue_id);
	item->reason = page_keep(page, e->reason);
	item->stream = page_keep(page, e->stream);
	item->status = e->type == EVENT_COMPLAINED ? STATUS_NONE : e->status;
	item->class = e->class;
	if (item->guarded)
		add_shape(page, item);
}

void
page_add(struct page *page, const struct event *e)
{
	const struct tenant *t = settings_tenant(page->snapshot, e->tenant);
	struct page_item item = { .tenant = t,
		.success = e->type == EVENT_SUCCEEDED };

	/* It was sent by mail: once, if this daemon ends now. */
	if (e->type == EVENT_ALARM)
		page->counted = true;
	if (t == NULL || page->count == PAGE_EVENTS)
		return;
	item.condition = condition_of(t, e);
	item.guarded = t->outbreak.enabled && (item.success || is_error(e));
	if (item.condition == NULL && !item.guarded &&
	    !(item.success && any_lifts(t)))
		return;
	add_item(page, e, &item);
	page->items[page->count++] = item;
	if (item.condition != NULL) {
		page->counters->counted++;
		page->counted = true;
	}
}

void
page_reset(struct page *page)
{
	settings_unref(page->snapshot);
	page->snapshot = NULL;
	arena_reset(page->arena);
	if (page->event_room > 4 * PAGE_EVENTS) {
		free(page->events);
		page->events = NULL;
		page->event_room = 0;
	}
	page->count = page->started_count = page->event_count = 0;
	page->counted = false;
	page->rc = 0;
}

void
page_free(struct page *page)
{
	if (page == NULL)
		return;
	settings_unref(page->snapshot);
	free(page->events);
	arena_free(page->arena);
	free(page);
}

/* ---- the log ---- */

static void
say_item(const struct page_item *item, const char *what, struct slice reason)
{
	struct log_line l;

	log_line(&l, item->queue_id);
	log_line_add(&l, "block", slice_of(what));
	log_line_add(&l, "tenant", item->tenant->name);
	log_line_add(&l, "recipient", item->address);
	if (!item->success)
		log_line_number(&l, "status", item->status);
	log_line_add(&l, "reason", reason);
	log_line_end(&l, LOG_L_INFO);
}

void
page_say(const struct page *page)
{
	for (size_t i = 0; i < page->count; i++) {
		const struct page_item *item = &page->items[i];

		if (item->blocked)
			say_item(item, "blocked", item->reason);
		if (item->would)
			say_item(item, "would", item->reason);
		if (item->lifted)
			say_item(item, "lifted", SLICE("delivered"));
	}
	for (size_t i = 0; i < page->started_count; i++) {
		const struct outbreak *o = &page->started[i].outbreak;
		struct log_line l;

		log_line(&l, (struct slice){ NULL, 0 });
		log_line_add(&l, "outbreak", o->id);
		log_line_add(&l, "tenant", page->started[i].tenant->name);
		log_line_add(&l, "provider", o->provider);
		log_line_number(&l, "recipients", (int64_t)o->recipients);
		log_line_number(&l, "of", (int64_t)o->total);
		log_line_number(&l, "released",
		    (int64_t)page->started[i].released);
		log_line_add(&l, "class", o->class);
		log_line_add(&l, "answer", o->text);
		log_line_end(&l, LOG_L_WARNING);
	}
}
