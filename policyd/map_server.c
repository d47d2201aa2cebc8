/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix's look-ups: requests in, one answer each out, socketmap_table(5). */
#include "policyd/map_server.h"

#include <stdlib.h>
#include <unistd.h>

#include "net/connection.h"
#include "net/loop.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

/* A reply of the longest kind, and what stood before it. */
#define MAX_OUT (MAP_REPLY_MAX + 1000)
/* Octets of a malformed request that are shown in the log. */
#define SAMPLE 80

/* A connection; clients with a call under way are in a second list. */
struct client {
	struct map_call call; /* first: tables point at it */
	struct map_server *server;
	struct client *older, *newer;
	struct connection *connection;
	const struct map_table *table;  /* of the call; NULL: none is */
	bool starting;                  /* inside look() */
	struct client *earlier, *later; /* calls in the order of their time */
	int64_t late_us;
};

struct map_server {
	struct event_base *base;
	struct policyd *daemon;
	const struct map_table *const *tables;
	struct loop_timer *timer; /* the oldest call's */
	struct client *newest;
	struct client *first, *last; /* calls */
	uint64_t next_client;
	unsigned count, max;
	bool full, draining;
	void (*tell_full)(bool full);
	struct log_limit malformed;
};

/* The number of clients, or the maximum, has changed. */
static void
tell_full(struct map_server *m)
{
	bool full = m->count >= m->max;

	metrics_set(METRIC_POLICYD_MAP_CLIENTS, m->count);
	if (full == m->full)
		return;
	m->full = full;
	m->tell_full(full);
}

static void
call_begin(struct client *client)
{
	struct map_server *m = client->server;

	client->late_us = clock_deadline_ms(MAP_CALL_MAX_MS);
	client->later = NULL;
	client->earlier = m->last;
	*(m->last != NULL ? &m->last->later : &m->first) = client;
	m->last = client;
	if (!loop_timer_pending(m->timer))
		loop_timer_set(m->timer, MAP_CALL_MAX_MS);
}

static void
call_end(struct client *client)
{
	struct map_server *m = client->server;

	*(client->earlier != NULL ? &client->earlier->later : &m->first) =
	    client->later;
	*(client->later != NULL ? &client->later->earlier : &m->last) =
	    client->earlier;
	client->table = NULL;
}

static void
client_remove(struct client *client)
{
	struct map_server *m = client->server;

	if (client->table != NULL) {
		client->table->gone(&client->call);
		call_end(client);
	}
	if (client->older != NULL)
		client->older->newer = client->newer;
	*(client->newer != NULL ? &client->newer->older : &m->newest) =
	    client->older;
	m->count--;
	free(client->call.kept);
	free(client);
}

static void
closed(struct connection *connection, int rc, size_t unread, void *ctx)
{
	struct client *client = ctx;
	struct map_server *m = client->server;

	(void)connection;
	(void)unread;
	if (rc < 0 && rc != ERR_SYNTAX && rc != ERR_LIMIT && rc != ERR_CANCELED)
		log_debug("connection closed: %s", err_text(rc));
	client_remove(client);
	tell_full(m);
}

static void
malformed(struct map_server *m, struct slice in)
{
	unsigned long missed;
	struct log_line l;

	metrics_add(METRIC_POLICYD_MAP_MALFORMED, 1);
	if (!log_limit_ok(&m->malformed, 60, &missed))
		return;
	if (in.len > SAMPLE)
		in.len = SAMPLE;
	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "warning",
	    SLICE("malformed look-up, connection closed"));
	log_line_add(&l, "begins", in);
	log_line_number(&l, "more", (int64_t)missed);
	log_line_end(&l, LOG_L_WARNING);
}

void
map_answer(struct map_call *call, enum map_code code, struct slice value)
{
	struct client *client = (struct client *)(void *)call;
	struct connection *connection = client->connection;
	struct buf *out = connection_output(connection);

	/* Without memory even for that the connection closes. */
	if (socketmap_reply_format(code, value, out) == ERR_SYNTAX)
		(void)socketmap_reply_format(MAP_TEMP,
		    SLICE("the answer can not be sent"), out);
	if (client->starting) {
		client->table = NULL;
		return;
	}
	call_end(client);
	connection_release(connection);
}

