/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of daemons in Redis: put there by a timer, read by host. */
#include "store/metrics_store.h"

#include <stdlib.h>

#include "net/loop.h"
#include "store/keys.h"
#include "store/redis.h"
#include "store/store.h"
#include "util/err.h"
#include "util/number.h"

#define TEXT_MAX ((size_t)256 * 1024)

static const char *const daemons[] = { "milter", "policyd", "bounced", "apid",
	"scan" };
#define DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

/* ---- leaving them ---- */

struct metrics_feed {
	struct store *store;
	struct loop_timer *timer;
	metrics_printer *print;
	const char *daemon;
	char host[256];
	size_t host_len;
	struct buf text;
};

/* The next one comes soon, and is the better one. */
static void
left(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)rc;
	(void)reply;
	(void)ctx;
}

static void
leave(void *ctx)
{
	struct metrics_feed *f = ctx;
	struct key key = key_metrics((struct slice){ f->host, f->host_len },
	    slice_of(f->daemon));
	char ttl[NUMBER_TEXT_MAX];

	buf_clear(&f->text);
	if (f->print(f->daemon, &f->text) == 0) {
		struct slice argv[] = { SLICE("SET"), key_slice(&key),
			buf_slice(&f->text), SLICE("EX"),
			{ ttl, number_format(METRICS_TTL_S, ttl) } };

		redis_command(f->store, argv, 5, store_deadline(f->store), left,
		    NULL);
	}
	loop_timer_set(f->timer, METRICS_EVERY_MS);
}

struct metrics_feed *
metrics_feed_new(struct event_base *base, struct store *s, struct slice host,
    const char *daemon, metrics_printer *print)
{
	struct metrics_feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	if (host.len > sizeof(f->host))
		host.len = sizeof(f->host);
	*f = (struct metrics_feed){ .store = s,
		.print = print,
		.daemon = daemon,
		.host_len = host.len };
	memcpy(f->host, host.at, host.len);
	buf_init(&f->text, TEXT_MAX);
	f->timer = loop_timer_new(base, leave, f);
	if (f->timer == NULL) {
		free(f);
		return NULL;
	}
	loop_timer_set(f->timer, 0);
	return f;
}

void
metrics_feed_free(struct metrics_feed *f)
{
	if (f == NULL)
		return;
	loop_timer_free(f->timer);
	buf_done(&f->text);
	free(f);
}

/* ---- reading them ---- */

struct listing {
	struct store *store;
	char own[256];
	size_t own_len;
	int64_t deadline_us;
	metrics_got *got;
	metrics_end *end;
	void *ctx;
	unsigned waiting; /* answers to come */
	int rc;
};
struct question {
	struct listing *listing;
	size_t host_len;
	char host[];
};

static void
answered(struct listing *l, int rc)
{
	if (rc < 0)
		l->rc = rc;
	if (--l->waiting > 0)
		return;
	l->end(l->rc, l->ctx);
	free(l);
}

static void
got_text(int rc, const struct redis_reply *reply, void *ctx)
{
	struct question *q = ctx;

	if (rc == 0 && !redis_is_nil(reply))
		q->listing->got((struct slice){ q->host, q->host_len },
		    redis_string(reply), q->listing->ctx);
	answered(q->listing, rc);
	free(q);
}

static void
ask_one(struct listing *l, struct slice host, const char *daemon)
{
	struct key key = key_metrics(host, slice_of(daemon));
	struct slice argv[] = { SLICE("GET"), key_slice(&key) };
	struct question *q = malloc(sizeof(*q) + host.len);

	if (q == NULL) {
		l->rc = ERR_NOMEM;
		return;
	}
	*q = (struct question){ .listing = l, .host_len = host.len };
	memcpy(q->host, host.at, host.len);
	l->waiting++;
	redis_command(l->store, argv, 2, l->deadline_us, got_text, q);
}

static void
ask(struct listing *l, struct slice host)
{
	for (size_t i = 0; i < DAEMONS && host.len > 0; i++)
		ask_one(l, host, daemons[i]);
}

static void
got_hosts(int rc, const struct redis_reply *reply, void *ctx)
{
	struct listing *l = ctx;
	struct slice own = { l->own, l->own_len };

	for (size_t i = 0; rc == 0 && i < redis_count(reply); i++) {
		struct slice host = redis_string(redis_at(reply, i));

		if (!slice_eq(host, own))
			ask(l, host);
	}
	if (rc == 0)
		ask(l, own);
	answered(l, rc);
}

void
metrics_list(struct store *s, struct slice host, int64_t deadline_us,
    metrics_got *got, metrics_end *end, void *ctx)
{
	struct key key = key_hosts();
	struct slice argv[] = { SLICE("HKEYS"), key_slice(&key) };
	struct listing *l = calloc(1, sizeof(*l));

	if (l == NULL || host.len > sizeof(l->own)) {
		free(l);
		end(ERR_NOMEM, ctx);
		return;
	}
	*l = (struct listing){ .store = s,
		.own_len = host.len,
		.deadline_us = deadline_us,
		.got = got,
		.end = end,
		.ctx = ctx,
		.waiting = 1 };
	memcpy(l->own, host.at, host.len);
	redis_command(s, argv, 2, deadline_us, got_hosts, l);
}
