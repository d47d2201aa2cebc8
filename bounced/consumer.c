/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts errors towards blocks. */
#include "bounced/consumer.h"

#include <stdlib.h>

#include "net/loop.h"
#include "proto/settings.h"
#include "proto/status.h"
#include "store/block_store.h"
#include "store/delivery_store.h"
#include "store/event_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define CONSUMER_NAME SLICE("count")
#define PAGE 200            /* events at once */
#define PAGE_TEXT (2 << 20) /* octets of those that count */
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

/* One error being counted. */
struct counting {
	struct consumer *consumer;
	struct block_error error;
	struct slice relay;
	bool blocked;
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
	/* the page */
	struct arena *arena;
	struct settings *snapshot;
	struct counting items[PAGE];
	size_t count, pending, rows;
	struct event blocks[PAGE];
	size_t block_count;
	int rc;
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

static void
end_page(struct consumer *c)
{
	settings_unref(c->snapshot);
	c->snapshot = NULL;
	arena_reset(c->arena);
	c->count = c->block_count = 0;
}

/* The page is done: the next one, or rest. */
static void
go_on(struct consumer *c)
{
	bool more = c->rows == PAGE || c->again;

	c->again = false;
	c->state = IDLE;
	loop_timer_set(c->timer, more ? 0 : POLL_MS);
}

static void
on_moved(int rc, struct slice current, void *ctx)
{
	struct consumer *c = ctx;

	(void)current;
	end_page(c);
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

static void
say_blocked(const struct counting *item, const char *what)
{
	struct log_line l;

	log_line(&l, item->error.queue_id);
	log_line_add(&l, "block", slice_of(what));
	log_line_add(&l, "tenant", item->error.tenant);
	log_line_add(&l, "recipient", item->error.address);
	log_line_number(&l, "status", item->error.status);
	log_line_add(&l, "reason", item->error.reason);
	log_line_end(&l, LOG_L_INFO);
}

/* Every error of the page is counted: write the blocks, move on. */
static void
page_counted(struct consumer *c)
{
	if (c->rc < 0) {
		end_page(c);
		wait_then_ask(c, c->rc);
		return;
	}
	for (size_t i = 0; i < c->count; i++) {
		const struct counting *item = &c->items[i];

		if (!item->blocked)
			continue;
		c->blocks[c->block_count++] = (struct event){
			.created_ms = clock_wall_us() / 1000,
			.type = EVENT_BLOCKED,
			.tenant = item->error.tenant,
			.recipient = item->error.address,
			.queue_id = item->error.queue_id,
			.message = item->error.message,
			.status = item->error.status,
			.reason = item->error.reason,
			.relay = item->relay,
			.origin = SLICE("bounce"),
		};
	}
	c->unkept += c->rows;
	bool move = c->count > 0 || c->unkept >= MOVE_EVENTS ||
		    (c->unkept > 0 && clock_mono_us() >= c->next_move_us);
	if (!move) {
		end_page(c);
		go_on(c);
		return;
	}
	position_move(c->store, c->host, CONSUMER_NAME,
	    (struct slice){ c->kept, c->kept_len },
	    (struct slice){ c->at, c->at_len }, c->blocks, c->block_count,
	    clock_deadline_ms(COMMAND_MS), on_moved, c);
}

static void
on_counted(int rc, enum block_result result, void *ctx)
{
	struct counting *item = ctx;
	struct consumer *c = item->consumer;

	c->pending--;
	if (rc < 0) {
		c->rc = rc;
	} else if (result == BLOCK_RESULT_REGISTERED) {
		item->blocked = true;
		c->counters.blocked++;
		say_blocked(item, "blocked");
	} else if (result == BLOCK_RESULT_WOULD) {
		c->counters.would++;
		say_blocked(item, "would");
	}
	if (c->pending == 0)
		page_counted(c);
}

/* The tenant's condition, if this event is an error that it counts. */
static const struct blocking_condition *
condition_of(const struct consumer *c, const struct event *e)
{
	const struct tenant *t;

	if ((e->type != EVENT_FAILED && e->type != EVENT_BOUNCED) ||
	    e->repeated || !status_known(e->status) ||
	    e->status == STATUS_NONE || e->status == STATUS_SUPPRESSED ||
	    e->status == STATUS_UNSUBSCRIBED ||
	    e->origin.len > 0) /* refused by us: not the recipient's fault */
		return NULL;
	t = settings_tenant(c->snapshot, e->tenant);
	if (t == NULL || !t->conditions[e->status].enabled)
		return NULL;
	return &t->conditions[e->status];
}

/* A copy; what is absent stays so. */
static struct slice
keep(struct consumer *c, struct slice s)
{
	if (s.at == NULL)
		return s;
	s = arena_dup(c->arena, s);
	if (s.at == NULL)
		c->rc = ERR_NOMEM; /* the page will be read again */
	return s;
}

static void
on_event(const struct event *e, void *ctx)
{
	struct consumer *c = ctx;
	const struct blocking_condition *b;

	c->rows++;
	c->counters.events++;
	if (c->count == PAGE || (b = condition_of(c, e)) == NULL)
		return;
	struct counting *item = &c->items[c->count];
	*item = (struct counting){
		.consumer = c,
		.relay = keep(c, e->relay),
		.error = {
		    .tenant = keep(c, e->tenant),
		    .address = keep(c, e->recipient),
		    .event_id = keep(c, e->id),
		    .message = keep(c,
		        e->message.len > 0 ? e->message : e->queue_id),
		    .queue_id = keep(c, e->queue_id),
		    .reason = keep(c, e->reason),
		    .status = e->status,
		    .at_s = e->created_ms / 1000,
		    .enabled = b->enabled,
		    .observe = b->observe,
		    .threshold = b->count,
		    .once_per_day = b->once_per_day,
		    .forget_s = (int64_t)b->forget_days * 86400,
		    .watch_s = (int64_t)b->watch_days * 86400,
		},
	};
	c->count++;
}

static void
on_page(int rc, struct slice next, void *ctx)
{
	struct consumer *c = ctx;

	if (rc == 0 && c->rc < 0)
		rc = c->rc;
	if (rc == 0 && next.len > POSITION_MAX)
		rc = ERR_LIMIT;
	if (rc < 0) {
		end_page(c);
		wait_then_ask(c, rc);
		return;
	}
	if (next.len > 0) {
		memcpy(c->at, next.at, next.len);
		c->at_len = next.len;
	}
	c->counters.counted += c->count;
	if (c->count == 0) {
		page_counted(c);
		return;
	}
	c->pending = c->count;
	for (size_t i = 0; i < c->count; i++)
		block_count(c->store, &c->items[i].error,
		    clock_deadline_ms(COMMAND_MS), on_counted, &c->items[i]);
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
	c->rc = 0;
	c->rows = c->count = c->block_count = 0;
	c->snapshot = settings_current(c->settings);
	event_read(c->store, c->host, (struct slice){ c->at, c->at_len }, PAGE,
	    clock_deadline_ms(COMMAND_MS), on_event, on_page, c);
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
    struct settings_watch *settings, struct slice host,
    struct consumer **ret_consumer)
{
	struct consumer *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_NOMEM;
	c->store = s;
	c->settings = settings;
	c->host = host;
	c->arena = arena_new(PAGE_TEXT);
	c->timer = loop_timer_new(base, on_timer, c);
	if (c->arena == NULL || c->timer == NULL) {
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
	return c->state != BUSY;
}

void
consumer_stop(struct consumer *c)
{
	if (c == NULL)
		return;
	loop_timer_free(c->timer);
	settings_unref(c->snapshot);
	arena_free(c->arena);
	free(c);
}

const struct consumer_counters *
consumer_counters(const struct consumer *c)
{
	return &c->counters;
}
