/* SPDX-License-Identifier: BSD-2-Clause */
/* Outbreaks that are over. */
#include "bounced/outbreaks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/loop.h"
#include "proto/event.h"
#include "proto/settings.h"
#include "store/delivery_store.h"
#include "store/outbreak_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

/*
 * The alarm and this position move in one step, so that the end of an outbreak
 * is written once by a host, whatever crashes when.
 */
#define CONSUMER_NAME SLICE("outbreak")
#define ROUND_MS 10000
#define TOLD_MAX 100
#define TEXT_MAX 400

/* The end of one, being told. */
struct telling {
	struct outbreaks *owner;
	char tenant[64], provider[300], shape[64], id[32];
	char next[TOLD_MAX], text[TEXT_MAX];
	struct event event;
};

struct outbreaks {
	struct store *store;
	struct settings_watch *settings;
	struct slice host;
	struct loop_timer *timer;
	bool stopping;
	uint64_t *ret_going;
	/* the round */
	struct settings *snapshot;
	size_t at; /* tenant */
	uint64_t going;
	size_t pending;
	struct telling *telling; /* one at a time */
	char told[TOLD_MAX];     /* the position, as far as it is known */
	size_t told_len;
};

static void sweep_next(struct outbreaks *o);

static void
end_round(struct outbreaks *o)
{
	settings_unref(o->snapshot);
	o->snapshot = NULL;
	if (!o->stopping)
		loop_timer_set(o->timer, ROUND_MS);
}

static void
say(const struct telling *t)
{
	struct log_line l;

	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "outbreak", slice_of(t->id));
	log_line_add(&l, "tenant", slice_of(t->tenant));
	log_line_add(&l, "provider", slice_of(t->provider));
	log_line_add(&l, "over", slice_of(t->text));
	log_line_end(&l, LOG_L_WARNING);
}

static void
on_told(int rc, struct slice current, void *ctx)
{
	struct telling *t = ctx;
	struct outbreaks *o = t->owner;
	const struct outbreak name = {
		.id = slice_of(t->id),
		.provider = slice_of(t->provider),
		.shape = slice_of(t->shape),
	};

	if (rc == 0)
		current = slice_of(t->next);
	if ((rc == 0 || rc == ERR_CONFLICT) && current.len <= TOLD_MAX) {
		if (current.len > 0)
			memcpy(o->told, current.at, current.len);
		o->told_len = current.len;
	}
	if (rc == 0)
		say(t);
	/* Also when it was told before a crash. */
	if (rc == 0 ||
	    (rc == ERR_CONFLICT && slice_eq(current, slice_of(t->next))))
		outbreak_told(o->store, slice_of(t->tenant), &name);
	free(t);
	o->telling = NULL;
	sweep_next(o);
}

static bool
keep(char *room, size_t size, struct slice s)
{
	if (s.len >= size)
		return false;
	if (s.len > 0)
		memcpy(room, s.at, s.len);
	room[s.len] = '\0';
	return true;
}

static struct telling *
telling_new(struct outbreaks *o, const struct tenant *tenant,
    const struct outbreak *over)
{
	struct telling *t = calloc(1, sizeof(*t));

	if (t == NULL || !keep(t->tenant, sizeof(t->tenant), tenant->name) ||
	    !keep(t->provider, sizeof(t->provider), over->provider) ||
	    !keep(t->shape, sizeof(t->shape), over->shape) ||
	    !keep(t->id, sizeof(t->id), over->id)) {
		free(t);
		return NULL;
	}
	t->owner = o;
	(void)snprintf(t->next, sizeof(t->next), "%s/%s/%" PRId64, t->tenant,
	    t->id, over->ended_ms);
	(void)snprintf(t->text, sizeof(t->text),
	    "outbreak %s is over (%.*s): %" PRIu64
	    " errors were not counted, %" PRIu64 " blocks released: %.*s",
	    t->id, SLICE_F(over->by), over->errors, over->released,
	    SLICE_F(over->text));
	t->event = (struct event){
		.created_ms = clock_wall_us() / 1000,
		.type = EVENT_ALARM,
		.tenant = slice_of(t->tenant),
		.recipient = slice_of(t->provider),
		.class = bounce_class_parse(over->class),
		.reason = slice_of(t->text),
		.origin = SLICE("outbreak"),
	};
	return t;
}

static void
swept(int rc, unsigned going, const struct outbreak *over, size_t count,
    void *ctx)
{
	struct outbreaks *o = ctx;
	const struct tenant *t = settings_tenant_at(o->snapshot, o->at);

	o->pending--;
	o->going += going;
	if (rc < 0 || o->stopping) {
		end_round(o);
		return;
	}
	/* One of them; the same tenant is asked again for the others. */
	o->telling = count > 0 ? telling_new(o, t, &over[0]) : NULL;
	if (o->telling == NULL) {
		o->at++;
		sweep_next(o);
		return;
	}
	o->going -= going;
	position_move(o->store, o->host, CONSUMER_NAME,
	    (struct slice){ o->told, o->told_len }, slice_of(o->telling->next),
	    &o->telling->event, 1, store_deadline(o->store), on_told,
	    o->telling);
}

static void
sweep_next(struct outbreaks *o)
{
	size_t count = settings_tenant_count(o->snapshot);

	while (o->at < count &&
	       !settings_tenant_at(o->snapshot, o->at)->outbreak.enabled)
		o->at++;
	if (o->stopping || o->at >= count) {
		if (!o->stopping)
			*o->ret_going = o->going;
		end_round(o);
		return;
	}
	o->pending++;
	outbreak_sweep(o->store, settings_tenant_at(o->snapshot, o->at)->name,
	    o->host, store_deadline(o->store), swept, o);
}

static void
on_timer(void *ctx)
{
	struct outbreaks *o = ctx;

	if (o->stopping)
		return;
	o->at = 0;
	o->going = 0;
	o->snapshot = settings_current(o->settings);
	sweep_next(o);
}

struct outbreaks *
outbreaks_start(struct event_base *base, struct store *s,
    struct settings_watch *settings, struct slice host, uint64_t *going)
{
	struct outbreaks *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->store = s;
	o->settings = settings;
	o->host = host;
	o->ret_going = going;
	o->timer = loop_timer_new(base, on_timer, o);
	if (o->timer == NULL) {
		free(o);
		return NULL;
	}
	loop_timer_set(o->timer, ROUND_MS);
	return o;
}

bool
outbreaks_drain(struct outbreaks *o)
{
	o->stopping = true;
	return o->pending == 0 && o->telling == NULL;
}

void
outbreaks_stop(struct outbreaks *o)
{
	if (o == NULL)
		return;
	loop_timer_free(o->timer);
	settings_unref(o->snapshot);
	free(o);
}
