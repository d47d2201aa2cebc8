/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of the daemon that makes retries: its rounds, and whose curve goes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/loop.h"
#include "policyd/part.h"
#include "policyd/policyd.h"
#include "policyd/providers.h"
#include "policyd/retry.h"
#include "proto/address.h"
#include "service/metrics.h"
#include "store/delivery_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define POLL_MS 500     /* events that bounced has written */
#define TROUBLE_MS 1000 /* after trouble with Redis */
#define BEGIN_MS 5000   /* clocks differ */
#define ARENA_MAX ((size_t)16 << 20)
#define TEXT_MAX ((size_t)32 << 20) /* of one message: header, recipients */

static struct retry retry;

int64_t
retry_now_ms(void)
{
	return clock_wall_us() / 1000;
}

/* ---- curves ---- */

/* Names in records: a letter, and the filter's name. */
static struct slice
owner_name(struct retry *r, char letter, struct slice name)
{
	char text[RETRY_OWNER_MAX];
	int n = snprintf(text, sizeof(text), "%c%.*s", letter, SLICE_F(name));

	return arena_dup(r->arena, (struct slice){ text, (size_t)n });
}

/* By what is known now: nobody waits for the DNS here. */
static const struct shaping_filter *
filter_for(struct retry *r, const struct shaping *shaping,
    struct slice recipient)
{
	struct slice domain = address_domain(recipient);
	struct provider *p = NULL;

	if (domain.len > 0 && r->d->providers != NULL &&
	    shaping_needs_mx(shaping))
		(void)providers_find(r->d->providers, domain, &p);
	return shaping_match(shaping, recipient, p != NULL ? p->hosts : NULL,
	    p != NULL ? p->count : 0);
}

const struct retry_curve *
retry_curve_for(struct retry *r, const struct tenant *t, struct slice recipient,
    struct slice *ret_owner)
{
	const struct shaping *shaping = settings_shaping(r->snapshot);
	const struct shaping_filter *f = NULL;
	const struct retry_curve *c;
	const struct slice none = { NULL, 0 };

	if (r->schedule != RETRY_BY_SCHEDULER) {
		*ret_owner = owner_name(r, 'n', none);
		return NULL;
	}
	if (r->filters)
		f = filter_for(r, shaping, recipient);
	c = settings_retry(r->snapshot, t, f);
	*ret_owner = c == &shaping->retry ? owner_name(r, 'g', none)
		     : c == &t->retry     ? owner_name(r, 't', none)
					  : owner_name(r, 'f', f->name);
	return c;
}

const struct retry_curve *
retry_curve_of(const struct retry *r, const struct retry_state *s)
{
	const struct shaping *shaping = settings_shaping(r->snapshot);
	const struct shaping_filter *f;
	const struct tenant *t;

	switch (s->owner.len > 0 ? s->owner.at[0] : 'n') {
	case 'g':
		return &shaping->retry;
	case 't':
		t = settings_tenant(r->snapshot, s->tenant);
		return t != NULL ? &t->retry : NULL;
	case 'f':
		f = shaping_filter_named(shaping, slice_skip(s->owner, 1));
		return f != NULL ? &f->retry : NULL;
	default:
		return NULL;
	}
}

static bool
filters_have_curves(const struct settings *s)
{
	const struct shaping *shaping = settings_shaping(s);

	if (shaping->mode != MODE_ENFORCE)
		return false;
	for (size_t i = 0; i < shaping->filter_count; i++)
		if (shaping->filters[i].retry.given)
			return true;
	return false;
}

/* ---- rounds ---- */

static bool
is_active(const struct retry *r)
{
	return r->schedule == RETRY_BY_SCHEDULER || r->windows;
}

static void
round_over(struct retry *r, int64_t ms)
{
	const struct retry_counters *c = &r->count;

	metrics_set(METRIC_POLICYD_RETRY_ASKED, c->asked);
	metrics_set(METRIC_POLICYD_RETRY_GIVEN_UP, c->given_up);
	metrics_set(METRIC_POLICYD_RETRY_STOPPED, c->stopped);
	metrics_set(METRIC_POLICYD_RETRY_FAILURES, c->failures);
	metrics_set(METRIC_POLICYD_RETRY_WAITING, c->waiting);
	r->busy = false;
	settings_unref(r->snapshot);
	r->snapshot = NULL;
	arena_reset(r->arena);
	loop_timer_set(r->timer, ms);
}

void
retry_rest(struct retry *r, bool more)
{
	int64_t ms = POLL_MS;

	if (more) {
		ms = 0;
	} else if (r->next_ms > 0) {
		int64_t until = r->next_ms - retry_now_ms();

		ms = until < 0 ? 0 : until < POLL_MS ? until : POLL_MS;
	}
	round_over(r, ms);
}

void
retry_failed(struct retry *r, int rc)
{
	unsigned long missed;

	/* The position of another time: a batch that was written after all. */
	r->begun = false;
	if (rc != ERR_CONFLICT && log_limit_ok(&r->trouble, 60, &missed))
		log_warning("retry: %s; Postfix's own schedule goes on",
		    err_text(rc));
	round_over(r, TROUBLE_MS);
}

void
retry_moved(struct retry *r)
{
	memcpy(r->position, r->next, r->next_len);
	r->position_len = r->next_len;
}

