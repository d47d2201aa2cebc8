/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SMTP AUTH for Postfix as a part of the daemon: connections of smtpd(8), in
 * Dovecot's protocol, one login at a time on each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/connection.h"
#include "policyd/login.h"
#include "policyd/part.h"
#include "policyd/sockets.h"
#include "proto/dovecot_auth.h"
#include "proto/sasl.h"
#include "service/host_config.h"
#include "service/metrics.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"

#define MAX_OUT 8192
#define PORT_MAX 8
#define ADDRESS_TEXT_MAX 64
#define COOKIE_OCTETS 16

struct client {
	struct client *older, *newer;
	struct connection *connection;
	struct login *login; /* under way; NULL: none is */
	bool starting;       /* inside login_start */
	bool answered;       /* it was answered there */
	/* An exchange that waits for more: exchanging is true. */
	bool exchanging, secured;
	uint32_t id; /* of the request */
	struct sasl_exchange exchange;
	char address[ADDRESS_TEXT_MAX], port[PORT_MAX];
	struct slice address_is, port_is;
};

static struct {
	struct sockets sockets;
	struct event_base *base;
	struct logins *logins; /* NULL: no socket is configured */
	struct client *newest;
	unsigned count, max;
	uint32_t connections; /* so far */
	bool full, draining;
	struct log_limit malformed;
} server;

/* ---- clients ---- */

static void
tell_full(void)
{
	bool full = server.count >= server.max;

	metrics_set(METRIC_POLICYD_AUTH_CLIENTS, server.count);
	if (full == server.full)
		return;
	server.full = full;
	if (full)
		log_warning("policyd_max_clients (%u) reached: new clients of "
			    "SMTP AUTH wait",
		    server.count);
	sockets_full(&server.sockets, full);
}

static void
client_remove(struct client *client)
{
	if (client->login != NULL)
		login_abandon(client->login);
	if (client->older != NULL)
		client->older->newer = client->newer;
	*(client->newer != NULL ? &client->newer->older : &server.newest) =
	    client->older;
	server.count--;
	sasl_end(&client->exchange);
	free(client);
}

static void
closed(struct connection *connection, int rc, size_t unread, void *ctx)
{
	unsigned long missed;

	(void)connection;
	(void)unread;
	if ((rc == ERR_SYNTAX || rc == ERR_LIMIT) &&
	    log_limit_ok(&server.malformed, 60, &missed))
		log_warning("malformed request for SMTP AUTH: connection "
			    "closed (%lu more since the last time)",
		    missed);
	client_remove(ctx);
	tell_full();
}

/* ---- logins ---- */

/*
 * For trouble that passes the connection closes: Postfix tells its client
 * 454, while each FAIL is 535 to it.
 */
static void
answered(enum login_result result, struct slice user, void *ctx)
{
	struct client *client = ctx;
	struct buf *out = connection_output(client->connection);
	int rc = ERR_UNAVAIL;

	client->login = NULL;
	if (result == LOGIN_OK)
		rc = dovecot_ok(out, client->id, user);
	else if (result == LOGIN_FAILED)
		rc = dovecot_fail(out, client->id, user,
		    SLICE("wrong user or key, or not permitted"));
	if (rc < 0)
		out->rc = rc;
	if (client->starting)
		client->answered = true;
	else
		connection_release(client->connection);
}

static void
begin_login(struct client *client)
{
	struct sasl_exchange *x = &client->exchange;
	struct login_attempt attempt = {
		.name = { x->name, x->name_len },
		.key = { x->password, x->password_len },
		.client = client->address_is,
		.server_port = client->port_is,
		.secured = client->secured,
		.mechanism = (unsigned)x->mechanism,
	};
	struct login *login;

	client->exchanging = false;
	client->starting = true;
	client->answered = false;
	login = login_start(server.logins, &attempt, answered, client);
	client->starting = false;
	sasl_end(x);
	if (client->answered)
		return;
	client->login = login;
	connection_hold(client->connection);
}

static int
respond(struct client *client, struct slice response64)
{
	struct buf *out = connection_output(client->connection);
	struct slice challenge = SLICE("");

	switch (sasl_next(&client->exchange, response64, &challenge)) {
	case SASL_MORE:
		return dovecot_continue(out, client->id, challenge);
	case SASL_READY:
		begin_login(client);
		return 0;
	case SASL_BAD:
		break;
	}
	client->exchanging = false;
	sasl_end(&client->exchange);
	metrics_add(METRIC_POLICYD_LOGINS_FAILED, 1);
	return dovecot_fail(out, client->id, (struct slice){ NULL, 0 },
	    SLICE("malformed response"));
}

static struct slice
keep(char *room, size_t size, struct slice s)
{
	if (s.len == 0 || s.len > size)
		return (struct slice){ NULL, 0 };
	memcpy(room, s.at, s.len);
	return (struct slice){ room, s.len };
}

