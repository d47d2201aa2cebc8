/* SPDX-License-Identifier: BSD-2-Clause */
/* Subscriptions: a connection of their own, made again whenever it breaks. */
#include <event2/event.h>
#include <stdlib.h>

#include "store/redis_store.h"
#include "util/clock.h"
#include "util/err.h"

#define CHANNELS_MAX 8
#define AGAIN_US 1000000
#define PING_US 5000000 /* a dead connection is found by its silence */
#define SILENCE_US (3 * PING_US)

struct channel {
	char name[128];
	size_t len;
	redis_message *message;
	void *ctx;
};

struct subscriber {
	struct store *store;
	struct dial_options options;
	struct dial *dial;
	struct link *link;
	struct event *timer; /* to dial again, or to ping */
	struct buf out;
	struct channel channels[CHANNELS_MAX];
	size_t count;
	int64_t heard_us;
};

static void
set_timer(struct subscriber *sub, int64_t us)
{
	struct timeval tv = { us / 1000000, us % 1000000 };

	(void)event_add(sub->timer, &tv);
}

static void
send_out(void *ctx)
{
	struct subscriber *sub = ctx;

	buf_consume(&sub->out, link_send(sub->link, sub->out.at, sub->out.len));
}

static void
subscribe(struct subscriber *sub, const struct channel *c)
{
	struct slice argv[2] = { SLICE("SUBSCRIBE"), { c->name, c->len } };

	if (redis_format(argv, 2, &sub->out) == 0)
		send_out(sub);
}

static void
on_reply(const struct redis_reply *reply, void *ctx)
{
	struct subscriber *sub = ctx;
	struct slice channel = redis_string(redis_at(reply, 1));

	sub->heard_us = clock_mono_us();
	if (!slice_eq(redis_string(redis_at(reply, 0)), SLICE("message")))
		return;
	for (size_t i = 0; i < sub->count; i++) {
		const struct channel *c = &sub->channels[i];

		if (slice_eq(channel, (struct slice){ c->name, c->len }))
			c->message(redis_string(redis_at(reply, 2)), c->ctx);
	}
}

static void
lost(struct subscriber *sub)
{
	link_close(sub->link);
	sub->link = NULL;
	set_timer(sub, AGAIN_US);
}

static void
on_down(const char *why, void *ctx)
{
	(void)why; /* the store's own connection tells of the same trouble */
	lost(ctx);
}

static const struct link_events subscriber_events = {
	.reply = on_reply,
	.writable = send_out,
	.down = on_down,
};

static void
dialed(struct link *link, const char *why, void *ctx)
{
	struct subscriber *sub = ctx;

	(void)why;
	sub->dial = NULL;
	if (link == NULL) {
		set_timer(sub, AGAIN_US);
		return;
	}
	sub->link = link;
	link_set_events(link, &subscriber_events, sub);
	sub->heard_us = clock_mono_us();
	buf_clear(&sub->out);
	for (size_t i = 0; i < sub->count; i++)
		subscribe(sub, &sub->channels[i]);
	set_timer(sub, PING_US);
}

static void
dial(struct subscriber *sub)
{
	sub->dial = dial_start(sub->store->base, &sub->options, dialed, sub);
	if (sub->dial == NULL)
		set_timer(sub, AGAIN_US);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct subscriber *sub = ctx;

	(void)fd;
	(void)what;
	if (sub->link == NULL) {
		dial(sub);
		return;
	}
	if (clock_mono_us() - sub->heard_us > SILENCE_US) {
		lost(sub);
		return;
	}
	if (redis_format(&SLICE("PING"), 1, &sub->out) == 0)
		send_out(sub);
	set_timer(sub, PING_US);
}

static struct subscriber *
subscriber_new(struct store *s)
{
	struct subscriber *sub = calloc(1, sizeof(*sub));

	if (sub == NULL)
		return NULL;
	sub->store = s;
	sub->options = s->dial_options;
	sub->options.shas = NULL;
	buf_init(&sub->out, 4096);
	sub->timer = event_new(s->base, -1, 0, on_timer, sub);
	if (sub->timer == NULL) {
		free(sub);
		return NULL;
	}
	dial(sub);
	return sub;
}

void
subscriber_free(struct subscriber *sub)
{
	if (sub == NULL)
		return;
	dial_cancel(sub->dial);
	link_close(sub->link);
	event_free(sub->timer);
	buf_done(&sub->out);
	free(sub);
}

int
redis_subscribe(struct store *s, struct slice channel, redis_message *message,
    void *ctx)
{
	struct subscriber *sub = s->subscriber;
	struct channel *c;

	if (channel.len == 0 || channel.len > sizeof(c->name))
		return ERR_LIMIT;
	if (sub == NULL)
		sub = s->subscriber = subscriber_new(s);
	if (sub == NULL)
		return ERR_NOMEM;
	if (sub->count == CHANNELS_MAX)
		return ERR_LIMIT;
	c = &sub->channels[sub->count++];
	memcpy(c->name, channel.at, channel.len);
	c->len = channel.len;
	c->message = message;
	c->ctx = ctx;
	if (sub->link != NULL)
		subscribe(sub, c);
	return 0;
}
