/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded request and answer streams over libevent. */
#include "net/connection.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/err.h"

/* The first buffer; an ordinary policy request or SMTP command fits. */
#define FIRST_IN 4096

struct connection {
	int fd;
	struct event *readable, *writable;
	struct connection_options options;
	char *in;
	size_t cap, pos, len; /* of in: room, first octet not taken, end */
	struct buf out;
	bool held;    /* by the user, until the answer is known */
	bool reading; /* readable is waited for */
	bool blocked; /* the peer does not read: wait until writable */
	bool running; /* inside run(): releasing must not go in again */
};

static void run(struct connection *c);

void
connection_free(struct connection *c)
{
	if (c == NULL)
		return;
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	(void)close(c->fd);
	buf_done(&c->out);
	free(c->in);
	free(c);
}

static void
finish(struct connection *c, int rc)
{
	c->options.closed(c, rc, c->len - c->pos, c->options.ctx);
	connection_free(c);
}

/* Send what is there.  < 0: the connection is broken. */
static int
flush(struct connection *c)
{
	size_t sent = 0;

	if (c->out.rc < 0)
		return c->out.rc;
	while (sent < c->out.len) {
		ssize_t n = send(c->fd, c->out.at + sent, c->out.len - sent,
		    MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			return ERR_IO;
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	buf_consume(&c->out, sent);
	c->blocked = c->out.len > 0;
	if (c->blocked && event_add(c->writable, NULL) < 0)
		return ERR_NOMEM;
	return 0;
}

/* Read on unless somebody has to be waited for first. */
static int
want_input(struct connection *c)
{
	if (c->held || c->blocked || c->reading)
		return 0;
	if (event_add(c->readable, NULL) < 0)
		return ERR_NOMEM;
	c->reading = true;
	return 0;
}

/*
 * Hand out what is in the buffer, as often as it is taken, then send.  May
 * free the connection.
 */
static void
run(struct connection *c)
{
	ssize_t n = 1;
	int rc;

	c->running = true;
	while (!c->held && !c->blocked && n > 0 && c->pos < c->len) {
		struct slice in = { c->in + c->pos, c->len - c->pos };

		n = c->options.input(c, in, c->options.ctx);
		if (n > 0)
			c->pos += (size_t)n;
		/* Half full: let it leave before more is answered. */
		if (c->out.len > c->options.max_out / 2 && flush(c) < 0)
			n = ERR_IO;
	}
	c->running = false;
	if (n == 0 && c->len - c->pos == c->options.max_in)
		n = ERR_LIMIT;
	rc = c->out.len > 0 || c->out.rc < 0 ? flush(c) : 0;
	if (rc == 0)
		rc = want_input(c);
	if (n < 0 || rc < 0)
		finish(c, n < 0 ? (int)n : rc);
}

/* Room behind what is there: moved to the front, or grown. */
static int
make_room(struct connection *c)
{
	if (c->pos > 0) {
		c->len -= c->pos;
		memmove(c->in, c->in + c->pos, c->len);
		c->pos = 0;
	}
	if (c->len == 0 && c->cap > FIRST_IN) {
		/* One large request must not keep its room for ever. */
		free(c->in);
		c->in = NULL;
		c->cap = 0;
	}
	if (c->len < c->cap)
		return 0;
	size_t cap = c->cap == 0 ? FIRST_IN : c->cap * 2;
	if (cap > c->options.max_in)
		cap = c->options.max_in;
	char *in = realloc(c->in, cap);
	if (in == NULL)
		return ERR_NOMEM;
	c->in = in;
	c->cap = cap;
	return 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	(void)what;
	if (c->held || c->blocked) {
		/* Not now; want_input() will ask again. */
		(void)event_del(c->readable);
		c->reading = false;
		return;
	}
	if (make_room(c) < 0) {
		finish(c, ERR_NOMEM);
		return;
	}
	ssize_t n = recv(fd, c->in + c->len, c->cap - c->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		finish(c, n < 0 ? ERR_IO : 0);
		return;
	}
	c->len += (size_t)n;
	run(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	int rc = flush(c);

	(void)fd;
	(void)what;
	if (rc < 0)
		finish(c, rc);
	else if (!c->blocked)
		run(c);
}

int
connection_start(struct event_base *base, int fd,
    const struct connection_options *options, struct connection **ret_c)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return ERR_NOMEM;
	}
	c->fd = fd;
	c->options = *options;
	buf_init(&c->out, options->max_out);
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(base, fd, EV_WRITE, on_writable, c);
	if (c->readable == NULL || c->writable == NULL || want_input(c) < 0) {
		connection_free(c);
		return ERR_NOMEM;
	}
	*ret_c = c;
	return 0;
}

void
connection_hold(struct connection *c)
{
	c->held = true;
}

void
connection_release(struct connection *c)
{
	c->held = false;
	if (!c->running)
		run(c);
}

struct buf *
connection_output(struct connection *c)
{
	return &c->out;
}

bool
connection_is_idle(const struct connection *c)
{
	return !c->held && c->pos == c->len && c->out.len == 0;
}
