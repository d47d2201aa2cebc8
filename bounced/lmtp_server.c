/* SPDX-License-Identifier: BSD-2-Clause */
/* The LMTP server, RFC 2033. */
#include "bounced/lmtp_server.h"

#include <stdlib.h>
#include <unistd.h>

#include "net/connection.h"
#include "net/listener.h"
#include "net/loop.h"
#include "proto/address.h"
#include "proto/lmtp_command.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/err.h"

#define RECIPIENTS_MAX 100
#define INPUT_MAX 65536
#define OUTPUT_MAX 65536
#define IDLE_MS 300000 /* RFC 5321, 4.5.3.2.7: at least 5 minutes */
#define BAD_COMMANDS_MAX 20
/* Texts of all clients in memory; who goes beyond it comes again. */
#define TEXTS_MAX ((size_t)256 * 1024 * 1024)
/* One that is smaller is let through all the same. */
#define TEXT_SMALL ((size_t)256 * 1024)

struct client;

struct recipient {
	struct client *client;
	enum route route;
	const struct tenant *tenant; /* of the client's settings; or NULL */
	char address[ADDRESS_MAX];   /* canonical */
	char written[ADDRESS_MAX];
	size_t len, written_len;
	int rc; /* of who read it; ERR_LIMIT: too large */
};

struct client {
	struct lmtp_server *server;
	struct client *next, *previous;
	struct connection *connection;
	struct loop_timer *idle;
	bool greeted, mail, in_data, skipping, closing;
	bool collecting; /* answers of the readers are awaited */
	bool crowded;    /* there was no memory for the text */
	unsigned bad;
	struct settings *settings; /* of the mail under way; or NULL */
	char sender[ADDRESS_MAX];  /* as written */
	size_t sender_len;
	uint64_t size; /* as MAIL said; 0: it did not */
	struct recipient recipients[RECIPIENTS_MAX];
	size_t count, pending;
	struct lmtp_data data;
	struct buf message;
};

struct lmtp_server {
	struct event_base *base;
	struct store *store;
	struct readers readers;
	struct lmtp_options options;
	struct listener *listeners[LISTENER_MAX];
	struct client *clients;
	unsigned count;
	size_t octets; /* of all texts */
	bool paused, draining;
};

static void
answer(struct client *c, const char *text)
{
	struct buf *out = connection_output(c->connection);

	(void)buf_add_text(out, text);
	(void)buf_add_text(out, "\r\n");
}

static void
reset(struct client *c)
{
	c->mail = c->in_data = c->crowded = false;
	c->count = 0;
	c->server->octets -= c->message.len;
	buf_done(&c->message);
	settings_unref(c->settings);
	c->settings = NULL;
}

static void
client_free(struct client *c)
{
	struct lmtp_server *server = c->server;

	if (c->previous != NULL)
		c->previous->next = c->next;
	else
		server->clients = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	server->count--;
	if (server->paused && !server->draining) {
		server->paused = false;
		for (size_t i = 0; i < server->options.fd_count; i++)
			listener_resume(server->listeners[i]);
	}
	loop_timer_free(c->idle);
	reset(c);
	free(c);
}

/* ---- commands ---- */

static void
on_lhlo(struct client *c)
{
	struct buf *out = connection_output(c->connection);

	reset(c);
	c->greeted = true;
	(void)buf_add_text(out, "250-");
	(void)buf_add_slice(out, c->server->options.host);
	(void)buf_add_text(out, "\r\n250-PIPELINING\r\n"
				"250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n"
				"250-SMTPUTF8\r\n250 SIZE\r\n");
}

/* As it is to be shown: RFC 5321's Mailbox, or empty. */
static size_t
as_written(struct slice path, char room[ADDRESS_MAX])
{
	struct slice mailbox;

	return address_mailbox(path, room, &mailbox) == 0 ? mailbox.len : 0;
}

static void
on_mail(struct client *c, const struct lmtp_command *cmd)
{
	if (!c->greeted) {
		answer(c, "503 5.5.1 LHLO first");
	} else if (c->mail) {
		answer(c, "503 5.5.1 A mail is under way");
	} else {
		c->mail = true;
		c->size = cmd->size;
		c->sender_len = as_written(cmd->path, c->sender);
		c->settings = settings_current(c->server->readers.settings);
		answer(c, "250 2.1.0 Sender ok");
	}
}

static void
take_recipient(struct client *c, const struct recipient *r)
{
	const struct lmtp_server *server = c->server;
	bool known = settings_watch_known(server->readers.settings);

	if (r->route == ROUTE_NONE && known) {
		answer(c, "550 5.1.1 No such address here");
	} else if (r->route == ROUTE_NONE || !store_is_up(server->store)) {
		answer(c, "451 4.3.0 The store is away; try again");
	} else if (r->route == ROUTE_INBOUND &&
		   c->size > server->options.max_inbound) {
		answer(c, "552 5.3.4 Message too large");
	} else {
		c->count++;
		answer(c, "250 2.1.5 Recipient ok");
	}
}

