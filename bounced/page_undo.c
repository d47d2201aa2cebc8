/* SPDX-License-Identifier: BSD-2-Clause */
/* What an outbreak has blocked before it was noticed is released. */
#include <inttypes.h>
#include <stdio.h>

#include "bounced/page.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"

#define LIFTS_AT_ONCE 200

/* ---- blocks of this page: remembered with their answer ---- */

struct notes {
	struct page *page;
	const struct tenant *tenant;
	struct page_item *items[PAGE_EVENTS];
	struct outbreak_block blocks[PAGE_EVENTS];
	size_t count;
};

static void
noted(int rc, const bool *frozen, size_t count, void *ctx)
{
	struct notes *n = ctx;

	for (size_t i = 0; i < n->count && i < count && rc == 0; i++)
		n->items[i]->frozen = frozen[i];
	page_part_done(n->page, rc);
}

static struct notes *
next_notes(struct page *page, bool taken[PAGE_EVENTS])
{
	struct notes *n = NULL;

	for (size_t i = 0; i < page->count; i++) {
		struct page_item *item = &page->items[i];

		if (taken[i] || !item->blocked || !item->guarded ||
		    (n != NULL && item->tenant != n->tenant))
			continue;
		if (n == NULL &&
		    (n = arena_calloc(page->arena, 1, sizeof(*n))) == NULL) {
			page->rc = ERR_NOMEM;
			return NULL;
		}
		n->page = page;
		n->tenant = item->tenant;
		n->items[n->count] = item;
		n->blocks[n->count++] = (struct outbreak_block){
			.provider = item->provider,
			.shape = item->shape,
			.address = item->address,
			.event_id = item->id,
			.at_ms = item->at_ms,
		};
		taken[i] = true;
	}
	return n;
}

static void
note_blocks(struct page *page)
{
	bool taken[PAGE_EVENTS] = { false };
	struct notes *n;

	while (page->rc == 0 && (n = next_notes(page, taken)) != NULL) {
		page->pending++;
		outbreak_note(page->store, n->tenant->name,
		    &n->tenant->outbreak, n->blocks, n->count, page_deadline(),
		    noted, n);
	}
}

/* ---- outbreaks that begin ---- */

static void lift_some(struct page_outbreak *o);

static void
lifted(int rc, bool yes, void *ctx)
{
	struct page_item *item = ctx;

	if (rc == 0 && yes)
		item->blocked = false;
	page_part_done(item->page, rc);
}

struct release {
	struct page_outbreak *of;
	struct slice address;
};

static void
released(int rc, bool yes, void *ctx)
{
	const struct release *r = ctx;
	struct page_outbreak *o = r->of;
	struct page *page = o->page;
	struct event *e;

	if (rc < 0 && page->rc == 0)
		page->rc = rc;
	if (rc == 0 && yes && (e = page_event(page)) != NULL) {
		o->released++;
		*e = (struct event){
			.created_ms = clock_wall_us() / 1000,
			.type = EVENT_UNBLOCKED,
			.tenant = o->tenant->name,
			.recipient = r->address,
			.reason = o->outbreak.text,
			.origin = SLICE("outbreak"),
		};
	}
	if (--o->pending == 0)
		lift_some(o);
}

/* A batch; behind the last one this outbreak is done. */
static void
lift_some(struct page_outbreak *o)
{
	struct page *page = o->page;
	size_t end = o->next + LIFTS_AT_ONCE;
	struct release *r;

	if (end > o->count)
		end = o->count;
	if (page->rc < 0 || o->next == o->count) {
		page_part_done(page, 0);
		return;
	}
	o->pending = 1;
	for (; o->next < end && page->rc == 0; o->next++) {
		r = arena_calloc(page->arena, 1, sizeof(*r));
		if (r == NULL) {
			page->rc = ERR_NOMEM;
			break;
		}
		r->of = o;
		r->address = o->blocks[o->next].address;
		o->pending++;
		block_lift(page->store, o->tenant->name, r->address,
		    o->blocks[o->next].event_id, page_deadline(), released, r);
	}
	if (--o->pending == 0)
		lift_some(o);
}

