/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends what lies in an endpoint's queue, one batch at a time, in order. */
#include "apid/webhooks.h"

#include <stdio.h>
#include <stdlib.h>

#include "apid/webhook_body.h"
#include "apid/webhook_retry.h"
#include "apid/webhook_sign.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"

#define BODY_MAX ((size_t)16 * 1024 * 1024)
#define EVENTS_MAX 1000
#define IDLE_MS 5000 /* somebody else may have queued something */
#define TROUBLE_MS 1000
#define CROWD_MS 50 /* too many requests under way */

void
sender_kick(struct endpoint *e, int64_t ms)
{
	int64_t due = clock_mono_us() + ms * 1000;

	if (e->gone || e->hub->stopping ||
	    (loop_timer_pending(e->timer) && e->due_us <= due))
		return;
	e->due_us = due;
	loop_timer_set(e->timer, ms);
}

static void
sender_idle(struct endpoint *e, int64_t ms)
{
	e->busy = false;
	sender_kick(e, ms);
	endpoint_unref(e);
}

static void
finished(int rc, int64_t count, void *ctx)
{
	struct endpoint *e = ctx;

	(void)count;
	e->hub->sending--;
	/* Otherwise the lease ends, and the batch goes out again. */
	sender_idle(e, rc < 0 ? TROUBLE_MS : 0);
}

/* One line when it begins to fail, when it gives up, when it is well. */
static void
report(struct endpoint *e, const struct webhook_verdict *v, const char *text)
{
	const char *t = e->tenant_name, *n = e->name;

	switch (v->outcome) {
	case WEBHOOK_DELIVERED:
		if (e->failures > 0)
			log_info("webhook %s:%s: well again", t, n);
		break;
	case WEBHOOK_RETRY:
		if (e->failures == 0)
			log_warning("webhook %s:%s: %s; trying again", t, n,
			    text);
		break;
	case WEBHOOK_DEAD:
		log_error("webhook %s:%s: batch %s is a dead letter after %u "
			  "attempts: %s",
		    t, n, e->batch_id, e->attempts, text);
		break;
	case WEBHOOK_GONE:
		log_error("webhook %s:%s: disabled: %s", t, n, text);
		break;
	}
}

static void
settle(struct endpoint *e, int rc, const struct http_answer *answer)
{
	static const enum webhook_end ends[] = {
		[WEBHOOK_DELIVERED] = WEBHOOK_END_DELIVERED,
		[WEBHOOK_RETRY] = WEBHOOK_END_RETRY,
		[WEBHOOK_DEAD] = WEBHOOK_END_DEAD,
		[WEBHOOK_GONE] = WEBHOOK_END_DISABLE,
	};
	struct webhooks *hub = e->hub;
	int64_t now_ms = clock_wall_us() / 1000;
	struct webhook_verdict v;
	uint32_t random;
	char text[300];

	crypto_random(&random, sizeof(random));
	v = webhook_judge(rc, answer, e->attempts, e->failures + 1, random);
	if (rc == 0)
		snprintf(text, sizeof(text), "HTTP status %u", answer->status);
	else
		snprintf(text, sizeof(text), "%s", answer->error);
	report(e, &v, text);
	if (v.outcome == WEBHOOK_DELIVERED) {
		hub->delivered++;
		e->failures = 0;
	} else {
		hub->failed++;
		hub->dead += v.outcome == WEBHOOK_DEAD;
		e->failures++;
		e->disabled = v.outcome == WEBHOOK_GONE;
		e->pause_until_us = clock_mono_us() + v.pause_ms * 1000;
	}
	webhook_finish(hub->store, endpoint_key(e), slice_of(e->batch_id),
	    ends[v.outcome], now_ms + v.wait_ms, slice_of(text),
	    e->gone ? 0 : e->tenant->revision, now_ms,
	    store_long_deadline(hub->store), finished, e);
}

static void
posted(int rc, const struct http_answer *answer, void *ctx)
{
	struct endpoint *e = ctx;

	if (rc == ERR_CANCELED) {
		e->hub->sending--;
		sender_idle(e, 0); /* the daemon ends: the lease will, too */
		return;
	}
	settle(e, rc, answer);
}

static int
make_body(struct endpoint *e, const struct webhook_batch *b, struct buf *out)
{
	struct event *events = calloc(EVENTS_MAX, sizeof(*events));
	struct slice rest = b->events, packed;
	size_t count = 0;
	int rc;

	if (events == NULL)
		return ERR_NOMEM;
	while (count < EVENTS_MAX && webhook_batch_next(&rest, &packed))
		if (webhook_event_unpack(packed, &events[count]) == 0)
			count++;
	rc = webhook_body(e->hook, e->tenant, (enum webhook_kind)b->kind,
	    events, count, clock_wall_us(), out);
	free(events);
	return rc;
}