static void
on_rcpt(struct client *c, const struct lmtp_command *cmd)
{
	struct recipient *r = &c->recipients[c->count];
	char room[ADDRESS_MAX];
	struct slice address;

	if (!c->mail) {
		answer(c, "503 5.5.1 MAIL first");
	} else if (c->count == RECIPIENTS_MAX) {
		answer(c, "452 4.5.3 Too many recipients");
	} else if (address_canonical(cmd->path, room, &address) < 0) {
		answer(c, "501 5.1.3 Not an address");
	} else {
		*r = (struct recipient){ .client = c, .len = address.len };
		r->route = route_of(c->settings, address, &r->tenant);
		memcpy(r->address, address.at, address.len);
		r->written_len = as_written(cmd->path, r->written);
		take_recipient(c, r);
	}
}

/* Octets of the text that are kept, by who is to read it. */
static size_t
most_of(const struct client *c)
{
	const struct lmtp_options *o = &c->server->options;

	for (size_t i = 0; i < c->count; i++)
		if (c->recipients[i].route == ROUTE_INBOUND &&
		    o->max_inbound > o->max_message)
			return o->max_inbound;
	return o->max_message;
}

static void
on_data(struct client *c)
{
	if (!c->mail) {
		answer(c, "503 5.5.1 MAIL first");
	} else if (c->count == 0) {
		answer(c, "503 5.5.1 No valid recipients");
	} else {
		c->in_data = true;
		buf_init(&c->message, most_of(c));
		lmtp_data_begin(&c->data);
		answer(c, "354 End data with <CR><LF>.<CR><LF>");
	}
}

static void
bad(struct client *c, const char *text)
{
	answer(c, text);
	if (++c->bad >= BAD_COMMANDS_MAX)
		c->closing = true;
}

static void
command(struct client *c, struct slice line)
{
	struct lmtp_command cmd;
	int rc = lmtp_command_parse(line, &cmd);

	if (rc < 0) {
		bad(c, rc == ERR_LIMIT ? "500 5.5.2 Line too long"
		       : rc == ERR_NOTFOUND
			   ? "555 5.5.4 Parameter not known"
			   : "501 5.5.4 Syntax error in command or argument");
		return;
	}
	switch (cmd.verb) {
	case LMTP_LHLO:
		on_lhlo(c);
		break;
	case LMTP_MAIL:
		on_mail(c, &cmd);
		break;
	case LMTP_RCPT:
		on_rcpt(c, &cmd);
		break;
	case LMTP_DATA:
		on_data(c);
		break;
	case LMTP_RSET:
		reset(c);
		answer(c, "250 2.0.0 Ok");
		break;
	case LMTP_NOOP:
		answer(c, "250 2.0.0 Ok");
		break;
	case LMTP_VRFY:
		answer(c, "252 2.5.0 Send it and see");
		break;
	case LMTP_QUIT:
		answer(c, "221 2.0.0 Bye");
		c->closing = true;
		break;
	case LMTP_OTHER:
		bad(c, "500 5.5.1 Command not known");
		break;
	}
}

/* ---- the text ---- */

/* RFC 2033, 4.2: one answer for each recipient, in their order. */
static void
answer_all(struct client *c)
{
	for (size_t i = 0; i < c->count; i++) {
		int rc = c->recipients[i].rc;

		answer(c,
		    rc == 0 ? "250 2.0.0 Taken"
		    : rc == ERR_LIMIT
			? "552 5.3.4 Message too large"
			: "451 4.3.0 Can not be dealt with now; try again");
	}
	reset(c);
}

static void
on_taken(int rc, void *ctx)
{
	struct recipient *r = ctx;
	struct client *c = r->client;

	r->rc = rc;
	if (--c->pending > 0 || c->collecting)
		return;
	answer_all(c);
	connection_release(c->connection);
}

static void
read_one(struct client *c, struct recipient *r)
{
	const struct incoming mail = {
		.settings = c->settings,
		.route = r->route,
		.tenant = r->tenant,
		.sender = { c->sender, c->sender_len },
		.recipient = { r->written, r->written_len },
		.address = { r->address, r->len },
		.message = buf_slice(&c->message),
		.cut = c->data.too_large,
		.bounce_max = c->server->options.max_message,
	};

	if (c->crowded)
		on_taken(ERR_NOMEM, r);
	else
		readers_take(&c->server->readers, &mail, on_taken, r);
}

static void
deliver(struct client *c)
{
	c->in_data = false;
	c->pending = c->count;
	/* Answers that come at once must not release what is not held. */
	c->collecting = true;
	for (size_t i = 0; i < c->count; i++)
		read_one(c, &c->recipients[i]);
	c->collecting = false;
	if (c->pending == 0)
		answer_all(c);
	else
		connection_hold(c->connection);
}

static ssize_t
text(struct client *c, struct slice in)
{
	struct lmtp_server *server = c->server;
	size_t before = c->message.len, n;
	bool end;

	n = lmtp_data_feed(&c->data, in, &c->message, &end);
	server->octets += c->message.len - before;
	if (server->octets > TEXTS_MAX && c->message.len > TEXT_SMALL &&
	    !c->crowded) {
		c->crowded = c->data.too_large = true;
		server->octets -= c->message.len;
		buf_done(&c->message);
	}
	if (end)
		deliver(c);
	return (ssize_t)n;
}

