/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of refused recipients, written until Redis has taken them. */
#include "policyd/refusals.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "net/loop.h"
#include "policyd/policyd.h"
#include "policyd/report.h"
#include "store/event_store.h"
#include "store/store.h"
#include "util/err.h"
#include "util/log.h"

#define AGAIN_MS 1000
#define WAITING_MAX 20000 /* events kept, of about 600 octets */
#define AT_ONCE 1000      /* offered again in one second */

struct refusal {
	STAILQ_ENTRY(refusal) next;
	struct refusals *all;
	struct event event;
	char text[]; /* what the event's values point to */
};

struct refusals {
	struct policyd *daemon;
	struct loop_timer *timer;
	STAILQ_HEAD(, refusal) waiting;
	size_t count; /* waiting */
};

static void
lost(struct refusals *r, int rc)
{
	r->daemon->count.events_failed++;
	report_unavailable(r->daemon, rc,
	    "a refusal is missing among the events");
}

static void
appended(int rc, struct slice id, void *ctx)
{
	struct refusal *one = ctx;
	struct refusals *r = one->all;

	(void)id;
	/* One that timed out was sent, and Redis may still take it. */
	if (rc == ERR_UNAVAIL && r->count < WAITING_MAX) {
		STAILQ_INSERT_TAIL(&r->waiting, one, next);
		r->count++;
		if (!loop_timer_pending(r->timer))
			loop_timer_set(r->timer, AGAIN_MS);
		return;
	}
	if (rc < 0)
		lost(r, rc);
	free(one);
}

static void
offer(struct refusals *r, struct refusal *one)
{
	struct policyd *d = r->daemon;

	event_append(d->store, d->host, &one->event, store_deadline(d->store),
	    appended, one);
}

static void
offer_again(void *ctx)
{
	struct refusals *r = ctx;
	size_t n = r->count < AT_ONCE ? r->count : AT_ONCE;

	if (!store_is_up(r->daemon->store))
		n = 0;
	for (; n > 0; n--) {
		struct refusal *one = STAILQ_FIRST(&r->waiting);

		STAILQ_REMOVE_HEAD(&r->waiting, next);
		r->count--;
		offer(r, one);
	}
	if (r->count > 0)
		loop_timer_set(r->timer, AGAIN_MS);
}

struct refusals *
refusals_new(struct event_base *base, struct policyd *daemon)
{
	struct refusals *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->daemon = daemon;
	STAILQ_INIT(&r->waiting);
	r->timer = loop_timer_new(base, offer_again, r);
	if (r->timer == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void
refusals_write(struct refusals *r, const struct event *e)
{
	struct refusal *one;
	struct event copy = *e;
	/* The values that a refusal has. */
	struct slice *values[] = { &copy.tenant, &copy.recipient, &copy.reason,
		&copy.return_path, &copy.sender, &copy.source_ip };
	size_t len = 0, n = sizeof(values) / sizeof(values[0]);

	for (size_t i = 0; i < n; i++)
		len += values[i]->len;
	one = malloc(sizeof(*one) + len);
	if (one == NULL) {
		lost(r, ERR_NOMEM);
		return;
	}
	char *to = one->text;
	for (size_t i = 0; i < n; i++) {
		if (values[i]->at == NULL)
			continue;
		memcpy(to, values[i]->at, values[i]->len);
		values[i]->at = to;
		to += values[i]->len;
	}
	one->all = r;
	one->event = copy;
	offer(r, one);
}

void
refusals_free(struct refusals *r)
{
	struct refusal *one;

	if (r == NULL)
		return;
	if (r->count > 0)
		log_warning("%zu refusals are missing among the events",
		    r->count);
	while ((one = STAILQ_FIRST(&r->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->waiting, next);
		free(one);
	}
	loop_timer_free(r->timer);
	free(r);
}
