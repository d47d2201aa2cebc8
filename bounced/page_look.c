/* SPDX-License-Identifier: BSD-2-Clause */
/* What has to be known of a page of events before it is counted. */
#include <string.h>

#include "bounced/page.h"
#include "proto/address.h"
#include "proto/provider_name.h"
#include "store/provider_store.h"
#include "util/arena.h"
#include "util/err.h"

/* The items of one tenant. */
struct group {
	struct page *page;
	const struct tenant *tenant;
	size_t at[PAGE_EVENTS], count;
};

/* A domain whose MX hosts are asked for. */
struct question {
	struct page *page;
	struct slice domain;
};

/* ---- providers ---- */

static void
set_provider(struct page_item *item, const struct slice *mx, size_t mx_count)
{
	struct page *page = item->page;
	char room[PROVIDER_NAME_ROOM], text[PROVIDER_NAME_ROOM + 1] = "@";
	struct provider_name name =
	    provider_name_of(settings_shaping(page->snapshot), item->address,
		mx, mx_count, item->relay, room);

	if (name.filter) {
		item->provider = name.name; /* lives as long as the snapshot */
		return;
	}
	memcpy(text + 1, name.name.at, name.name.len);
	item->provider =
	    page_keep(page, (struct slice){ text, name.name.len + 1 });
}

static void
got_hosts(int rc, const struct mx_hosts *hosts, void *ctx)
{
	const struct question *q = ctx;
	struct page *page = q->page;

	/* What is not known leaves the domain; but trouble is trouble. */
	if (rc == ERR_NOTFOUND || rc == ERR_SYNTAX || rc == ERR_LIMIT)
		rc = 0;
	for (size_t i = 0; i < page->count; i++) {
		struct page_item *item = &page->items[i];

		if (item->guarded && item->provider.at == NULL &&
		    slice_eq(address_domain(item->address), q->domain))
			set_provider(item, hosts != NULL ? hosts->at : NULL,
			    hosts != NULL ? hosts->count : 0);
	}
	page_part_done(page, rc);
}

static void
ask_hosts(struct page *page, struct slice domain)
{
	struct question *q = arena_calloc(page->arena, 1, sizeof(*q));

	if (q == NULL) {
		page->rc = ERR_NOMEM;
		return;
	}
	q->page = page;
	q->domain = domain;
	page->pending++;
	provider_get(page->store, domain, page_deadline(), got_hosts, q);
}

/*
 * Who answered says whose mailbox it is.  Where nobody did, policyd may have
 * left the MX hosts of the domain: one question for each such domain.
 */
static void
find_providers(struct page *page)
{
	bool needs = shaping_needs_mx(settings_shaping(page->snapshot));
	char room[PROVIDER_NAME_ROOM];

	for (size_t i = 0; i < page->count; i++) {
		struct page_item *item = &page->items[i];
		struct slice domain = address_domain(item->address);
		size_t k = 0;

		if (!item->guarded)
			continue;
		if (!needs || domain.len == 0 || item->success ||
		    provider_relay_host(item->relay, room).len > 0) {
			set_provider(item, NULL, 0);
			continue;
		}
		while (k < i &&
		       !(page->items[k].guarded &&
			   page->items[k].provider.at == NULL &&
			   slice_eq(address_domain(page->items[k].address),
			       domain)))
			k++;
		if (k == i)
			ask_hosts(page, domain);
	}
}

/* ---- outbreaks ---- */

static struct outbreak
copy_outbreak(struct page *page, const struct outbreak *o)
{
	struct outbreak copy = *o;

	copy.id = page_keep(page, o->id);
	copy.provider = page_keep(page, o->provider);
	copy.shape = page_keep(page, o->shape);
	copy.class = page_keep(page, o->class);
	copy.text = page_keep(page, o->text);
	copy.by = page_keep(page, o->by);
	copy.host = page_keep(page, o->host);
	return copy;
}