static int
begin_exchange(struct client *client, const struct dovecot_line *line)
{
	unsigned mechanism = sasl_mechanism(line->mechanism);

	client->id = line->id;
	if (mechanism == 0)
		return dovecot_fail(connection_output(client->connection),
		    line->id, (struct slice){ NULL, 0 },
		    SLICE("no such mechanism"));
	client->address_is =
	    keep(client->address, sizeof(client->address), line->client);
	client->port_is =
	    keep(client->port, sizeof(client->port), line->server_port);
	client->secured = line->secured;
	client->exchanging = true;
	sasl_begin(&client->exchange, (enum relay_mechanism)mechanism);
	return respond(client, line->response);
}

static int
obey(struct client *client, const struct dovecot_line *line)
{
	bool ours = client->exchanging && client->id == line->id;

	switch (line->command) {
	case DOVECOT_VERSION:
		return line->major == 1 ? 0 : ERR_SYNTAX;
	case DOVECOT_AUTH:
		return begin_exchange(client, line);
	case DOVECOT_CONT:
		if (ours)
			return respond(client, line->response);
		return dovecot_fail(connection_output(client->connection),
		    line->id, (struct slice){ NULL, 0 },
		    SLICE("no such request"));
	case DOVECOT_CANCEL:
		if (ours)
			client->exchanging = false;
		return 0;
	case DOVECOT_CPID:
	case DOVECOT_OTHER:
		break;
	}
	return 0;
}

static ssize_t
input(struct connection *connection, struct slice in, void *ctx)
{
	struct dovecot_line line;
	ssize_t n;
	int rc;

	(void)connection;
	if (server.draining)
		return ERR_CANCELED;
	n = dovecot_parse(in.at, in.len, &line);
	if (n <= 0)
		return n;
	rc = obey(ctx, &line);
	return rc < 0 ? rc : n;
}

/* ---- the part ---- */

static void
greet(struct connection *connection)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char octets[COOKIE_OCTETS];
	char cookie[2 * COOKIE_OCTETS + 1];

	crypto_random(octets, sizeof(octets));
	for (size_t i = 0; i < sizeof(octets); i++) {
		cookie[2 * i] = digits[octets[i] >> 4];
		cookie[2 * i + 1] = digits[octets[i] & 15];
	}
	cookie[2 * COOKIE_OCTETS] = '\0';
	(void)dovecot_greet(connection_output(connection),
	    RELAY_PLAIN | RELAY_LOGIN, (uint32_t)getpid(), ++server.connections,
	    cookie);
}

static void
accepted(int fd, void *ctx)
{
	struct client *client = calloc(1, sizeof(*client));
	struct connection_options options = { DOVECOT_LINE_MAX, MAX_OUT, input,
		closed, client };

	(void)ctx;
	if (client == NULL) {
		(void)close(fd);
		log_error("client turned away: out of memory");
		return;
	}
	if (connection_start(server.base, fd, &options, &client->connection) <
	    0) {
		free(client);
		log_error("client turned away: out of memory");
		return;
	}
	client->older = server.newest;
	if (server.newest != NULL)
		server.newest->newer = client;
	server.newest = client;
	server.count++;
	tell_full();
	connection_hold(client->connection);
	greet(client->connection);
	connection_release(client->connection);
}

static int
open_auth(struct policyd *d, const struct host_config *config)
{
	(void)d;
	return sockets_open(&server.sockets, config->policyd_auth_listen,
	    config->socket_group);
}

static int
start_auth(struct policyd *d, const struct host_config *config,
    struct event_base *base)
{
	if (server.sockets.count == 0)
		return 0;
	server.base = base;
	server.max = config->policyd_max_clients;
	server.logins = logins_new(base, d);
	if (server.logins == NULL)
		return ERR_NOMEM;
	return sockets_start(&server.sockets, base, accepted, NULL);
}

static void
reload_auth(struct policyd *d, const struct host_config *config)
{
	(void)d;
	server.max = config->policyd_max_clients;
	if (server.logins != NULL)
		tell_full();
}

static unsigned
drain_auth(struct policyd *d)
{
	(void)d;
	sockets_close(&server.sockets);
	server.draining = true;
	for (struct client *client = server.newest, *older; client != NULL;
	     client = older) {
		struct connection *connection = client->connection;

		older = client->older;
		if (client->login != NULL)
			continue;
		client_remove(client);
		connection_free(connection);
	}
	return server.count;
}

static void
stop_auth(struct policyd *d)
{
	(void)d;
	sockets_close(&server.sockets);
	while (server.newest != NULL) {
		struct connection *connection = server.newest->connection;

		client_remove(server.newest);
		connection_free(connection);
	}
	logins_stop(server.logins);
}

static void
closed_auth(struct policyd *d)
{
	(void)d;
	logins_free(server.logins);
	server.logins = NULL;
}

const struct policyd_part part_auth = {
	.name = "auth",
	.open = open_auth,
	.start = start_auth,
	.reload = reload_auth,
	.drain = drain_auth,
	.stop = stop_auth,
	.closed = closed_auth,
};
