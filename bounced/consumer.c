/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the host's events from a kept position, and has them counted. */
#include "bounced/consumer.h"

#include <stdlib.h>

#include "bounced/alarms.h"
#include "bounced/outbreaks.h"
#include "bounced/page.h"
#include "net/loop.h"
#include "proto/settings.h"
#include "store/delivery_store.h"
#include "store/event_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define CONSUMER_NAME SLICE("count")
#define POSITION_MAX 300
#define POLL_MS 500      /* events that other daemons append */
#define RETRY_MS 1000    /* after trouble */
#define MOVE_EVENTS 2000 /* the position is kept this often, or ... */
#define MOVE_MS 10000    /* ... this often, when nothing was counted */
#define COMMAND_MS 2000

enum consumer_state {
	WAITING, /* for the timer, then ask for the position */
	IDLE,
	BUSY, /* something is on its way */
};

struct consumer {
	struct store *store;
	struct settings_watch *settings;
	struct slice host;
	struct loop_timer *timer;
	enum consumer_state state;
	bool stopping, again;
	/* kept: as Redis has it; at: how far was read */
	char kept[POSITION_MAX], at[POSITION_MAX];
	size_t kept_len, at_len;
	size_t unkept; /* events read behind kept */
	int64_t next_move_us;
	struct page *page;
	size_t rows;
	struct outbreaks *outbreaks;
	struct alarms *alarms;
	struct log_limit trouble;
	struct consumer_counters counters;
};

static void read_page(struct consumer *c);

static void
wait_then_ask(struct consumer *c, int rc)
{
	unsigned long missed;

	c->counters.failures++;
	if (rc != ERR_CONFLICT && log_limit_ok(&c->trouble, 60, &missed))
		log_warning("counting: %s; goes on from the kept position",
		    err_text(rc));
	c->state = WAITING;
	loop_timer_set(c->timer, RETRY_MS);
}

/* The page is done: the next one, or rest. */
static void
go_on(struct consumer *c)
{
	bool more = c->rows == PAGE_EVENTS || c->again;

	c->again = false;
	c->state = IDLE;
	loop_timer_set(c->timer, more ? 0 : POLL_MS);
}

/* It is written: the log says so, once. */
static void
written(struct consumer *c)
{
	struct page *page = c->page;

	page_say(page);
	for (size_t i = 0; i < page->count; i++)
		if (page->items[i].frozen)
			c->counters.frozen++;
	for (size_t i = 0; i < page->started_count; i++) {
		const struct page_outbreak *o = &page->started[i];

		c->counters.outbreaks++;
		c->counters.released += o->released;
		outbreak_taken(c->store, o->tenant->name, &o->outbreak,
		    o->released);
	}
}

static void
on_moved(int rc, struct slice current, void *ctx)
{
	struct consumer *c = ctx;

	(void)current;
	if (rc == 0)
		written(c);
	page_reset(c->page);
	if (rc < 0) {
		wait_then_ask(c, rc);
		return;
	}
	memcpy(c->kept, c->at, c->at_len);
	c->kept_len = c->at_len;
	c->unkept = 0;
	c->next_move_us = clock_deadline_ms(MOVE_MS);
	go_on(c);
}

/* All is done for the page: write its events, move on. */
static void
page_counted(struct page *page)
{
	struct consumer *c = page->owner;

	if (page->rc < 0) {
		int rc = page->rc;

		page_reset(page);
		wait_then_ask(c, rc);
		return;
	}
	c->unkept += c->rows;
	bool move = page->counted || page->event_count > 0 ||
		    c->unkept >= MOVE_EVENTS ||
		    (c->unkept > 0 && clock_mono_us() >= c->next_move_us);
	if (!move) {
		page_reset(page);
		go_on(c);
		return;
	}
	position_move(c->store, c->host, CONSUMER_NAME,
	    (struct slice){ c->kept, c->kept_len },
	    (struct slice){ c->at, c->at_len }, page->events, page->event_count,
	    clock_deadline_ms(COMMAND_MS), on_moved, c);
}

static void
step_undo(struct page *page)
{
	if (page->rc < 0)
		page_counted(page);
	else
		page_undo(page, page_counted);
}

static void
step_count(struct page *page)
{
	if (page->rc < 0)
		page_counted(page);
	else
		page_count(page, step_undo);
}

