/* SPDX-License-Identifier: BSD-2-Clause */
/* The pace of filters as far as this process knows it, and its part. */
#include "policyd/pace.h"

#include <stdlib.h>

#include "net/loop.h"
#include "policyd/part.h"
#include "policyd/policyd.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/map.h"

/* Filters that were there since the start; those of a revision and more. */
#define PACES_MAX (size_t)(4 * SHAPING_FILTERS_MAX)
/* How often suspensions are looked for that no notice told. */
#define LOOK_MS 30000
#define CLIENTS 8192

struct pace_options pace_options;

static struct {
	struct map *map; /* name -> struct pace */
	struct event_base *base;
	struct loop_timer *timer;
	struct policyd *daemon;
	struct pace_client clients[CLIENTS];
} paces;

struct pace *
pace_of(struct policyd *d, struct slice filter)
{
	struct pace *p;

	(void)d;
	if (paces.map == NULL || filter.len > SHAPING_NAME_MAX)
		return NULL;
	if ((p = map_get(paces.map, filter)) != NULL)
		return p;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	memcpy(p->name, filter.at, filter.len);
	p->name_len = filter.len;
	if (map_set(paces.map, filter, p, NULL) < 0) {
		free(p);
		return NULL;
	}
	return p;
}

bool
pace_suspended(const struct policyd *d, struct slice filter,
    int64_t *ret_left_us)
{
	const struct pace *p =
	    paces.map != NULL ? map_get(paces.map, filter) : NULL;
	int64_t now = clock_mono_us();

	(void)d;
	if (p == NULL || p->suspended_us <= now)
		return false;
	*ret_left_us = p->suspended_us - now;
	return true;
}

struct pace_client *
pace_client_of(uint64_t client)
{
	return &paces.clients[client % CLIENTS];
}

/*
 * Quick to come down, slow to go up: idle times between two deliveries are
 * not meant.
 */
static void
learn_typical(struct pace *p, int64_t age)
{
	if (p->typical_us == 0 || age < p->typical_us) {
		p->typical_us = (p->typical_us * 3 + age) / 4;
		return;
	}
	int64_t more = age - p->typical_us;

	if (more > p->typical_us)
		more = p->typical_us;
	p->typical_us += more / 16;
}

int64_t
pace_leave_take(struct pace *p, const struct pace_client *client,
    uint64_t number)
{
	bool known = client->client == number;
	int64_t age;

	/* Who used it is not asked: a process connects anew, or another one
	 * is quicker.  That no more are used than were given is what counts. */
	if (p->leaves == 0)
		return -1;
	p->leaves--;
	age = clock_mono_us() - (known ? client->answered_us : p->leave_us);
	if (known)
		learn_typical(p, age);
	age -= 2 * p->typical_us;
	return age > 0 ? age : 0;
}

void
pace_leave_give(struct pace *p)
{
	p->leaves++;
	p->leave_us = clock_mono_us();
}

void
pace_learn(struct pace *p, const struct pace_answer *answer)
{
	p->suspended_us = answer->suspended_us > 0
			      ? clock_mono_us() + answer->suspended_us
			      : 0;
	/* The others are of the same time as this one was. */
	if (answer->owed)
		p->leaves = 0;
}

static void
told(struct slice filter, int64_t suspended_us, void *ctx)
{
	struct pace *p = pace_of(ctx, filter);

	if (p != NULL)
		p->suspended_us =
		    suspended_us > 0 ? clock_mono_us() + suspended_us : 0;
}

struct loop_timer *
pace_timer_new(void (*fired)(void *ctx), void *ctx)
{
	return paces.base != NULL ? loop_timer_new(paces.base, fired, ctx)
				  : NULL;
}

/* ---- looking ---- */

struct look {
	char name[SHAPING_NAME_MAX];
	size_t len;
};

static void
looked(int rc, const struct pace_state *state, void *ctx)
{
	struct look *look = ctx;
	int64_t left = state->suspended_until_us - clock_wall_us();

	if (rc == 0)
		told((struct slice){ look->name, look->len },
		    state->suspended_until_us > 0 ? left : 0, paces.daemon);
	free(look);
}

static void
look_at_all(void *ctx)
{
	struct policyd *d = ctx;
	struct settings *s = settings_current(d->watch);
	const struct shaping *shaping = settings_shaping(s);
	bool on = shaping->mode != MODE_OFF && store_is_up(d->store);

	for (size_t i = 0; on && i < shaping->filter_count; i++) {
		struct slice name = shaping->filters[i].name;
		struct look *look = malloc(sizeof(*look));

		if (look == NULL || name.len > sizeof(look->name)) {
			free(look);
			continue;
		}
		memcpy(look->name, name.at, name.len);
		look->len = name.len;
		pace_show(d->store, name, store_long_deadline(d->store), looked,
		    look);
	}
	settings_unref(s);
	loop_timer_set(paces.timer, LOOK_MS);
}

/* ---- the part ---- */

static void
reload_pace(struct policyd *d, const struct host_config *config)
{
	(void)d;
	pace_options.wait_us = config->policyd_pace_wait_ms * 1000;
	pace_options.recovery_us = config->policyd_pace_recovery_ms * 1000;
}

static int
start_pace(struct policyd *d, const struct host_config *config,
    struct event_base *base)
{
	paces.daemon = d;
	paces.base = base;
	paces.map = map_new(PACES_MAX);
	paces.timer = loop_timer_new(base, look_at_all, d);
	if (paces.map == NULL || paces.timer == NULL)
		return ERR_NOMEM;
	reload_pace(d, config);
	loop_timer_set(paces.timer, 0);
	return pace_watch(d->store, told, d);
}

static void
settings_pace(struct policyd *d)
{
	(void)d;
	loop_timer_set(paces.timer, 0);
}

static unsigned
drain_pace(struct policyd *d)
{
	(void)d;
	map_pace_drain();
	return 0;
}

static void
stop_pace(struct policyd *d)
{
	(void)d;
	loop_timer_free(paces.timer);
	paces.timer = NULL;
}

/* Until here answers of the store come in. */
static void
closed_pace(struct policyd *d)
{
	(void)d;
	map_free(paces.map, free);
	memset(&paces, 0, sizeof(paces));
}

const struct policyd_part part_pace = {
	.name = "pace",
	.start = start_pace,
	.reload = reload_pace,
	.settings = settings_pace,
	.drain = drain_pace,
	.stop = stop_pace,
	.closed = closed_pace,
};
