/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_PAGE_H
#define BOUNCED_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bounced/consumer.h"
#include "proto/event.h"
#include "proto/settings.h"
#include "store/block_lift.h"
#include "store/outbreak_store.h"
#include "util/slice.h"

/*
 * One page of events being counted, in steps; each may be done again after a
 * crash and then comes to the same:
 *
 *	page_add()   what concerns counting, one event after another
 *	page_look()  page_look.c: whose mailboxes, which errors belong to an
 *	             outbreak, which successes are of addresses with errors
 *	page_count() page_count.c: count, take back, end by success; in the
 *	             order of the events
 *	page_undo()  page_undo.c: what outbreaks that begin had blocked
 *
 * Then the consumer writes page->events and moves its position in one step.
 */
#define PAGE_EVENTS 200
#define PAGE_ARENA (32 << 20)
#define PAGE_STARTED_MAX PAGE_EVENTS
#define PAGE_DEADLINE_MS 2000

struct arena;
struct page;
struct store;

struct page_item {
	struct page *page;
	const struct tenant *tenant;
	const struct blocking_condition *condition; /* NULL: not counted */
	bool success;
	bool guarded; /* the outbreak guard looks at it */
	struct slice address, id, message, queue_id, reason, relay, stream;
	int status;
	enum bounce_class class;
	int64_t at_ms;
	char hash[OUTBREAK_HASH_LEN];
	struct slice provider, shape, text; /* of guarded ones; shape and text
					       of errors only */
	/* what is found out */
	bool frozen;  /* of an outbreak: not counted */
	bool errors;  /* the address had errors that a success ends */
	bool blocked; /* by this error */
	bool would;   /* ... if the condition did more than observe */
	bool lifted;  /* by this success */
};

struct page_outbreak {
	struct page *page;
	const struct tenant *tenant;
	struct outbreak outbreak; /* its own copy */
	const struct outbreak_block *blocks;
	size_t count, next; /* of blocks; which is to be lifted */
	size_t pending, released;
};

typedef void page_done(struct page *page);
struct page {
	struct store *store;
	struct slice host;
	struct consumer *owner;
	struct settings *snapshot;
	struct arena *arena;
	struct page_item items[PAGE_EVENTS];
	size_t count, pending;
	bool counted; /* something has been kept that may not be done twice */
	struct page_outbreak started[PAGE_STARTED_MAX];
	size_t started_count;
	struct event *events; /* to be written */
	size_t event_count, event_room;
	int rc; /* the first trouble: the page is read again */
	page_done *done;
	page_done *after; /* of a step with two halves */
	struct consumer_counters *counters;
};

/* Takes what it needs of the event. */
void page_add(struct page *page, const struct event *e);
void page_look(struct page *page, page_done *done);
void page_count(struct page *page, page_done *done);
void page_undo(struct page *page, page_done *done);
/* Empties it. */
void page_reset(struct page *page);
void page_free(struct page *page);

/* What has been done and written, to the log. */
void page_say(const struct page *page);

/* ---- between the steps ---- */

int64_t page_deadline(void);
/* One of the step's commands is done; the last one ends the step. */
void page_part_done(struct page *page, int rc);
/* A copy; what is absent stays so. */
struct slice page_keep(struct page *page, struct slice s);
/* One more to be written; NULL: no room (then rc says so). */
struct event *page_event(struct page *page);

#endif /* BOUNCED_PAGE_H */
