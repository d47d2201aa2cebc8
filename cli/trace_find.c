/* SPDX-License-Identifier: BSD-2-Clause */
/* The events of a message or recipient, by the store's indices. */
#include "cli/trace_find.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli_store.h"
#include "proto/settings.h"
#include "store/event_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/err.h"

#define WAIT_MS 30000
#define PAGE 1000
#define TENANTS_MAX 1000
#define TENANT_LEN 64
#define FIND_CURSOR_MAX 4096
#define AHEAD_MS 86400000

struct finder {
	struct cli_store *store;
	const struct trace_query *want;
	struct trace_events *out;
	char tenants[TENANTS_MAX][TENANT_LEN];
	size_t tenant_count;
	char cursor[FIND_CURSOR_MAX];
	size_t cursor_len;
	bool over;
	int rc;
};

static void
on_names(int rc, const struct slice *names, size_t count, void *ctx)
{
	struct finder *f = ctx;

	f->rc = rc;
	f->over = true;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (f->tenant_count == TENANTS_MAX ||
		    names[i].len >= TENANT_LEN || names[i].len == 0 ||
		    names[i].at[0] == '_' ||
		    slice_eq(names[i], SLICE(SETTINGS_DEFAULT_TENANT)))
			continue;
		memcpy(f->tenants[f->tenant_count++], names[i].at,
		    names[i].len);
	}
}

/* ---- one query ---- */

static int
keep_slice(struct arena *arena, struct slice *s)
{
	if (s->at == NULL)
		return 0;
	*s = arena_dup(arena, *s);
	return s->at != NULL ? 0 : ERR_NOMEM;
}

static int
keep_event(struct arena *arena, struct event *e)
{
	struct slice *const all[] = { &e->id, &e->tenant, &e->recipient,
		&e->queue_id, &e->message, &e->reason, &e->relay, &e->origin,
		&e->return_path, &e->sender, &e->from, &e->subject,
		&e->message_id, &e->api_data, &e->source_ip, &e->sender_ip,
		&e->copy_of, &e->forward_to, &e->preflight };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (keep_slice(arena, all[i]) < 0)
			return ERR_NOMEM;
	return 0;
}

static int
grow(struct trace_events *t)
{
	size_t room = t->room == 0 ? 256 : t->room * 2;
	struct event *at = arena_calloc(t->arena, room, sizeof(*at));

	if (at == NULL)
		return ERR_NOMEM;
	if (t->count > 0)
		memcpy(at, t->at, t->count * sizeof(*at));
	t->at = at;
	t->room = room;
	return 0;
}

static void
on_row(const struct event *e, void *ctx)
{
	struct finder *f = ctx;
	struct trace_events *t = f->out;

	if (t->count == TRACE_EVENTS_MAX) {
		t->cut = true;
		return;
	}
	if (t->count == t->room && (f->rc = grow(t)) < 0)
		return;
	t->at[t->count] = *e;
	f->rc = keep_event(t->arena, &t->at[t->count]);
	t->count += f->rc == 0;
}

static void
on_end(int rc, struct slice next, void *ctx)
{
	struct finder *f = ctx;

	if (rc < 0)
		f->rc = rc;
	f->over = true;
	f->cursor_len = 0;
	if (f->rc < 0 || next.at == NULL || next.len > sizeof(f->cursor))
		return;
	memcpy(f->cursor, next.at, next.len);
	f->cursor_len = next.len;
}

static int
ask(struct finder *f, struct event_query q)
{
	q.limit = PAGE;
	f->cursor_len = 0;
	f->rc = 0;
	do {
		q.cursor = (struct slice){ f->cursor, f->cursor_len };
		f->over = false;
		event_page(f->store->store, &q, clock_deadline_ms(WAIT_MS),
		    on_row, on_end, f);
		cli_store_wait(f->store, &f->over);
	} while (f->rc == 0 && f->cursor_len > 0 && !f->out->cut);
	return f->rc;
}

/* ---- one tenant ---- */

static int
compare_events(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->created_ms != y->created_ms)
		return x->created_ms < y->created_ms ? -1 : 1;
	/* Nothing comes before it was queued. */
	return (int)x->type - (int)y->type;
}

static int
ask_tenant(struct finder *f, struct slice tenant)
{
	const struct trace_query *w = f->want;
	struct event_query q = {
		.tenant = tenant,
		.to_ms = clock_wall_us() / 1000 + AHEAD_MS,
		.queue_id = w->queue_id,
		.message_id = w->message_id,
		.recipient = w->recipient,
	};

	return ask(f, q);
}

/* All tenants, or the one that is named. */
static int
ask_all(struct finder *f)
{
	int rc;

	if (f->want->tenant.at != NULL)
		return ask_tenant(f, f->want->tenant);
	rc = ask_tenant(f, SLICE(SETTINGS_DEFAULT_TENANT));
	for (size_t i = 0; i < f->tenant_count && rc == 0; i++)
		rc = ask_tenant(f, slice_of(f->tenants[i]));
	return rc;
}

int
trace_find(struct cli_store *s, const struct trace_query *q,
    struct arena *arena, struct trace_events *ret_events)
{
	struct finder *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL)
		return ERR_NOMEM;
	*ret_events = (struct trace_events){ .arena = arena };
	f->store = s;
	f->want = q;
	f->out = ret_events;
	settings_names(s->store, clock_deadline_ms(WAIT_MS), on_names, f);
	cli_store_wait(s, &f->over);
	rc = f->rc;
	if (rc == 0)
		rc = ask_all(f);
	if (rc == 0 && ret_events->count > 1)
		qsort(ret_events->at, ret_events->count,
		    sizeof(*ret_events->at), compare_events);
	free(f);
	return rc;
}
