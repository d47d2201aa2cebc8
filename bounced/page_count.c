/* SPDX-License-Identifier: BSD-2-Clause */
/* A page of events is counted: in their order, in one pipeline. */
#include <stdio.h>

#include "bounced/page.h"
#include "store/block_store.h"
#include "util/err.h"

#define STATUSES_MAX (4 * SETTINGS_STATUS_MAX + 2)

static void
counted(int rc, enum block_result result, void *ctx)
{
	struct page_item *item = ctx;

	if (rc == 0)
		item->blocked = result == BLOCK_RESULT_REGISTERED;
	if (rc == 0 && result == BLOCK_RESULT_WOULD) {
		item->would = true;
		item->page->counters->would++;
	}
	page_part_done(item->page, rc);
}

static void
count_error(struct page_item *item)
{
	const struct blocking_condition *c = item->condition;
	const struct block_error error = {
		.tenant = item->tenant->name,
		.address = item->address,
		.event_id = item->id,
		.message = item->message,
		.queue_id = item->queue_id,
		.reason = item->reason,
		.origin = item->condition == &item->tenant->complaints.block
			      ? SLICE("complaint")
			      : SLICE("bounce"),
		.stream =
		    c->stream_only ? item->stream : (struct slice){ NULL, 0 },
		.status = item->status,
		.at_s = item->at_ms / 1000,
		.enabled = c->enabled,
		.observe = c->observe,
		.threshold = c->count,
		.once_per_day = c->once_per_day,
		.forget_s = (int64_t)c->forget_days * 86400,
		.watch_s = (int64_t)c->watch_days * 86400,
	};

	block_count(item->page->store, &error, page_deadline(), counted, item);
}

/* It was of an outbreak, and somebody had counted it before that was known. */
static void
taken_back(int rc, bool lifted, void *ctx)
{
	struct page_item *item = ctx;

	(void)lifted; /* that it blocked was not told */
	page_part_done(item->page, rc);
}

static void
succeeded(int rc, enum success_result result, void *ctx)
{
	struct page_item *item = ctx;

	if (rc == 0)
		item->lifted = result == SUCCESS_LIFTED;
	if (rc == 0 && result != SUCCESS_NOTHING)
		lift_forget(item->page->store, item->tenant->name,
		    (struct slice){ item->hash, sizeof(item->hash) });
	page_part_done(item->page, rc);
}

/* Statuses with a comma before and behind each. */
static struct slice
lifting(const struct tenant *t, char room[STATUSES_MAX])
{
	size_t len = 0;

	room[len++] = ',';
	for (int i = 1; i < SETTINGS_STATUS_MAX; i++)
		if (t->conditions[i].lift_on_success)
			len += (size_t)snprintf(room + len, STATUSES_MAX - len,
			    "%d,", i);
	return (struct slice){ room, len };
}

static void
end_errors(struct page_item *item)
{
	char statuses[STATUSES_MAX];
	const struct block_success success = {
		.tenant = item->tenant->name,
		.address = item->address,
		.event_id = item->id,
		.at_s = item->at_ms / 1000,
		.statuses = lifting(item->tenant, statuses),
	};

	block_success(item->page->store, &success, page_deadline(), succeeded,
	    item);
}

void
page_count(struct page *page, page_done *done)
{
	page->done = done;
	page->pending = 1;
	for (size_t i = 0; i < page->count && page->rc == 0; i++) {
		struct page_item *item = &page->items[i];

		if (item->success ? !item->errors : item->condition == NULL)
			continue;
		page->pending++;
		if (item->success)
			end_errors(item);
		else if (item->frozen)
			block_lift(page->store, item->tenant->name,
			    item->address, item->id, page_deadline(),
			    taken_back, item);
		else
			count_error(item);
	}
	page_part_done(page, 0);
}
