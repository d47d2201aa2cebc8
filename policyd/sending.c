/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending addresses in operation: attempts of the day, here and in Redis. */
#include "policyd/sending.h"

#include <stdlib.h>

#include "net/loop.h"
#include "policyd/part.h"
#include "policyd/policyd.h"
#include "proto/schedule.h"
#include "proto/sending.h"
#include "proto/settings.h"
#include "store/sending_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/map.h"

#define ADDRESSES_MAX 1000 /* also of settings that are over */
#define TELL_MS 1000

struct line {
	struct sending *w;
	struct line *next;
	char name[SHAPING_NAME_MAX];
	size_t name_len;
	unsigned said_for; /* day of what is under way */
	bool asked;        /* Redis, today */
	struct sending_use use;
};

struct sending {
	struct policyd *d;
	struct loop_timer *timer;
	struct map *by_name; /* -> struct line */
	struct line *lines;
	unsigned waiting; /* answers of Redis to come */
};

static struct line *
line_for(struct sending *w, const struct sending_address *a)
{
	struct line *l = map_get(w->by_name, a->name);

	if (l != NULL || a->name.len > sizeof(l->name))
		return l;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	memcpy(l->name, a->name.at, a->name.len);
	l->name_len = a->name.len;
	l->w = w;
	if (map_set(w->by_name, a->name, l, NULL) < 0) {
		free(l);
		return NULL;
	}
	l->next = w->lines;
	w->lines = l;
	return l;
}

/* ---- what Redis knows ---- */

static void
told(int rc, uint64_t total, void *ctx)
{
	struct line *l = ctx;

	l->w->waiting--;
	/* Of a day that is over nothing is kept. */
	if (l->said_for != l->use.yyyymmdd) {
		l->said_for = 0;
		return;
	}
	l->said_for = 0;
	if (rc < 0) {
		/* It may have been counted: then it is counted twice, which
		 * sends less, not more. */
		l->use.untold += l->use.under_way;
		l->use.under_way = 0;
		return;
	}
	l->asked = true;
	l->use.told = total;
	l->use.under_way = 0;
}

/* What the others sent is asked for as well, so none is told, too. */
static void
tell_all(void *ctx)
{
	struct sending *w = ctx;

	for (struct line *l = w->lines; l != NULL; l = l->next) {
		if (l->said_for != 0 || l->use.yyyymmdd == 0)
			continue;
		l->said_for = l->use.yyyymmdd;
		l->use.under_way = l->use.untold;
		l->use.untold = 0;
		w->waiting++;
		sending_count(w->d->store,
		    (struct slice){ l->name, l->name_len }, l->use.yyyymmdd,
		    l->use.under_way, store_deadline(w->d->store), told, l);
	}
	loop_timer_set(w->timer, TELL_MS);
}

/* ---- choosing ---- */

/* By the clocks of the plan's time zone. */
static unsigned
today(const struct sending_address *a)
{
	const struct calendar calendar = { .zone = a->zone };
	int64_t next_ms;

	return schedule_day(&calendar, clock_wall_us() / 1000, &next_ms);
}

static struct line *
line_today(struct sending *w, const struct sending_address *a)
{
	struct line *l = line_for(w, a);
	unsigned day = today(a);

	if (l == NULL)
		return NULL;
	if (l->use.yyyymmdd != day)
		l->asked = false;
	sending_use_day(&l->use, day);
	return l;
}

static bool
is_full(struct sending *w, const struct sending_address *a)
{
	uint64_t ceiling;
	struct line *l;
	bool up;

	if (!a->warming)
		return false;
	l = line_today(w, a);
	if (l == NULL)
		return true; /* no memory: rather another one */
	ceiling = sending_ceiling(a, l->use.yyyymmdd);
	/* Not asked yet is the same as away. */
	up = store_is_up(w->d->store) && l->asked;
	return ceiling != UINT64_MAX &&
	       sending_use_full(&l->use, ceiling, up ? 0 : w->d->hosts,
		   clock_wall_us() / 1000);
}

enum sending_answer
sending_choose(struct policyd *d, const struct shaping *s,
    const struct shaping_filter *f, struct slice domain, size_t *ret_address)
{
	bool full[SHAPING_ADDRESSES_MAX] = { false };
	const struct sending_address *a;
	struct line *l;

	for (size_t i = 0; i < f->address_count; i++)
		full[f->addresses[i]] =
		    is_full(d->sending, &s->addresses[f->addresses[i]]);
	if (!sending_pick(s, f, d->host, domain, full, ret_address))
		return SENDING_FULL;
	if (*ret_address == SHAPING_NO_ADDRESS)
		return SENDING_SYSTEM;
	a = &s->addresses[f->addresses[*ret_address]];
	l = a->warming ? line_today(d->sending, a) : NULL;
	if (l != NULL)
		sending_use_given(&l->use, clock_wall_us() / 1000);
	return SENDING_ADDRESS;
}

void
sending_attempted(struct policyd *d, const struct shaping *s,
    const struct shaping_filter *f, size_t address)
{
	const struct sending_address *a;
	struct line *l;

	if (address >= f->address_count)
		return;
	a = &s->addresses[f->addresses[address]];
	l = a->warming ? line_today(d->sending, a) : NULL;
	if (l != NULL)
		sending_use_ended(&l->use, clock_wall_us() / 1000);
}

/* ---- start and stop ---- */

static void
sending_free(struct policyd *d)
{
	struct sending *w = d->sending;

	if (w == NULL)
		return;
	map_free(w->by_name, free);
	free(w);
	d->sending = NULL;
}

/* A plan that goes on: Redis is asked before the first mail is. */
static void
sending_settings(struct policyd *d)
{
	struct settings *settings = settings_current(d->watch);
	const struct shaping *s = settings_shaping(settings);

	for (size_t i = 0; i < s->address_count; i++)
		if (s->addresses[i].warming)
			(void)line_today(d->sending, &s->addresses[i]);
	settings_unref(settings);
}

static int
sending_start(struct policyd *d, const struct host_config *config,
    struct event_base *base)
{
	struct sending *w = calloc(1, sizeof(*w));

	(void)config;
	if (w == NULL)
		return ERR_NOMEM;
	w->d = d;
	d->sending = w;
	w->by_name = map_new(ADDRESSES_MAX);
	w->timer = loop_timer_new(base, tell_all, w);
	if (w->by_name == NULL || w->timer == NULL)
		return ERR_NOMEM;
	sending_settings(d);
	tell_all(w);
	return 0;
}

/* What is still to be told leaves with the last commands of the store. */
static void
sending_stop(struct policyd *d)
{
	struct sending *w = d->sending;

	if (w == NULL)
		return;
	if (w->timer != NULL)
		tell_all(w);
	loop_timer_free(w->timer);
	w->timer = NULL;
}

const struct policyd_part part_sending = {
	.name = "sending",
	.start = sending_start,
	.settings = sending_settings,
	.stop = sending_stop,
	.closed = sending_free,
};
