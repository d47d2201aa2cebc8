/* SPDX-License-Identifier: BSD-2-Clause */
/* The handle to what we keep: opening it, and staying connected. */
#include "store/store.h"

#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/redis_store.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"

#define BACKOFF_FIRST_US 50000
#define BACKOFF_MAX_US 2000000
#define DIAL_LEAST_US 1000000

static void dial(struct store *s);

static void
tell_change(struct store *s, bool up, const char *why)
{
	if (s->changed != NULL && !s->closing)
		s->changed(up, why, s->changed_ctx);
}

/* The same wait for all hosts would make them come back together. */
static int64_t
with_jitter(int64_t us)
{
	uint32_t random;

	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return us * 3 / 4 + (int64_t)(random % (uint64_t)(us / 2));
}

static void
dial_later(struct store *s)
{
	int64_t us = with_jitter(s->backoff_us);
	struct timeval tv = { us / 1000000, us % 1000000 };

	s->backoff_us *= 2;
	if (s->backoff_us > BACKOFF_MAX_US)
		s->backoff_us = BACKOFF_MAX_US;
	(void)event_add(s->redial, &tv);
}

static void
dialed(struct link *link, const char *why, void *ctx)
{
	struct store *s = ctx;
	enum link_state before = s->state;

	s->dial = NULL;
	if (link != NULL) {
		s->link = link;
		link_set_events(link, &command_events, s);
		s->state = LINK_UP;
		s->backoff_us = BACKOFF_FIRST_US;
		commands_start(s);
		tell_change(s, true, "connected");
		return;
	}
	s->state = LINK_DOWN;
	dial_later(s);
	commands_fail(s, ERR_UNAVAIL);
	if (before == LINK_FIRST)
		tell_change(s, false, why);
}

static void
dial(struct store *s)
{
	s->dial = dial_start(s->base, &s->dial_options, dialed, s);
	if (s->dial == NULL)
		dial_later(s);
}

static void
on_redial(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	dial(ctx);
}

void
store_lost(struct store *s, const char *why)
{
	link_close(s->link);
	s->link = NULL;
	s->state = LINK_DOWN;
	dial_later(s);
	tell_change(s, false, why);
	commands_fail(s, ERR_UNAVAIL);
}

void
store_set_events_days(struct store *s, unsigned days)
{
	s->events_days = days > 0 ? days : STORE_EVENTS_DAYS;
}

unsigned
store_events_days(const struct store *s)
{
	return s->events_days;
}

void
store_set_audit_days(struct store *s, unsigned days)
{
	s->audit_days = days > 0 ? days : STORE_AUDIT_DAYS;
}

unsigned
store_audit_days(const struct store *s)
{
	return s->audit_days;
}

static char *
copy_text(const char *text)
{
	return text != NULL && text[0] != '\0' ? strdup(text) : NULL;
}

static void
store_free(struct store *s)
{
	commands_done(s);
	if (s->redial != NULL)
		event_free(s->redial);
	if (s->dial_options.password != NULL)
		crypto_wipe(s->dial_options.password,
		    strlen(s->dial_options.password));
	free(s->dial_options.user);
	free(s->dial_options.password);
	free(s);
}

int
store_open(struct event_base *base, const struct store_options *options,
    struct store **ret_store, char *error, size_t error_size)
{
	struct store *s = calloc(1, sizeof(*s));
	struct dial_options *d;
	int rc = ERR_NOMEM;

	(void)snprintf(error, error_size, "%s", err_text(ERR_NOMEM));
	if (s == NULL)
		return ERR_NOMEM;
	s->base = base;
	s->timeout_us = options->timeout_ms * 1000;
	s->events_days = STORE_EVENTS_DAYS;
	s->audit_days = STORE_AUDIT_DAYS;
	s->backoff_us = BACKOFF_FIRST_US;
	d = &s->dial_options;
	d->user = copy_text(options->user);
	d->password = copy_text(options->password);
	d->database = options->database;
	d->timeout_us = s->timeout_us * 5 > DIAL_LEAST_US ? s->timeout_us * 5
							  : DIAL_LEAST_US;
	d->shas = s->shas;
	if (commands_init(s) < 0)
		goto fail;
	if ((rc = redis_address_parse(options->address, &d->address, error,
		 error_size)) < 0)
		goto fail;
	rc = ERR_NOMEM;
	s->redial = event_new(base, -1, 0, on_redial, s);
	if (s->redial == NULL || posts_init(s) < 0)
		goto fail;
	dial(s);
	*ret_store = s;
	return 0;

fail:
	store_free(s);
	return rc;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	s->closing = true;
	dial_cancel(s->dial);
	link_close(s->link);
	s->link = NULL;
	s->state = LINK_DOWN;
	subscriber_free(s->subscriber);
	/* A callback may begin the next command: that fails, too. */
	do {
		posts_run(s);
		commands_fail(s, ERR_UNAVAIL);
	} while (!TAILQ_EMPTY(&s->failed));
	posts_done(s);
	store_free(s);
}

bool
store_is_up(const struct store *s)
{
	return s->state == LINK_UP;
}

void
store_on_change(struct store *s, store_changed *changed, void *ctx)
{
	s->changed = changed;
	s->changed_ctx = ctx;
}

int64_t
store_deadline(const struct store *s)
{
	return clock_mono_us() + s->timeout_us;
}

int64_t
store_long_deadline(const struct store *s)
{
	int64_t timeout_us = (int64_t)STORE_LONG_MS * 1000;

	if (timeout_us < s->timeout_us)
		timeout_us = s->timeout_us;
	return clock_mono_us() + timeout_us;
}