static void
got_blocks(int rc, const struct outbreak_block *blocks, size_t count, void *ctx)
{
	struct page_outbreak *o = ctx;
	struct page *page = o->page;
	struct outbreak_block *copy =
	    arena_calloc(page->arena, count + 1, sizeof(*copy));

	if (rc < 0 || copy == NULL) {
		page_part_done(page, rc < 0 ? rc : ERR_NOMEM);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		copy[i].address = page_keep(page, blocks[i].address);
		copy[i].event_id = page_keep(page, blocks[i].event_id);
	}
	o->blocks = copy;
	o->count = count;
	lift_some(o);
}

/* ---- the step ---- */

static void
add_blocked(struct page *page, const struct page_item *item)
{
	struct event *e = page_event(page);

	if (e == NULL)
		return;
	*e = (struct event){
		.created_ms = clock_wall_us() / 1000,
		.type = item->success ? EVENT_UNBLOCKED : EVENT_BLOCKED,
		.tenant = item->tenant->name,
		.recipient = item->address,
		.queue_id = item->queue_id,
		.message = item->message,
		.status = item->status,
		.count = item->success ? 0 : item->condition->count,
		.class = item->class,
		.reason = item->reason,
		.stream = !item->success && item->condition->stream_only
			      ? item->stream
			      : (struct slice){ NULL, 0 },
		.relay = item->relay,
		.origin = item->success ? SLICE("success")
			  : item->condition == &item->tenant->complaints.block
			      ? SLICE("complaint")
			      : SLICE("bounce"),
	};
	if (item->success)
		page->counters->lifted++;
	else
		page->counters->blocked++;
}

static void
add_alarm(struct page *page, const struct page_outbreak *o)
{
	struct event *e = page_event(page);
	char text[400];
	int len = snprintf(text, sizeof(text),
	    "outbreak %.*s: %" PRIu64 " of %" PRIu64
	    " recipients got the same answer, which no longer counts; "
	    "%zu blocks released: %.*s",
	    SLICE_F(o->outbreak.id), o->outbreak.recipients, o->outbreak.total,
	    o->released, SLICE_F(o->outbreak.text));

	if (e == NULL || len < 0)
		return;
	*e = (struct event){
		.created_ms = clock_wall_us() / 1000,
		.type = EVENT_ALARM,
		.tenant = o->tenant->name,
		.recipient = o->outbreak.provider,
		.class = bounce_class_parse(o->outbreak.class),
		.reason = page_keep(page, slice_of(text)),
		.origin = SLICE("outbreak"),
	};
}

static void
undone(struct page *page)
{
	page->done = page->after;
	page->pending = 1;
	for (size_t i = 0; i < page->count && page->rc == 0; i++)
		if (page->items[i].blocked || page->items[i].lifted)
			add_blocked(page, &page->items[i]);
	for (size_t i = 0; i < page->started_count && page->rc == 0; i++)
		add_alarm(page, &page->started[i]);
	page_part_done(page, 0);
}

/* Blocked on this host while another one noticed: nobody was told yet. */
static void
lift_noted(struct page *page)
{
	page->done = undone;
	page->pending = 1;
	for (size_t i = 0; i < page->count && page->rc == 0; i++) {
		struct page_item *item = &page->items[i];

		if (!item->blocked || !item->frozen)
			continue;
		page->pending++;
		block_lift(page->store, item->tenant->name, item->address,
		    item->id, page_deadline(), lifted, item);
	}
	page_part_done(page, 0);
}

void
page_undo(struct page *page, page_done *done)
{
	page->after = done;
	page->done = lift_noted;
	page->pending = 1;
	note_blocks(page);
	for (size_t i = 0; i < page->started_count && page->rc == 0; i++) {
		struct page_outbreak *o = &page->started[i];

		page->pending++;
		outbreak_blocked(page->store, o->tenant->name, &o->outbreak,
		    page_deadline(), got_blocks, o);
	}
	page_part_done(page, 0);
}
