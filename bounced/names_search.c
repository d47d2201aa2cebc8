/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages by Message-ID or queue id, and recipient. */
#include "bounced/names_search.h"

#include "store/event_store.h"
#include "store/message_store.h"
#include "util/clock.h"
#include "util/err.h"

#define COMMAND_MS 2000
#define ROWS 10 /* a queue id may be used again */

struct search {
	struct store *store;
	struct arena *arena;
	struct names_query q;
	size_t tenant, id; /* the next ones */
	const char *by;
	struct slice host; /* of the queue id asked for; absent: any */
	struct event event;
	bool seen, failed;
	names_found *found;
	void *ctx;
};

static void next(struct search *x);

bool
names_enough(const struct returned_names *names)
{
	return names->message_id.at != NULL || names->id_count > 0;
}

/* "HOST/DAY/MS-SEQ" */
static bool
is_of(struct slice event_id, struct slice host)
{
	return host.at == NULL ||
	       (event_id.len > host.len && event_id.at[host.len] == '/' &&
		   slice_eq_nocase((struct slice){ event_id.at, host.len },
		       host));
}

/* Newest first: the first one that fits. */
static void
on_row(const struct event *e, void *ctx)
{
	struct search *x = ctx;

	if (x->seen || !is_of(e->id, x->host))
		return;
	x->seen = true;
	x->event = (struct event){ .type = e->type,
		.created_ms = e->created_ms,
		.id = arena_dup(x->arena, e->id),
		.queue_id = arena_dup(x->arena, e->queue_id),
		.tenant = arena_dup(x->arena, e->tenant),
		.recipient = arena_dup(x->arena, e->recipient) };
	x->failed = x->event.id.at == NULL || x->event.queue_id.at == NULL ||
		    x->event.recipient.at == NULL;
}

static void
on_end(int rc, struct slice cursor, void *ctx)
{
	struct search *x = ctx;

	(void)cursor;
	if (rc == 0 && x->failed)
		rc = ERR_NOMEM;
	if (rc < 0 || x->seen)
		x->found(rc, rc == 0 ? &x->event : NULL, x->by, x->ctx);
	else
		next(x);
}

static void
ask(struct search *x, struct event_query *e)
{
	int64_t now_ms = clock_wall_us() / 1000;

	e->tenant = x->q.tenants[x->tenant];
	e->recipient = x->q.recipient;
	e->types = 1U << EVENT_QUEUED;
	e->newest_first = true;
	e->limit = ROWS;
	e->from_ms = now_ms - MESSAGE_TTL_S * INT64_C(1000);
	e->to_ms = now_ms;
	event_page(x->store, e, clock_deadline_ms(COMMAND_MS), on_row, on_end,
	    x);
}

static void
next(struct search *x)
{
	const struct returned_names *names = x->q.names;
	struct event_query e = { .limit = ROWS };

	if (names->message_id.at != NULL) {
		if (x->id > 0) {
			x->id = 0;
			x->tenant++;
		}
		if (x->tenant < x->q.tenant_count) {
			x->id = 1;
			x->by = "message-id";
			e.message_id = names->message_id;
			ask(x, &e);
			return;
		}
	} else {
		if (x->id == names->id_count) {
			x->id = 0;
			x->tenant++;
		}
		if (x->tenant < x->q.tenant_count) {
			x->by = "queue-id";
			x->host = names->ids[x->id].host;
			e.queue_id = names->ids[x->id++].queue_id;
			ask(x, &e);
			return;
		}
	}
	x->found(0, NULL, NULL, x->ctx);
}

void
names_search(struct store *s, const struct names_query *q, struct arena *arena,
    names_found *found, void *ctx)
{
	struct search *x = arena_calloc(arena, 1, sizeof(*x));

	if (x == NULL) {
		found(ERR_NOMEM, NULL, NULL, ctx);
		return;
	}
	*x = (struct search){ .store = s,
		.arena = arena,
		.q = *q,
		.found = found,
		.ctx = ctx };
	if (!names_enough(q->names))
		x->tenant = q->tenant_count;
	next(x);
}
