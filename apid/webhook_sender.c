/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends what lies in an endpoint's queue, one batch at a time, in order. */
#include "apid/webhooks.h"

#include <stdio.h>
#include <stdlib.h>

#include "apid/inbound_body.h"
#include "apid/inbound_load.h"
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
/* Of a mail: its files decoded, or their first part in base64; its header and
 * texts, of which each octet may become a few. */
#define MAIL_BODY_MAX(size) (8 * (size) + BODY_MAX)
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
	inbound_unload(e->mail);
	e->mail = NULL;
	free(e->event_id);
	e->event_id = NULL;
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

/* What became of it does not matter: it ends by itself. */
static void
mail_taken(int rc, void *ctx)
{
	(void)rc;
	(void)ctx;
}

/* In this order: killed between the two, its content waits for its end. */
static void
delivered(int rc, int64_t count, void *ctx)
{
	struct endpoint *e = ctx;

	if (rc == 0 && e->mail != NULL)
		inbound_taken(e->hub->store, slice_of(e->mail_host),
		    slice_of(e->tenant_name), slice_of(e->mail_id),
		    slice_of(e->name), store_long_deadline(e->hub->store),
		    mail_taken, NULL);
	finished(rc, count, e);
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
	    store_long_deadline(hub->store),
	    v.outcome == WEBHOOK_DELIVERED ? delivered : finished, e);
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
make_headers(struct endpoint *e, struct slice content_type, struct slice body,
    struct arena *a, struct slice headers[5], size_t *count)
{
	int64_t now_s = clock_wall_us() / 1000000;
	struct buf signature;
	char now[24];
	int rc;

	snprintf(now, sizeof(now), "%lld", (long long)now_s);
	rc = add_header(a, headers, count, "Content-Type", content_type);
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

/* It was not sent at all. */
static void
fail(struct endpoint *e, int rc)
{
	struct http_answer failure = { .retry_after_s = -1,
		.error = err_text(rc) };

	settle(e, rc, &failure);
}

static int
post_body(struct endpoint *e, struct slice content_type, struct slice body,
    int64_t timeout_ms)
{
	struct slice headers[5];
	struct http_post post = { .url = e->hook->url,
		.headers = headers,
		.body = body,
		.timeout_ms = timeout_ms };
	struct arena *a = arena_new(32 * 1024);
	int rc;

	if (a == NULL)
		return ERR_NOMEM;
	rc =
	    make_headers(e, content_type, body, a, headers, &post.header_count);
	if (rc == 0)
		rc = http_client_post(e->hub->client, &post, posted, e);
	arena_free(a);
	return rc;
}

static void
send_batch(struct endpoint *e, const struct webhook_batch *b)
{
	struct buf body;
	int rc;

	buf_init(&body, BODY_MAX);
	rc = make_body(e, b, &body);
	if (rc == 0)
		rc = post_body(e, slice_of(webhook_content_type(e->hook)),
		    buf_slice(&body), WEBHOOK_TIMEOUT_MS);
	buf_done(&body);
	if (rc < 0)
		fail(e, rc);
}

/* ---- a mail ---- */

static int
send_mail(struct endpoint *e, struct inbound_loaded *mail)
{
	struct mail_view view;
	const struct inbound_told told = { &mail->record, &view,
		slice_of(e->event_id) };
	struct buf body, content_type;
	int rc;

	buf_init(&body, MAIL_BODY_MAX(mail->mail.len));
	buf_init(&content_type, 200);
	rc = mail_view_read(buf_slice(&mail->mail), mail->arena, &view);
	if (rc == 0)
		rc = inbound_body(e->hook, e->tenant, &told,
		    slice_of(e->batch_id), clock_wall_us(), &body,
		    &content_type);
	if (rc == 0)
		rc = post_body(e, buf_slice(&content_type), buf_slice(&body),
		    WEBHOOK_MAIL_TIMEOUT_MS);
	buf_done(&body);
	buf_done(&content_type);
	return rc;
}

/* Nobody has it any more: it was too old, or deleted by hand. */
static void
mail_gone(struct endpoint *e)
{
	log_info("webhook %s:%s: mail %s is not kept any more", e->tenant_name,
	    e->name, e->mail_id);
	webhook_finish(e->hub->store, endpoint_key(e), slice_of(e->batch_id),
	    WEBHOOK_END_DELIVERED, 0, (struct slice){ NULL, 0 }, 0,
	    clock_wall_us() / 1000, store_long_deadline(e->hub->store),
	    finished, e);
}

static void
mail_loaded(int rc, struct inbound_loaded *mail, void *ctx)
{
	struct endpoint *e = ctx;

	e->mail = mail;
	if (rc == ERR_NOTFOUND) {
		mail_gone(e);
	} else if (rc < 0 && !err_is_temporary(rc)) {
		fail(e, rc);
	} else if (rc < 0 || e->gone || e->hub->stopping) {
		/* The lease ends, and it is tried again. */
		e->hub->sending--;
		sender_idle(e, TROUBLE_MS);
	} else if ((rc = send_mail(e, mail)) < 0) {
		fail(e, rc);
	}
}

/* HOST of HOST/YYYYMMDD/MS-SEQ. */
static bool
host_of(struct slice id, char room[WEBHOOK_POSITION_MAX])
{
	for (int i = 0; i < 2; i++) {
		const char *slash =
		    id.len > 0 ? memrchr(id.at, '/', id.len) : NULL;

		if (slash == NULL)
			return false;
		id.len = (size_t)(slash - id.at);
	}
	if (id.len >= WEBHOOK_POSITION_MAX)
		return false;
	memcpy(room, id.at, id.len);
	room[id.len] = '\0';
	return true;
}

static void
load_mail(struct endpoint *e, const struct webhook_batch *b)
{
	struct slice rest = b->events, packed;
	struct event event;

	if (!webhook_batch_next(&rest, &packed) ||
	    webhook_event_unpack(packed, &event) < 0 ||
	    !host_of(event.id, e->mail_host) || !inbound_id_ok(event.reason)) {
		fail(e, ERR_SYNTAX);
		return;
	}
	snprintf(e->mail_id, sizeof(e->mail_id), "%.*s", SLICE_F(event.reason));
	e->event_id = strndup(event.id.at, event.id.len);
	inbound_load(slice_of(e->mail_host), slice_of(e->tenant_name),
	    slice_of(e->mail_id), mail_loaded, e);
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
		snprintf(e->batch_id, sizeof(e->batch_id), "%.*s",
		    SLICE_F(b->id));
		e->attempts = b->attempts + 1;
		e->hub->sending++;
		if (b->kind == WEBHOOK_KIND_INBOUND)
			load_mail(e, b);
		else
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
		take.batch_events[kind] =
		    kind == WEBHOOK_KIND_INBOUND ? 1 : e->hook->batch_events;
	take.batch_ms = e->hook->batch_ms;
	e->busy = true;
	e->refs++;
	webhook_take(hub->store, endpoint_key(e), &take,
	    store_long_deadline(hub->store), taken, e);
}
