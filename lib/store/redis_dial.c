/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding, connecting to and logging in to Redis. */
#include "store/redis_dial.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/redis_script.h"
#include "util/err.h"
#include "util/number.h"

#define HELLO_MAX (1024 * 1024)

enum step {
	STEP_SENTINEL, /* get-master-addr-by-name */
	STEP_HELLO,
	STEP_SELECT,
	STEP_PING,
	STEP_ROLE,
	STEP_SCRIPT /* and those behind it */
};

struct dial {
	struct event_base *base;
	const struct dial_options *options;
	dial_done *done;
	void *ctx;
	struct event *timer;
	struct link *link;
	struct buf out;
	size_t asked; /* sentinels */
	enum step step;
	size_t script; /* the next that will be answered */
	bool sentinel_link;
	char why[300];
};

static void next_attempt(struct dial *d);

static void
dial_free(struct dial *d)
{
	link_close(d->link);
	if (d->timer != NULL)
		event_free(d->timer);
	buf_done(&d->out);
	free(d);
}

void
dial_cancel(struct dial *d)
{
	if (d != NULL)
		dial_free(d);
}

/* Takes the link away, so that it lives on. */
static void
finish(struct dial *d, struct link *link)
{
	dial_done *done = d->done;
	void *ctx = d->ctx;
	char why[sizeof(d->why)];

	memcpy(why, d->why, sizeof(why));
	if (link != NULL)
		d->link = NULL;
	dial_free(d);
	done(link, link != NULL ? "" : why, ctx);
}

__attribute__((format(printf, 2, 3))) static void
explain(struct dial *d, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(d->why, sizeof(d->why), format, ap);
	va_end(ap);
}

static void
attempt_failed(struct dial *d)
{
	link_close(d->link);
	d->link = NULL;
	next_attempt(d);
}

/* ---- what is said ---- */

static void
say(struct dial *d, const struct slice *argv, size_t argc)
{
	(void)redis_format(argv, argc, &d->out); /* kept in out.rc */
}

static void
say_hello(struct dial *d)
{
	const struct dial_options *o = d->options;
	struct slice argv[5] = { SLICE("HELLO"), SLICE("2"), SLICE("AUTH"),
		SLICE("default"), slice_of(o->password) };
	char database[NUMBER_TEXT_MAX];

	if (o->user != NULL)
		argv[3] = slice_of(o->user);
	say(d, argv, o->password != NULL ? 5 : 2);
	struct slice select[2] = { SLICE("SELECT"),
		{ database, number_format(o->database, database) } };
	say(d, select, 2);
	say(d, &SLICE("PING"), 1);
	say(d, &SLICE("ROLE"), 1);
	for (size_t i = 0; o->shas != NULL && i < SCRIPT_COUNT; i++) {
		struct slice load[3] = { SLICE("SCRIPT"), SLICE("LOAD"),
			slice_of(redis_script_text((enum script)i)) };

		say(d, load, 3);
	}
}

static void
say_sentinel(struct dial *d)
{
	struct slice argv[3] = { SLICE("SENTINEL"),
		SLICE("get-master-addr-by-name"),
		slice_of(d->options->address.master) };

	say(d, argv, 3);
}

static void
on_writable(void *ctx)
{
	struct dial *d = ctx;

	buf_consume(&d->out, link_send(d->link, d->out.at, d->out.len));
}

static void
on_opened(void *ctx)
{
	struct dial *d = ctx;

	buf_clear(&d->out);
	d->script = 0;
	d->step = d->sentinel_link ? STEP_SENTINEL : STEP_HELLO;
	if (d->sentinel_link)
		say_sentinel(d);
	else
		say_hello(d);
	if (d->out.rc < 0) {
		explain(d, "out of memory");
		finish(d, NULL);
		return;
	}
	on_writable(d);
}

/* ---- what is answered ---- */

static void connect_to(struct dial *d, const struct redis_endpoint *to);

