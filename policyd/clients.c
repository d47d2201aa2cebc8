/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections of Postfix: requests in, one answer each out. */
#include "policyd/clients.h"

#include <stdlib.h>
#include <unistd.h>

#include "net/connection.h"
#include "net/loop.h"
#include "policyd/pipeline.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

#define MAX_OUT 65536
/* Octets of a malformed request that are shown in the log. */
#define SAMPLE 80

struct client {
	struct client *older, *newer;
	struct clients *all;
	struct connection *connection;
	struct policy_request attrs; /* of the request under way */
	struct request *request;     /* it; NULL: none */
	bool starting;               /* inside pipeline_start */
	bool answered;               /* it was answered there */
	size_t partial; /* octets seen of a request that is not whole */
};

struct clients {
	struct event_base *base;
	struct policyd *daemon;
	struct pipeline *pipeline;
	struct loop_timer *timer; /* the first request's deadline */
	int64_t timer_us;         /* it, while the timer is pending */
	struct client *newest;
	unsigned count, max;
	bool full, draining;
	clients_full *tell_full;
};

static void
set_timer(struct clients *c, int64_t deadline_us)
{
	int64_t left_us = deadline_us - clock_mono_us();

	c->timer_us = deadline_us;
	loop_timer_set(c->timer, left_us > 0 ? left_us / 1000 + 1 : 0);
}

/* One deadline more. */
static void
sooner(int64_t deadline_us, void *ctx)
{
	struct clients *c = ctx;

	if (!loop_timer_pending(c->timer) || deadline_us < c->timer_us)
		set_timer(c, deadline_us);
}

static void
timer_fired(void *ctx)
{
	struct clients *c = ctx;
	int64_t deadline_us = pipeline_expire(c->pipeline);

	if (deadline_us != 0)
		set_timer(c, deadline_us);
}

static void
tell_full(struct clients *c)
{
	bool full = c->count >= c->max;

	if (full == c->full)
		return;
	c->full = full;
	c->tell_full(full);
}

static void
client_remove(struct client *client)
{
	struct clients *c = client->all;

	if (client->request != NULL)
		pipeline_abandon(client->request);
	if (client->older != NULL)
		client->older->newer = client->newer;
	*(client->newer != NULL ? &client->newer->older : &c->newest) =
	    client->older;
	c->count--;
	free(client);
}

static void
closed(struct connection *connection, int rc, size_t unread, void *ctx)
{
	struct client *client = ctx;
	struct clients *c = client->all;

	(void)connection;
	if (rc == ERR_LIMIT)
		log_warning("policy request too large: connection closed");
	else if (rc < 0 && rc != ERR_SYNTAX && rc != ERR_CANCELED)
		log_debug("connection closed: %s", err_text(rc));
	else if (rc == 0 && unread > 0)
		log_debug("client closed within a request");
	if (rc == ERR_LIMIT)
		c->daemon->count.malformed++;
	client_remove(client);
	tell_full(c);
}

static void
malformed(struct client *client, struct slice in)
{
	struct log_line l;

	if (in.len > SAMPLE)
		in.len = SAMPLE;
	client->all->daemon->count.malformed++;
	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "warning",
	    SLICE("malformed policy request, connection closed"));
	log_line_add(&l, "begins", in);
	log_line_end(&l, LOG_L_WARNING);
}

static void
answer(const struct policy_reply *reply, void *ctx)
{
	struct client *client = ctx;
	struct connection *connection = client->connection;

	client->request = NULL;
	/* The pipeline cleans texts; if codes or text are bad all the same,
	 * the failed addition closes the connection, and Postfix's default
	 * action holds. */
	if (policy_reply_format(reply, connection_output(connection)) < 0)
		connection_output(connection)->rc = ERR_SYNTAX;
	if (client->starting)
		client->answered = true;
	else
		connection_release(connection);
}

/*
 * Parse only what may be whole: else a client that sends octet by octet would
 * have its beginning parsed again each time.
 */
static bool
may_be_whole(const struct client *client, struct slice in)
{
	if (client->partial == 0 || in.len >= POLICY_REQUEST_MAX)
		return true;
	return slice_find(slice_skip(in, client->partial - 1), SLICE("\n\n")) !=
	       NULL;
}

static ssize_t
input(struct connection *connection, struct slice in, void *ctx)
{
	struct client *client = ctx;
	struct clients *c = client->all;
	ssize_t n;

	if (c->draining)
		return ERR_CANCELED;
	n = may_be_whole(client, in)
		? policy_request_parse(in.at, in.len, &client->attrs)
		: 0;
	client->partial = n == 0 ? in.len : 0;
	if (n == ERR_SYNTAX)
		malformed(client, in);
	if (n <= 0)
		return n;
	c->daemon->count.requests++;
	client->starting = true;
	client->answered = false;
	struct request *request =
	    pipeline_start(c->pipeline, &client->attrs, answer, client);
	client->starting = false;
	if (client->answered)
		return n;
	client->request = request;
	connection_hold(connection);
	sooner(request->deadline_us, c);
	return n;
}

struct clients *
clients_new(struct event_base *base, struct policyd *daemon,
    struct pipeline *pipeline, unsigned max, clients_full *full)
{
	struct clients *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct clients){ .base = base,
		.daemon = daemon,
		.pipeline = pipeline,
		.max = max,
		.tell_full = full };
	c->timer = loop_timer_new(base, timer_fired, c);
	if (c->timer == NULL) {
		free(c);
		return NULL;
	}
	pipeline_on_sooner(pipeline, sooner, c);
	return c;
}

void
clients_free(struct clients *c)
{
	if (c == NULL)
		return;
	while (c->newest != NULL) {
		struct connection *connection = c->newest->connection;

		client_remove(c->newest);
		connection_free(connection);
	}
	pipeline_on_sooner(c->pipeline, NULL, NULL);
	loop_timer_free(c->timer);
	free(c);
}

void
clients_set_max(struct clients *c, unsigned max)
{
	c->max = max;
	tell_full(c);
}

void
clients_add(struct clients *c, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	struct connection_options options = { POLICY_REQUEST_MAX, MAX_OUT,
		input, closed, client };

	if (client == NULL) {
		(void)close(fd);
		log_error("client turned away: out of memory");
		return;
	}
	if (connection_start(c->base, fd, &options, &client->connection) < 0) {
		free(client);
		log_error("client turned away: out of memory");
		return;
	}
	client->all = c;
	client->older = c->newest;
	if (c->newest != NULL)
		c->newest->newer = client;
	c->newest = client;
	c->count++;
	tell_full(c);
}

unsigned
clients_count(const struct clients *c)
{
	return c->count;
}

unsigned
clients_drain(struct clients *c)
{
	c->draining = true;
	for (struct client *client = c->newest, *older; client != NULL;
	     client = older) {
		struct connection *connection = client->connection;

		older = client->older;
		if (client->request != NULL)
			continue;
		client_remove(client);
		connection_free(connection);
	}
	return c->count;
}