static void
tell_alarm(struct consumer *c, const struct event *e)
{
	struct settings *s = settings_current(c->settings);
	const struct tenant *t = settings_tenant(s, e->tenant);

	if (t != NULL)
		alarms_tell(c->alarms, t, e);
	settings_unref(s);
}

static void
on_event(const struct event *e, void *ctx)
{
	struct consumer *c = ctx;

	c->rows++;
	c->counters.events++;
	if (e->type == EVENT_ALARM)
		tell_alarm(c, e);
	page_add(c->page, e);
}

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct consumer *c = ctx;

	if (rc == 0 && next.len > POSITION_MAX)
		rc = ERR_LIMIT;
	if (rc < 0) {
		page_reset(c->page);
		wait_then_ask(c, rc);
		return;
	}
	if (next.len > 0) {
		memcpy(c->at, next.at, next.len);
		c->at_len = next.len;
	}
	if (c->page->rc < 0 || c->page->count == 0)
		page_counted(c->page);
	else
		page_look(c->page, step_count);
}

static void
read_page(struct consumer *c)
{
	/* Nothing is counted by defaults. */
	if (!settings_watch_known(c->settings)) {
		wait_then_ask(c, ERR_UNAVAIL);
		return;
	}
	c->state = BUSY;
	c->rows = 0;
	c->page->snapshot = settings_current(c->settings);
	event_read(c->store, c->host, (struct slice){ c->at, c->at_len },
	    PAGE_EVENTS, clock_deadline_ms(COMMAND_MS), on_event, on_page, c);
}

static void
on_position(int rc, struct slice current, void *ctx)
{
	struct consumer *c = ctx;

	if (rc == ERR_NOTFOUND) {
		rc = 0;
		current.len = 0;
	}
	if (rc < 0 || current.len > POSITION_MAX) {
		wait_then_ask(c, rc < 0 ? rc : ERR_LIMIT);
		return;
	}
	if (current.len > 0) {
		memcpy(c->kept, current.at, current.len);
		memcpy(c->at, current.at, current.len);
	}
	c->kept_len = c->at_len = current.len;
	c->unkept = 0;
	read_page(c);
}

static void
on_timer(void *ctx)
{
	struct consumer *c = ctx;

	if (c->stopping)
		return;
	switch (c->state) {
	case WAITING:
		c->state = BUSY;
		position_get(c->store, c->host, CONSUMER_NAME,
		    clock_deadline_ms(COMMAND_MS), on_position, c);
		return;
	case IDLE:
		read_page(c);
		return;
	case BUSY:
		return;
	}
}

int
consumer_start(struct event_base *base, struct store *s,
    struct settings_watch *settings, struct slice host, struct alarms *alarms,
    struct consumer **ret_consumer)
{
	struct consumer *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_NOMEM;
	c->store = s;
	c->settings = settings;
	c->host = host;
	c->alarms = alarms;
	c->timer = loop_timer_new(base, on_timer, c);
	c->page = calloc(1, sizeof(*c->page));
	if (c->page != NULL) {
		c->page->arena = arena_new(PAGE_ARENA);
		c->page->store = s;
		c->page->host = host;
		c->page->owner = c;
		c->page->counters = &c->counters;
	}
	c->outbreaks =
	    outbreaks_start(base, s, settings, host, &c->counters.going);
	if (c->timer == NULL || c->page == NULL || c->page->arena == NULL ||
	    c->outbreaks == NULL) {
		consumer_stop(c);
		return ERR_NOMEM;
	}
	c->state = WAITING;
	loop_timer_set(c->timer, 0);
	*ret_consumer = c;
	return 0;
}

void
consumer_kick(struct consumer *c)
{
	if (c->state == IDLE && !c->stopping)
		read_page(c);
	else if (c->state == BUSY)
		c->again = true;
}

bool
consumer_drain(struct consumer *c)
{
	c->stopping = true;
	return outbreaks_drain(c->outbreaks) && c->state != BUSY;
}

void
consumer_stop(struct consumer *c)
{
	if (c == NULL)
		return;
	loop_timer_free(c->timer);
	outbreaks_stop(c->outbreaks);
	page_free(c->page);
	free(c);
}

const struct consumer_counters *
consumer_counters(const struct consumer *c)
{
	return &c->counters;
}
