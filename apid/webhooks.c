/* SPDX-License-Identifier: BSD-2-Clause */
/* Webhooks: the endpoints, as the settings say. */
#include "apid/webhooks.h"

#include <stdlib.h>

#include "net/http_client.h"
#include "net/loop.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/map.h"

#define HOSTS_MS 2000 /* between two looks for new hosts */
#define TENANTS_MAX 100000

static void
endpoint_free(struct endpoint *e)
{
	while (e->cursors != NULL) {
		struct cursor *c = e->cursors;

		e->cursors = c->next;
		free(c);
	}
	loop_timer_free(e->timer);
	free(e->tenant_name);
	free(e->name);
	free(e);
}

static struct endpoint *
endpoint_new(struct webhooks *hub, const struct tenant *t,
    const struct webhook *hook)
{
	struct endpoint *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->hub = hub;
	e->tenant_name = strndup(t->name.at, t->name.len);
	e->name = strndup(hook->name.at, hook->name.len);
	e->timer = loop_timer_new(hub->base, sender_timer, e);
	if (e->tenant_name == NULL || e->name == NULL || e->timer == NULL) {
		endpoint_free(e);
		return NULL;
	}
	return e;
}

void
endpoint_unref(struct endpoint *e)
{
	if (--e->refs == 0 && e->gone)
		endpoint_free(e);
}

/* ---- what Redis knows of an endpoint ---- */

static struct reader *
reader_for(struct webhooks *hub, struct slice host)
{
	struct reader *r;

	for (r = hub->readers; r != NULL; r = reader_next(r))
		if (slice_eq(reader_host(r), host))
			return r;
	r = reader_new(hub, host);
	if (r != NULL) {
		reader_link(r, hub->readers);
		hub->readers = r;
	}
	return r;
}

static bool
text_keep(char room[WEBHOOK_POSITION_MAX], struct slice s)
{
	if (s.len >= WEBHOOK_POSITION_MAX)
		return false;
	if (s.len > 0)
		memcpy(room, s.at, s.len);
	room[s.len] = '\0';
	return true;
}

/* Where reading begins: where it ended, or when the endpoint was made. */
static bool
cursor_add(struct endpoint *e, struct reader *r, struct slice kept,
    int64_t created_ms)
{
	struct cursor *c = calloc(1, sizeof(*c));
	struct buf start;
	bool ok;

	if (c == NULL)
		return false;
	buf_init(&start, WEBHOOK_POSITION_MAX);
	c->reader = r;
	ok = text_keep(c->kept, kept);
	if (ok && kept.len == 0)
		ok = webhook_position_at(reader_host(r), created_ms, &start) ==
			 0 &&
		     text_keep(c->read, buf_slice(&start));
	else if (ok)
		ok = text_keep(c->read, kept);
	buf_done(&start);
	if (!ok) {
		free(c);
		return false;
	}
	c->next = e->cursors;
	e->cursors = c;
	return true;
}

static void
set_cursors(struct endpoint *e, const struct webhook_state *state)
{
	for (struct reader *r = e->hub->readers; r != NULL;
	     r = reader_next(r)) {
		struct slice kept = { "", 0 };
		struct cursor *c = e->cursors;

		while (c != NULL && c->reader != r)
			c = c->next;
		if (c != NULL)
			continue;
		for (size_t i = 0; i < state->position_count; i++)
			if (slice_eq(state->positions[i].host, reader_host(r)))
				kept = state->positions[i].position;
		if (!cursor_add(e, r, kept, state->created_ms))
			log_error("webhook %s:%s: no memory", e->tenant_name,
			    e->name);
		reader_kick(r);
	}
}

static void
opened(int rc, const struct webhook_state *state, void *ctx)
{
	struct endpoint *e = ctx;

	if (rc == 0 && !e->gone && !e->hub->stopping) {
		e->disabled = state->disabled.len > 0;
		set_cursors(e, state);
		e->open = true;
		sender_kick(e, 0);
	}
	endpoint_unref(e);
}

static void
open_endpoint(struct endpoint *e)
{
	e->refs++;
	webhook_open(e->hub->store, endpoint_key(e), e->tenant->revision,
	    clock_wall_us() / 1000, store_long_deadline(e->hub->store), opened,
	    e);
}

static bool
has_all_cursors(const struct endpoint *e)
{
	for (struct reader *r = e->hub->readers; r != NULL;
	     r = reader_next(r)) {
		struct cursor *c = e->cursors;

		while (c != NULL && c->reader != r)
			c = c->next;
		if (c == NULL)
			return false;
	}
	return true;
}

static void
hosts_listed(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	struct webhooks *hub = ctx;

	if (rc < 0 || hub->stopping)
		return;
	for (size_t i = 0; i < count; i++)
		(void)reader_for(hub, hosts[i]);
	for (struct endpoint *e = hub->endpoints; e != NULL; e = e->next)
		if (!e->open || !has_all_cursors(e))
			open_endpoint(e);
}