static void
looked(int rc, const bool *frozen, size_t count, const struct outbreak *started,
    size_t started_count, void *ctx)
{
	const struct group *g = ctx;
	struct page *page = g->page;
	size_t n = 0;

	for (size_t i = 0; i < g->count && rc == 0; i++) {
		struct page_item *item = &page->items[g->at[i]];

		if (item->guarded && n < count)
			item->frozen = frozen[n++];
	}
	for (size_t i = 0; i < started_count; i++)
		if (page->started_count < PAGE_STARTED_MAX)
			page->started[page->started_count++] =
			    (struct page_outbreak){
				    .page = page,
				    .tenant = g->tenant,
				    .outbreak =
					copy_outbreak(page, &started[i]),
			    };
	page_part_done(page, rc);
}

static void
ask_outbreaks(struct group *g)
{
	struct page *page = g->page;
	struct outbreak_result *list =
	    arena_calloc(page->arena, g->count, sizeof(*list));
	size_t n = 0;

	if (list == NULL) {
		page->rc = ERR_NOMEM;
		return;
	}
	for (size_t i = 0; i < g->count; i++) {
		const struct page_item *item = &page->items[g->at[i]];

		if (!item->guarded)
			continue;
		list[n] = (struct outbreak_result){
			.provider = item->provider,
			.at_ms = item->at_ms,
			.recipient = { item->hash, sizeof(item->hash) },
			.event_id = item->id,
			.shape = item->shape,
			.text = item->text,
		};
		if (!item->success)
			list[n].class =
			    slice_of(bounce_class_word(item->class));
		n++;
	}
	if (n == 0)
		return;
	page->pending++;
	outbreak_look(page->store, g->tenant->name, &g->tenant->outbreak,
	    page->host, list, n, page_deadline(), looked, g);
}

/* ---- successes ---- */

/* "+": it gets an error that a success ends; "?": a success. */
static bool
lift_address(const struct page_item *item, struct lift_address *ret_address)
{
	if (!item->success &&
	    (item->condition == NULL || !item->condition->lift_on_success))
		return false;
	ret_address->hash = (struct slice){ item->hash, sizeof(item->hash) };
	ret_address->error = !item->success;
	return true;
}

static void
lifts_found(int rc, const bool *there, size_t count, void *ctx)
{
	const struct group *g = ctx;
	struct lift_address ignored;
	size_t n = 0;

	for (size_t i = 0; i < g->count && rc == 0; i++) {
		struct page_item *item = &g->page->items[g->at[i]];

		if (lift_address(item, &ignored) && n < count)
			item->errors = there[n++];
	}
	page_part_done(g->page, rc);
}

static void
ask_lifts(struct group *g)
{
	struct lift_address list[PAGE_EVENTS];
	size_t n = 0;

	for (size_t i = 0; i < g->count; i++)
		if (lift_address(&g->page->items[g->at[i]], &list[n]))
			n++;
	if (n == 0)
		return;
	g->page->pending++;
	lift_look(g->page->store, g->tenant->name, list, n, page_deadline(),
	    lifts_found, g);
}

/* ---- the step ---- */

static struct group *
next_group(struct page *page, bool taken[PAGE_EVENTS])
{
	struct group *g = NULL;

	for (size_t i = 0; i < page->count; i++) {
		if (taken[i] ||
		    (g != NULL && page->items[i].tenant != g->tenant))
			continue;
		if (g == NULL) {
			g = arena_calloc(page->arena, 1, sizeof(*g));
			if (g == NULL) {
				page->rc = ERR_NOMEM;
				return NULL;
			}
			g->page = page;
			g->tenant = page->items[i].tenant;
		}
		g->at[g->count++] = i;
		taken[i] = true;
	}
	return g;
}

static void
ask_groups(struct page *page)
{
	bool taken[PAGE_EVENTS] = { false };
	struct group *g;

	while (page->rc == 0 && (g = next_group(page, taken)) != NULL) {
		ask_outbreaks(g);
		ask_lifts(g);
	}
}

static void
providers_found(struct page *page)
{
	page->done = page->after;
	page->pending = 1;
	if (page->rc == 0)
		ask_groups(page);
	page_part_done(page, 0);
}

void
page_look(struct page *page, page_done *done)
{
	page->after = done;
	page->done = providers_found;
	page->pending = 1;
	find_providers(page);
	page_part_done(page, 0);
}