void
map_server_expire(struct map_server *m)
{
	int64_t now = clock_mono_us();

	while (m->first != NULL && m->first->late_us <= now) {
		struct client *client = m->first;

		metrics_add(METRIC_POLICYD_MAP_LATE, 1);
		client->table->gone(&client->call);
		if (client->table->late_is_trouble)
			map_answer(&client->call, MAP_TEMP,
			    SLICE("no answer in time"));
		else
			map_answer(&client->call, MAP_NOTFOUND, SLICE(""));
	}
	if (m->first != NULL)
		loop_timer_set(m->timer, (m->first->late_us - now) / 1000 + 1);
}

static void
timer_fired(void *ctx)
{
	map_server_expire(ctx);
}

static bool
is_table(const struct map_table *t, struct slice name)
{
	struct slice own = slice_of(t->name);

	if (!t->prefix)
		return slice_eq(name, own);
	return name.len > own.len + 1 && slice_starts(name, own) &&
	       name.at[own.len] == '-';
}

static const struct map_table *
table_named(const struct map_server *m, struct slice name)
{
	const struct map_table *const *t = m->tables;

	while (*t != NULL && !is_table(*t, name))
		t++;
	return *t;
}

static ssize_t
input(struct connection *connection, struct slice in, void *ctx)
{
	struct client *client = ctx;
	struct map_server *m = client->server;
	struct socketmap_request request;
	ssize_t n;

	if (m->draining)
		return ERR_CANCELED;
	n = socketmap_request_parse(in.at, in.len, &request);
	if (n < 0)
		malformed(m, in);
	if (n <= 0)
		return n;
	metrics_add(METRIC_POLICYD_MAP_REQUESTS, 1);
	client->call.name = request.name;
	client->call.key = request.key;
	client->call.state = NULL;
	client->table = table_named(m, request.name);
	client->starting = true;
	if (client->table == NULL) {
		metrics_add(METRIC_POLICYD_MAP_UNKNOWN, 1);
		map_answer(&client->call, MAP_PERM, SLICE("no such table"));
	} else {
		client->table->look(&client->call);
	}
	client->starting = false;
	if (client->table == NULL)
		return n;
	call_begin(client);
	connection_hold(connection);
	return n;
}

struct map_server *
map_server_new(struct event_base *base, struct policyd *daemon,
    const struct map_table *const *tables, unsigned max_clients,
    void (*full)(bool full))
{
	struct map_server *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	*m = (struct map_server){ .base = base,
		.daemon = daemon,
		.tables = tables,
		.next_client = 1,
		.max = max_clients,
		.tell_full = full };
	m->timer = loop_timer_new(base, timer_fired, m);
	if (m->timer == NULL) {
		free(m);
		return NULL;
	}
	return m;
}

void
map_server_free(struct map_server *m)
{
	if (m == NULL)
		return;
	while (m->newest != NULL) {
		struct connection *connection = m->newest->connection;

		client_remove(m->newest);
		connection_free(connection);
	}
	loop_timer_free(m->timer);
	free(m);
}

void
map_server_set_max(struct map_server *m, unsigned max_clients)
{
	m->max = max_clients;
	tell_full(m);
}

void
map_server_add(struct map_server *m, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	struct connection_options options = { MAP_REQUEST_OCTETS_MAX, MAX_OUT,
		input, closed, client };

	if (client == NULL) {
		(void)close(fd);
		log_error("client turned away: out of memory");
		return;
	}
	if (connection_start(m->base, fd, &options, &client->connection) < 0) {
		free(client);
		log_error("client turned away: out of memory");
		return;
	}
	client->server = m;
	client->call.daemon = m->daemon;
	client->call.client = m->next_client++;
	client->older = m->newest;
	if (m->newest != NULL)
		m->newest->newer = client;
	m->newest = client;
	m->count++;
	tell_full(m);
}

unsigned
map_server_count(const struct map_server *m)
{
	return m->count;
}

unsigned
map_server_drain(struct map_server *m)
{
	m->draining = true;
	for (struct client *client = m->newest, *older; client != NULL;
	     client = older) {
		struct connection *connection = client->connection;

		older = client->older;
		if (client->table != NULL)
			continue;
		client_remove(client);
		connection_free(connection);
	}
	return m->count;
}