static ssize_t
on_input(struct connection *connection, struct slice in, void *ctx)
{
	struct client *c = ctx;
	const char *nl;

	(void)connection;
	loop_timer_set(c->idle, IDLE_MS);
	if (c->in_data)
		return text(c, in);
	nl = memchr(in.at, '\n', in.len);
	if (nl == NULL && in.len <= LMTP_LINE_MAX)
		return 0;
	size_t n = nl != NULL ? (size_t)(nl - in.at) + 1 : in.len;
	if (c->skipping || nl == NULL) {
		/* too long: one answer, when its end has come */
		c->skipping = nl == NULL;
		if (nl != NULL)
			bad(c, "500 5.5.2 Line too long");
	} else if (n < 2 || nl[-1] != '\r') {
		bad(c, "500 5.5.2 A line must end in CR LF");
	} else {
		command(c, (struct slice){ in.at, n - 2 });
	}
	return c->closing ? ERR_CANCELED : (ssize_t)n;
}

static void
on_closed(struct connection *connection, int rc, size_t unread, void *ctx)
{
	struct client *c = ctx;

	(void)connection;
	(void)rc;
	(void)unread;
	client_free(c);
}

static void
on_idle(void *ctx)
{
	struct client *c = ctx;

	if (c->pending > 0) { /* the intake's own deadlines end it */
		loop_timer_set(c->idle, IDLE_MS);
		return;
	}
	connection_free(c->connection);
	client_free(c);
}

/* ---- the server ---- */

static void
pause_at_limit(struct lmtp_server *server)
{
	if (server->count < server->options.max_clients || server->paused)
		return;
	server->paused = true;
	for (size_t i = 0; i < server->options.fd_count; i++)
		listener_pause(server->listeners[i]);
}

static void
on_accepted(int fd, void *ctx)
{
	struct lmtp_server *server = ctx;
	struct client *c = calloc(1, sizeof(*c));
	struct connection_options options = { .max_in = INPUT_MAX,
		.max_out = OUTPUT_MAX,
		.input = on_input,
		.closed = on_closed,
		.ctx = c };

	if (c == NULL ||
	    (c->idle = loop_timer_new(server->base, on_idle, c)) == NULL) {
		free(c);
		(void)close(fd);
		return;
	}
	c->server = server;
	buf_init(&c->message, 0);
	if (connection_start(server->base, fd, &options, &c->connection) < 0) {
		loop_timer_free(c->idle);
		free(c);
		return;
	}
	c->next = server->clients;
	if (c->next != NULL)
		c->next->previous = c;
	server->clients = c;
	server->count++;
	pause_at_limit(server);
	loop_timer_set(c->idle, IDLE_MS);
	/* The server speaks first. */
	struct buf *out = connection_output(c->connection);
	connection_hold(c->connection);
	(void)buf_add_text(out, "220 ");
	(void)buf_add_slice(out, server->options.host);
	(void)buf_add_text(out, " LMTP Postern\r\n");
	connection_release(c->connection);
}

static void
on_full(void *ctx)
{
	/* The listener pauses by itself; clients wait in its queue. */
	(void)ctx;
}

int
lmtp_server_start(struct event_base *base, struct store *s,
    const struct readers *readers, const struct lmtp_options *options,
    struct lmtp_server **ret_server)
{
	struct lmtp_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		return ERR_NOMEM;
	server->base = base;
	server->store = s;
	server->readers = *readers;
	server->options = *options;
	for (size_t i = 0; i < options->fd_count; i++) {
		server->listeners[i] = listener_start(base, options->fds[i],
		    on_accepted, on_full, server);
		if (server->listeners[i] == NULL) {
			lmtp_server_stop(server);
			return ERR_NOMEM;
		}
	}
	*ret_server = server;
	return 0;
}

void
lmtp_server_limits(struct lmtp_server *server, unsigned max_clients,
    size_t max_message, size_t max_inbound)
{
	server->options.max_clients = max_clients;
	server->options.max_message = max_message;
	server->options.max_inbound = max_inbound;
}

static void
stop_listening(struct lmtp_server *server)
{
	for (size_t i = 0; i < server->options.fd_count; i++) {
		if (server->listeners[i] != NULL)
			listener_stop(server->listeners[i]);
		server->listeners[i] = NULL;
	}
}

unsigned
lmtp_server_drain(struct lmtp_server *server)
{
	struct client *next;

	server->draining = true;
	stop_listening(server);
	for (struct client *c = server->clients; c != NULL; c = next) {
		next = c->next;
		/* Postfix tries again what has not been answered. */
		if (c->pending > 0)
			continue;
		connection_free(c->connection);
		client_free(c);
	}
	return server->count;
}

void
lmtp_server_stop(struct lmtp_server *server)
{
	if (server == NULL)
		return;
	server->draining = true;
	stop_listening(server);
	while (server->clients != NULL) {
		connection_free(server->clients->connection);
		client_free(server->clients);
	}
	free(server);
}

unsigned
lmtp_server_clients(const struct lmtp_server *server)
{
	return server->count;
}