static void
look_for_hosts(void *ctx)
{
	struct webhooks *hub = ctx;

	if (hub->stopping)
		return;
	if (hub->endpoints != NULL)
		host_list(hub->store, store_long_deadline(hub->store),
		    hosts_listed, hub);
	loop_timer_set(hub->timer, HOSTS_MS);
}

void
webhooks_look(struct webhooks *hub)
{
	if (!hub->stopping)
		loop_timer_set(hub->timer, 0);
}

/* ---- settings ---- */

static struct endpoint *
take_endpoint(struct endpoint **list, const struct tenant *t,
    const struct webhook *hook)
{
	for (; *list != NULL; list = &(*list)->next) {
		struct endpoint *e = *list;

		if (slice_eq(t->name, slice_of(e->tenant_name)) &&
		    slice_eq(hook->name, slice_of(e->name))) {
			*list = e->next;
			return e;
		}
	}
	return NULL;
}

static void
use_hook(struct webhooks *hub, struct endpoint **old, const struct tenant *t,
    const struct webhook *hook)
{
	struct endpoint *e = take_endpoint(old, t, hook);

	if (e == NULL)
		e = endpoint_new(hub, t, hook);
	if (e == NULL || map_set(hub->tenants, t->name, hub, NULL) < 0) {
		log_error("webhook %.*s:%.*s: no memory", SLICE_F(t->name),
		    SLICE_F(hook->name));
		if (e != NULL && e->refs == 0)
			endpoint_free(e);
		return;
	}
	e->tenant = t;
	e->hook = hook;
	e->open = false; /* a new revision may enable it again */
	e->pause_until_us = 0;
	e->failures = 0;
	e->next = hub->endpoints;
	hub->endpoints = e;
}

void
webhooks_settings(struct webhooks *hub, struct settings *settings)
{
	struct endpoint *old = hub->endpoints;
	struct settings *before = hub->settings;

	hub->endpoints = NULL;
	hub->settings = settings_ref(settings);
	map_free(hub->tenants, NULL);
	hub->tenants = map_new(TENANTS_MAX);
	for (size_t i = 0;
	     hub->tenants != NULL && i < settings_tenant_count(settings); i++) {
		const struct tenant *t = settings_tenant_at(settings, i);

		for (size_t n = 0; n < t->webhook_count; n++)
			if (t->webhooks[n].enabled)
				use_hook(hub, &old, t, &t->webhooks[n]);
	}
	while (old != NULL) {
		struct endpoint *e = old;

		old = e->next;
		e->gone = true;
		loop_timer_stop(e->timer);
		if (e->refs == 0)
			endpoint_free(e);
	}
	settings_unref(before);
	if (hub->endpoints != NULL)
		loop_timer_set(hub->timer, 0);
}

/* ---- start and stop ---- */

int
webhooks_start(struct event_base *base, struct store *store,
    bool private_addresses, struct webhooks **ret_hub)
{
	struct webhooks *hub = calloc(1, sizeof(*hub));

	if (hub == NULL)
		return ERR_NOMEM;
	hub->base = base;
	hub->store = store;
	hub->timer = loop_timer_new(base, look_for_hosts, hub);
	if (hub->timer == NULL || http_client_new(base, WEBHOOK_PARALLEL,
				      private_addresses, &hub->client) < 0) {
		loop_timer_free(hub->timer);
		free(hub);
		return ERR_NOMEM;
	}
	*ret_hub = hub;
	return 0;
}

unsigned
webhooks_drain(struct webhooks *hub)
{
	hub->stopping = true;
	return hub->sending;
}

void
webhooks_stop(struct webhooks *hub)
{
	if (hub == NULL)
		return;
	hub->stopping = true;
	loop_timer_stop(hub->timer);
	http_client_free(hub->client);
	hub->client = NULL;
}

void
webhooks_free(struct webhooks *hub)
{
	if (hub == NULL)
		return;
	while (hub->endpoints != NULL) {
		struct endpoint *e = hub->endpoints;

		hub->endpoints = e->next;
		endpoint_free(e);
	}
	while (hub->readers != NULL) {
		struct reader *r = hub->readers;

		hub->readers = reader_next(r);
		reader_free(r);
	}
	map_free(hub->tenants, NULL);
	settings_unref(hub->settings);
	loop_timer_free(hub->timer);
	free(hub);
}

void
webhooks_kick(struct webhooks *hub, struct slice tenant, struct slice name)
{
	for (struct endpoint *e = hub->endpoints; e != NULL; e = e->next) {
		if (!slice_eq(tenant, slice_of(e->tenant_name)) ||
		    !slice_eq(name, slice_of(e->name)))
			continue;
		e->pause_until_us = 0;
		e->failures = 0;
		sender_kick(e, 0);
	}
}