void
retry_write(struct retry *r, retry_kept *kept)
{
	struct retry_row *rows =
	    arena_calloc(r->arena, r->message_count + 1, sizeof(*rows));
	size_t count = 0;

	for (size_t i = 0; rows != NULL && i < r->message_count; i++) {
		const struct retry_message *m = &r->messages[i];
		char room[RETRY_STATE_MAX];

		if (!m->changed)
			continue;
		rows[count] = (struct retry_row){ .queue_id = m->queue_id,
			.at_ms = m->at_ms };
		if (m->known)
			rows[count].record = arena_dup(r->arena,
			    (struct slice){ room,
				retry_state_format(&m->state, room) });
		if (m->known && rows[count].record.at == NULL)
			rows = NULL;
		count++;
	}
	if (rows == NULL) {
		retry_failed(r, ERR_NOMEM);
		return;
	}
	retry_keep(r->d->store, r->d->host, RETRY_CONSUMER,
	    (struct slice){ r->position, r->position_len },
	    (struct slice){ r->next, r->next_len }, rows, count,
	    store_long_deadline(r->d->store), kept, r);
}

static void
on_counted(int rc, uint64_t count, void *ctx)
{
	struct retry *r = ctx;

	if (r->stopping)
		return;
	if (rc == 0)
		r->count.waiting = count;
}

/*
 * Where those begin who were never here: mail that was deferred before comes
 * in when Postfix has tried it again.
 */
static void
begin_now(struct retry *r)
{
	int64_t ms = retry_now_ms() - BEGIN_MS;
	time_t at = (time_t)(ms / 1000);
	struct tm tm = { 0 };
	char day[16];
	int n;

	(void)gmtime_r(&at, &tm);
	(void)strftime(day, sizeof(day), "%Y%m%d", &tm);
	n = snprintf(r->next, sizeof(r->next), "%.*s/%s/%" PRId64 "-0",
	    SLICE_F(r->d->host), day, ms);
	r->next_len = n > 0 && n < (int)sizeof(r->next) ? (size_t)n : 0;
}

static void
on_begun(int rc, void *ctx)
{
	struct retry *r = ctx;

	if (r->stopping)
		return;
	if (rc < 0) {
		retry_failed(r, rc);
		return;
	}
	retry_moved(r);
	r->begun = true;
	r->from_now = false;
	retry_read(r);
}

static void
on_position(int rc, struct slice current, void *ctx)
{
	struct retry *r = ctx;

	if (r->stopping)
		return;
	if (rc < 0 || current.len > sizeof(r->position)) {
		retry_failed(r, rc < 0 ? rc : ERR_LIMIT);
		return;
	}
	memcpy(r->position, current.at, current.len);
	r->position_len = current.len;
	if (current.len == 0 || r->from_now) {
		begin_now(r);
		r->message_count = 0;
		retry_write(r, on_begun);
		return;
	}
	r->begun = true;
	retry_read(r);
}

static void
on_timer(void *ctx)
{
	struct retry *r = ctx;
	const struct policyd *d = r->d;

	if (r->stopping || r->busy || !is_active(r) ||
	    !settings_watch_known(d->watch))
		return;
	r->busy = true;
	r->next_ms = 0;
	r->snapshot = settings_current(d->watch);
	retry_count(d->store, d->host, store_long_deadline(d->store),
	    on_counted, r);
	if (r->begun)
		retry_read(r);
	else
		position_get(d->store, d->host, RETRY_CONSUMER,
		    store_long_deadline(d->store), on_position, r);
}

/* ---- the part ---- */

static void
settings_in_force(struct policyd *d)
{
	struct retry *r = &retry;
	struct settings *s = settings_current(d->watch);
	bool was = is_active(r), settled = r->settled;

	r->schedule = settings_retry_schedule(s);
	r->filters = filters_have_curves(s);
	r->windows = false;
	for (size_t i = 0; i < settings_tenant_count(s) && !r->windows; i++)
		r->windows = retry_windows_of(settings_tenant_at(s, i));
	settings_unref(s);
	r->settled = settings_watch_known(d->watch);
	if (!is_active(r))
		return;
	if (!was && settled) {
		/* What has happened meanwhile is none of its business. */
		r->begun = false;
		r->from_now = true;
	}
	if (!r->busy)
		loop_timer_set(r->timer, 0);
}

static int
start(struct policyd *d, const struct host_config *config,
    struct event_base *base)
{
	struct retry *r = &retry;

	(void)config;
	*r = (struct retry){ .d = d };
	r->arena = arena_new(ARENA_MAX);
	r->text_arena = arena_new(TEXT_MAX);
	r->timer = loop_timer_new(base, on_timer, r);
	if (r->arena == NULL || r->text_arena == NULL || r->timer == NULL)
		return ERR_NOMEM;
	settings_in_force(d);
	return 0;
}

static void
stop(struct policyd *d)
{
	(void)d;
	retry.stopping = true;
	loop_timer_free(retry.timer);
	retry.timer = NULL;
}

static void
closed(struct policyd *d)
{
	(void)d;
	settings_unref(retry.snapshot);
	arena_free(retry.arena);
	arena_free(retry.text_arena);
	memset(&retry, 0, sizeof(retry));
	retry.stopping = true;
}

static void
state(struct policyd *d)
{
	const struct retry_counters *c = &retry.count;

	(void)d;
	log_info("retry: waiting=%" PRIu64 ", asked=%" PRIu64
		 ", given-up=%" PRIu64 ", stopped=%" PRIu64
		 ", failures=%" PRIu64,
	    c->waiting, c->asked, c->given_up, c->stopped, c->failures);
}

const struct policyd_part part_retry = {
	.name = "retry",
	.start = start,
	.settings = settings_in_force,
	.stop = stop,
	.closed = closed,
	.state = state,
};
