/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads one host's streams of events into the queues of the endpoints. */
#include "apid/webhooks.h"

#include <stdlib.h>

#include "apid/webhook_body.h"
#include "net/loop.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/map.h"

#define CHUNK 500 /* events read at once */
#define CHUNK_OCTETS (16 * 1024 * 1024)
#define POLL_MS 100 /* between two looks at a stream that is at its end */
#define TROUBLE_MS 1000
#define FULL_MS 2000
#define KEEP_US 10000000 /* positions without events are written so often */

struct chunk_event {
	struct slice id, tenant, packed;
	struct slice filter; /* of inbound mail */
	enum event_type type;
	bool repeated;
};

/*
 * One chunk at a time: read from the position of some endpoint, hand it to all
 * whose own position lies within it, wait for their queues, go on.  Endpoints
 * that were full, and fell behind, are served in turn with those at the end.
 */
struct reader {
	struct webhooks *hub;
	struct reader *next;
	char *host;
	struct loop_timer *timer;
	bool busy, from_behind;
	unsigned appending;
	char from[WEBHOOK_POSITION_MAX], to[WEBHOOK_POSITION_MAX];
	struct arena *arena;
	struct chunk_event events[CHUNK];
	size_t count;
	unsigned rows;
	int rc;
	bool several; /* endpoints at different positions */
};

struct append {
	struct reader *reader;
	struct endpoint *endpoint;
	struct cursor *cursor;
	size_t count;
};

static void reader_run(void *ctx);

struct reader *
reader_new(struct webhooks *hub, struct slice host)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->hub = hub;
	r->host = strndup(host.at, host.len);
	r->arena = arena_new(CHUNK_OCTETS);
	r->timer = loop_timer_new(hub->base, reader_run, r);
	if (r->host == NULL || r->arena == NULL || r->timer == NULL) {
		reader_free(r);
		return NULL;
	}
	return r;
}

void
reader_free(struct reader *r)
{
	loop_timer_free(r->timer);
	arena_free(r->arena);
	free(r->host);
	free(r);
}

struct slice
reader_host(const struct reader *r)
{
	return slice_of(r->host);
}

struct reader *
reader_next(const struct reader *r)
{
	return r->next;
}

void
reader_link(struct reader *r, struct reader *next)
{
	r->next = next;
}

void
reader_kick(struct reader *r)
{
	if (!r->busy && !r->hub->stopping)
		loop_timer_set(r->timer, 0);
}

static struct cursor *
cursor_of(const struct endpoint *e, const struct reader *r, int64_t now_us)
{
	struct cursor *c = e->cursors;

	if (!e->open || e->disabled || now_us < e->full_until_us)
		return NULL;
	while (c != NULL && c->reader != r)
		c = c->next;
	return c;
}

static int
compare(const char *a, const char *b)
{
	return webhook_id_compare(slice_of(a), slice_of(b));
}

/* ---- a chunk, event by event ---- */

static void
read_row(const struct event *e, void *ctx)
{
	struct reader *r = ctx;
	struct chunk_event *c = &r->events[r->count];
	struct buf packed;

	r->rows++;
	if (r->rc < 0 || r->count == CHUNK ||
	    map_get(r->hub->tenants, e->tenant) == NULL)
		return;
	buf_init(&packed, 64 * 1024);
	*c = (struct chunk_event){ .type = e->type, .repeated = e->repeated };
	c->id = arena_dup(r->arena, e->id);
	c->tenant = arena_dup(r->arena, e->tenant);
	if (e->type == EVENT_INBOUND)
		c->filter = arena_dup(r->arena, e->origin);
	if (webhook_event_pack(e, &packed) == 0)
		c->packed = arena_dup(r->arena, buf_slice(&packed));
	buf_done(&packed);
	if (c->id.at == NULL || c->tenant.at == NULL || c->packed.at == NULL)
		r->rc = ERR_NOMEM;
	else
		r->count++;
}

static void
chunk_done(struct reader *r)
{
	bool more = r->rows >= CHUNK || (r->several && r->rows > 0);

	r->busy = false;
	if (r->hub->stopping)
		return;
	loop_timer_set(r->timer, r->rc < 0 ? TROUBLE_MS : more ? 0 : POLL_MS);
}