static void
got_master(struct dial *d, const struct redis_reply *reply)
{
	struct redis_endpoint to;

	if (redis_count(reply) != 2) {
		explain(d, "%s: knows no master \"%s\"",
		    d->options->address.at[d->asked - 1].text,
		    d->options->address.master);
		attempt_failed(d);
		return;
	}
	if (redis_endpoint_literal(redis_string(redis_at(reply, 0)),
		redis_string(redis_at(reply, 1)), &to) < 0) {
		explain(d, "%s: names its master by a name, not an address",
		    d->options->address.at[d->asked - 1].text);
		attempt_failed(d);
		return;
	}
	link_close(d->link);
	d->link = NULL;
	d->sentinel_link = false;
	connect_to(d, &to);
}

static void
got_script(struct dial *d, struct slice sha)
{
	if (sha.len != REDIS_SHA_LEN) {
		explain(d, "SCRIPT LOAD: no name came back");
		attempt_failed(d);
		return;
	}
	memcpy(d->options->shas[d->script++], sha.at, sha.len);
}

static bool
is_ready(const struct dial *d)
{
	return d->step == STEP_SCRIPT &&
	       (d->options->shas == NULL || d->script == SCRIPT_COUNT);
}

static void
on_reply(const struct redis_reply *reply, void *ctx)
{
	struct dial *d = ctx;
	struct slice error = redis_error(reply);

	if (error.at != NULL) {
		explain(d, "%.*s", (int)(error.len < 200 ? error.len : 200),
		    error.at);
		attempt_failed(d);
		return;
	}
	switch (d->step) {
	case STEP_SENTINEL:
		got_master(d, reply);
		return;
	case STEP_HELLO:
	case STEP_SELECT:
	case STEP_PING:
		d->step++;
		return;
	case STEP_ROLE:
		d->step++;
		if (!slice_eq(redis_string(redis_at(reply, 0)),
			SLICE("master"))) {
			explain(d, "the server is not a master");
			attempt_failed(d);
			return;
		}
		break;
	case STEP_SCRIPT:
		got_script(d, redis_string(reply));
		break;
	}
	if (d->link != NULL && is_ready(d))
		finish(d, d->link);
}

static void
on_down(const char *why, void *ctx)
{
	struct dial *d = ctx;

	explain(d, "%s", why);
	attempt_failed(d);
}

static const struct link_events dial_events = {
	.opened = on_opened,
	.reply = on_reply,
	.writable = on_writable,
	.down = on_down,
};

/* ---- attempts ---- */

static void
set_timer(struct dial *d, int64_t us)
{
	struct timeval tv = { us / 1000000, us % 1000000 };

	(void)event_add(d->timer, &tv);
}

static void
connect_to(struct dial *d, const struct redis_endpoint *to)
{
	set_timer(d, d->options->timeout_us);
	/* A failure right here is told by the timer, at once: the caller may
	 * be dial_start. */
	if (link_open(d->base, to, &dial_events, d, &d->link, d->why,
		sizeof(d->why)) < 0)
		set_timer(d, 0);
}

static void
next_attempt(struct dial *d)
{
	const struct redis_address *a = &d->options->address;

	if (d->asked == a->count) {
		finish(d, NULL);
		return;
	}
	d->sentinel_link = a->sentinel;
	connect_to(d, &a->at[d->asked++]);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct dial *d = ctx;

	(void)fd;
	(void)what;
	if (d->link != NULL)
		explain(d, "no answer to the greeting in time");
	attempt_failed(d);
}

struct dial *
dial_start(struct event_base *base, const struct dial_options *options,
    dial_done *done, void *ctx)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->base = base;
	d->options = options;
	d->done = done;
	d->ctx = ctx;
	buf_init(&d->out, HELLO_MAX);
	d->timer = event_new(base, -1, 0, on_timer, d);
	if (d->timer == NULL) {
		dial_free(d);
		return NULL;
	}
	next_attempt(d);
	return d;
}