/* "Name: value" */
static int
add_header(struct arena *a, struct slice headers[], size_t *count,
    const char *name, struct slice value)
{
	struct buf line;
	int rc;

	buf_init(&line, 8192);
	(void)buf_add_text(&line, name);
	(void)buf_add_text(&line, ": ");
	rc = buf_add_slice(&line, value);
	if (rc == 0) {
		headers[*count] = arena_dup(a, buf_slice(&line));
		rc = headers[*count].at != NULL ? 0 : ERR_NOMEM;
		(*count)++;
	}
	buf_done(&line);
	return rc;
}

static int
make_headers(struct endpoint *e, struct slice body, struct arena *a,
    struct slice headers[5], size_t *count)
{
	int64_t now_s = clock_wall_us() / 1000000;
	struct buf signature;
	char now[24];
	int rc;

	snprintf(now, sizeof(now), "%lld", (long long)now_s);
	rc = add_header(a, headers, count, "Content-Type",
	    slice_of(webhook_content_type(e->hook)));
	if (rc == 0)
		rc = add_header(a, headers, count, "webhook-id",
		    slice_of(e->batch_id));
	if (rc == 0)
		rc = add_header(a, headers, count, "webhook-timestamp",
		    slice_of(now));
	if (rc == 0 && e->hook->authorization.len > 0)
		rc = add_header(a, headers, count, "Authorization",
		    e->hook->authorization);
	if (rc < 0 || e->hook->secret_count == 0)
		return rc;
	buf_init(&signature, 1024);
	rc = webhook_sign(e->hook->secrets, e->hook->secret_count,
	    slice_of(e->batch_id), now_s, body, &signature);
	if (rc == 0)
		rc = add_header(a, headers, count, "webhook-signature",
		    buf_slice(&signature));
	buf_done(&signature);
	return rc;
}

static void
send_batch(struct endpoint *e, const struct webhook_batch *b)
{
	struct http_answer failure = { .retry_after_s = -1 };
	struct slice headers[5];
	struct http_post post = { .url = e->hook->url,
		.headers = headers,
		.timeout_ms = WEBHOOK_TIMEOUT_MS };
	struct arena *a = arena_new(32 * 1024);
	struct buf body;
	int rc = a != NULL ? 0 : ERR_NOMEM;

	snprintf(e->batch_id, sizeof(e->batch_id), "%.*s", SLICE_F(b->id));
	e->attempts = b->attempts + 1;
	buf_init(&body, BODY_MAX);
	if (rc == 0)
		rc = make_body(e, b, &body);
	post.body = buf_slice(&body);
	if (rc == 0)
		rc = make_headers(e, post.body, a, headers, &post.header_count);
	if (rc == 0)
		rc = http_client_post(e->hub->client, &post, posted, e);
	e->hub->sending++;
	buf_done(&body);
	arena_free(a);
	if (rc < 0) {
		failure.error = err_text(rc);
		settle(e, rc, &failure);
	}
}

static void
taken(int rc, const struct webhook_batch *b, void *ctx)
{
	struct endpoint *e = ctx;
	int64_t wait = IDLE_MS;

	if (rc < 0 || e->gone || e->hub->stopping) {
		sender_idle(e, TROUBLE_MS);
		return;
	}
	if (b->id.len > 0) {
		e->disabled = false;
		send_batch(e, b);
		return;
	}
	e->disabled = b->disabled;
	if (b->next_ms > 0) {
		wait = b->next_ms - clock_wall_us() / 1000;
		wait = wait < 1 ? 1 : wait > IDLE_MS ? IDLE_MS : wait;
	}
	sender_idle(e, wait);
}

void
sender_timer(void *ctx)
{
	struct endpoint *e = ctx;
	struct webhooks *hub = e->hub;
	int64_t now = clock_mono_us();
	struct webhook_take take = {
		.now_ms = clock_wall_us() / 1000,
		.lease_ms = WEBHOOK_LEASE_MS,
	};

	if (e->busy || !e->open || hub->stopping)
		return;
	if (now < e->pause_until_us) {
		sender_kick(e, (e->pause_until_us - now) / 1000 + 1);
		return;
	}
	if (hub->sending >= WEBHOOK_PARALLEL) {
		sender_kick(e, CROWD_MS);
		return;
	}
	for (unsigned kind = 0; kind < WEBHOOK_STORE_KINDS; kind++)
		take.batch_events[kind] = e->hook->batch_events;
	take.batch_ms = e->hook->batch_ms;
	e->busy = true;
	e->refs++;
	webhook_take(hub->store, endpoint_key(e), &take,
	    store_long_deadline(hub->store), taken, e);
}