static void
appended(int rc, struct slice current, void *ctx)
{
	struct append a = *(struct append *)ctx;
	struct cursor *c = a.cursor;
	struct endpoint *e = a.endpoint;

	free(ctx);
	if ((rc == 0 || rc == ERR_CONFLICT) &&
	    current.len < WEBHOOK_POSITION_MAX && !e->gone) {
		/* In conflict another apid has been faster: go on from there.
		 */
		memcpy(c->kept, current.at, current.len);
		c->kept[current.len] = '\0';
		memcpy(c->read, c->kept, sizeof(c->read));
		c->kept_us = clock_mono_us();
		if (a.count > 0)
			sender_kick(e, a.count >= e->hook->batch_events
					   ? 0
					   : e->hook->batch_ms);
	} else if (rc == ERR_LIMIT) {
		e->full_until_us = clock_mono_us() + FULL_MS * 1000;
	} else if (rc < 0) {
		a.reader->rc = rc;
	}
	endpoint_unref(e);
	if (--a.reader->appending == 0)
		chunk_done(a.reader);
}

static void
append(struct reader *r, struct endpoint *e, struct cursor *c,
    const struct webhook_entry *entries, size_t count)
{
	struct append *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		r->rc = ERR_NOMEM;
		return;
	}
	*a = (struct append){ r, e, c, count };
	e->refs++;
	r->appending++;
	webhook_append(r->hub->store, endpoint_key(e), slice_of(r->host),
	    slice_of(c->kept), slice_of(r->to), entries, count,
	    WEBHOOK_WAITING_MAX, clock_wall_us() / 1000,
	    store_long_deadline(r->hub->store), appended, a);
}

/* A filter that is gone from the settings is for all. */
static bool
is_for(const struct endpoint *e, struct slice filter)
{
	const struct inbound_settings *in = &e->tenant->inbound;

	for (size_t i = 0; i < in->filter_count; i++)
		if (slice_eq(in->filters[i].name, filter))
			return inbound_filter_for(&in->filters[i],
			    e->hook->name);
	return true;
}

/* What this endpoint wants of the chunk goes to its queue. */
static void
hand_over(struct reader *r, struct endpoint *e, struct cursor *c)
{
	struct webhook_entry entries[CHUNK * 2];
	size_t count = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct chunk_event *ev = &r->events[i];
		unsigned kinds;

		if (!slice_eq(ev->tenant, slice_of(e->tenant_name)) ||
		    webhook_id_compare(ev->id, slice_of(c->read)) <= 0)
			continue;
		kinds = webhook_kinds(e->hook, ev->type, ev->repeated);
		if (ev->type == EVENT_INBOUND && !is_for(e, ev->filter))
			continue;
		for (unsigned k = 0; k < WEBHOOK_KINDS; k++)
			if ((kinds & 1U << k) != 0)
				entries[count++] =
				    (struct webhook_entry){ k, ev->packed };
	}
	if (count > 0 || clock_mono_us() - c->kept_us > KEEP_US)
		append(r, e, c, entries, count);
	else
		memcpy(c->read, r->to, sizeof(c->read));
}

static void
read_end(int rc, struct slice next, void *ctx)
{
	struct reader *r = ctx;
	int64_t now = clock_mono_us();

	if (r->rc == 0)
		r->rc = rc;
	if (r->rc == 0 && (next.at == NULL || next.len >= sizeof(r->to)))
		next = slice_of(r->from);
	if (r->rc < 0 || r->hub->stopping) {
		chunk_done(r);
		return;
	}
	memcpy(r->to, next.at, next.len);
	r->to[next.len] = '\0';
	r->appending = 1; /* this function */
	for (struct endpoint *e = r->hub->endpoints; e != NULL; e = e->next) {
		struct cursor *c = cursor_of(e, r, now);

		if (c != NULL && compare(c->read, r->from) >= 0 &&
		    compare(c->read, r->to) < 0)
			hand_over(r, e, c);
	}
	if (--r->appending == 0)
		chunk_done(r);
}

static void
reader_run(void *ctx)
{
	struct reader *r = ctx;
	struct cursor *low = NULL, *high = NULL;
	int64_t now = clock_mono_us();

	if (r->busy || r->hub->stopping)
		return;
	for (struct endpoint *e = r->hub->endpoints; e != NULL; e = e->next) {
		struct cursor *c = cursor_of(e, r, now);

		if (c == NULL)
			continue;
		if (low == NULL || compare(c->read, low->read) < 0)
			low = c;
		if (high == NULL || compare(c->read, high->read) > 0)
			high = c;
	}
	if (low == NULL) {
		loop_timer_set(r->timer, TROUBLE_MS);
		return;
	}
	r->several = compare(low->read, high->read) != 0;
	r->from_behind = !r->from_behind;
	memcpy(r->from, r->from_behind ? low->read : high->read,
	    sizeof(r->from));
	r->busy = true;
	r->rc = 0;
	r->rows = 0;
	r->count = 0;
	arena_reset(r->arena);
	event_read(r->hub->store, slice_of(r->host), slice_of(r->from), CHUNK,
	    store_long_deadline(r->hub->store), read_row, read_end, r);
}
