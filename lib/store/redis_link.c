/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection that speaks RESP: the socket, and hiredis's reader on it. */
#include "store/redis_link.h"

#include <errno.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/err.h"
#include "util/number.h"

#define READ_SIZE 32768

struct link {
	int fd;
	struct event *read, *write;
	redisReader *reader;
	const struct link_events *events;
	void *ctx;
	char why[128];
	bool opened;
	bool broken; /* down() is due or was told */
	bool busy;   /* in an event: closing waits for its end */
	bool closed;
};

static void
link_free(struct link *l)
{
	if (l->read != NULL)
		event_free(l->read);
	if (l->write != NULL)
		event_free(l->write);
	if (l->reader != NULL)
		redisReaderFree(l->reader);
	if (l->fd >= 0)
		(void)close(l->fd);
	free(l);
}

void
link_close(struct link *l)
{
	if (l == NULL)
		return;
	l->closed = true;
	if (!l->busy)
		link_free(l);
}

void
link_set_events(struct link *l, const struct link_events *events, void *ctx)
{
	l->events = events;
	l->ctx = ctx;
}

static void
tell_down(struct link *l, const char *why)
{
	(void)event_del(l->read);
	(void)event_del(l->write);
	l->broken = true;
	l->events->down(why, l->ctx);
}

static void
deliver(struct link *l)
{
	void *reply;

	while (!l->closed) {
		if (redisReaderGetReply(l->reader, &reply) != REDIS_OK) {
			tell_down(l, "malformed reply");
			return;
		}
		if (reply == NULL)
			return;
		l->events->reply(reply, l->ctx);
		freeReplyObject(reply);
	}
}

static void
receive(struct link *l)
{
	char octets[READ_SIZE];
	ssize_t n = read(l->fd, octets, sizeof(octets));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		tell_down(l, strerrordesc_np(errno));
	} else if (n == 0) {
		tell_down(l, "connection closed by the server");
	} else if (redisReaderFeed(l->reader, octets, (size_t)n) != REDIS_OK) {
		tell_down(l, "out of memory");
	} else {
		deliver(l);
	}
}

static void
on_read(evutil_socket_t fd, short what, void *ctx)
{
	struct link *l = ctx;

	(void)fd;
	(void)what;
	l->busy = true;
	receive(l);
	l->busy = false;
	if (l->closed)
		link_free(l);
}

static void
finish_open(struct link *l)
{
	int error = 0;
	socklen_t len = sizeof(error);

	(void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		tell_down(l, strerrordesc_np(error));
		return;
	}
	l->opened = true;
	(void)event_add(l->read, NULL);
	l->events->opened(l->ctx);
}

static void
on_write(evutil_socket_t fd, short what, void *ctx)
{
	struct link *l = ctx;

	(void)fd;
	(void)what;
	l->busy = true;
	if (l->broken)
		tell_down(l, l->why);
	else if (!l->opened)
		finish_open(l);
	else
		l->events->writable(l->ctx);
	l->busy = false;
	if (l->closed)
		link_free(l);
}

static int
start_connecting(struct link *l, const struct redis_endpoint *to)
{
	int one = 1;

	l->fd = socket(to->sa.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -1;
	if (to->sa.ss_family != AF_UNIX) {
		(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
		(void)setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &one,
		    sizeof(one));
	}
	if (connect(l->fd, (const struct sockaddr *)&to->sa, to->len) < 0 &&
	    errno != EINPROGRESS)
		return -1;
	return 0;
}

int
link_open(struct event_base *base, const struct redis_endpoint *to,
    const struct link_events *events, void *ctx, struct link **ret_link,
    char *error, size_t error_size)
{
	struct link *l = calloc(1, sizeof(*l));
	int rc = ERR_NOMEM;

	if (l == NULL)
		return ERR_NOMEM;
	l->fd = -1;
	link_set_events(l, events, ctx);
	if (start_connecting(l, to) < 0) {
		(void)snprintf(error, error_size, "%s: %s", to->text,
		    strerrordesc_np(errno));
		rc = ERR_UNAVAIL;
		goto fail;
	}
	l->reader = redisReaderCreate();
	l->read = event_new(base, l->fd, EV_READ | EV_PERSIST, on_read, l);
	l->write = event_new(base, l->fd, EV_WRITE, on_write, l);
	if (l->reader == NULL || l->read == NULL || l->write == NULL ||
	    event_add(l->write, NULL) < 0) {
		(void)snprintf(error, error_size, "out of memory");
		goto fail;
	}
	*ret_link = l;
	return 0;

fail:
	link_free(l);
	return rc;
}

size_t
link_send(struct link *l, const char *at, size_t len)
{
	ssize_t n;

	if (l->broken || len == 0)
		return 0;
	n = send(l->fd, at, len, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		/* Told from the loop, not from here. */
		(void)snprintf(l->why, sizeof(l->why), "%s",
		    strerrordesc_np(errno));
		l->broken = true;
		event_active(l->write, EV_WRITE, 0);
		return 0;
	}
	if (n < 0)
		n = 0;
	if ((size_t)n < len)
		(void)event_add(l->write, NULL);
	return (size_t)n;
}

/* ---- replies: struct redis_reply is hiredis's, seen by this file only ---- */

static const redisReply *
cast(const struct redis_reply *r)
{
	return (const void *)r;
}

bool
redis_is_nil(const struct redis_reply *r)
{
	return r == NULL || cast(r)->type == REDIS_REPLY_NIL;
}

bool
redis_is_array(const struct redis_reply *r)
{
	return r != NULL && cast(r)->type == REDIS_REPLY_ARRAY;
}

struct slice
redis_string(const struct redis_reply *r)
{
	if (r == NULL || (cast(r)->type != REDIS_REPLY_STRING &&
			     cast(r)->type != REDIS_REPLY_STATUS))
		return (struct slice){ NULL, 0 };
	return (struct slice){ cast(r)->str, (size_t)cast(r)->len };
}

struct slice
redis_error(const struct redis_reply *r)
{
	if (r == NULL || cast(r)->type != REDIS_REPLY_ERROR)
		return (struct slice){ NULL, 0 };
	return (struct slice){ cast(r)->str, (size_t)cast(r)->len };
}

int64_t
redis_integer(const struct redis_reply *r)
{
	uint64_t n;

	if (r != NULL && cast(r)->type == REDIS_REPLY_INTEGER)
		return cast(r)->integer;
	if (number_parse(redis_string(r), 0, INT64_MAX, &n) < 0)
		return 0;
	return (int64_t)n;
}

size_t
redis_count(const struct redis_reply *r)
{
	return redis_is_array(r) ? (size_t)cast(r)->elements : 0;
}

const struct redis_reply *
redis_at(const struct redis_reply *r, size_t i)
{
	if (i >= redis_count(r))
		return NULL;
	return (const void *)cast(r)->element[i];
}

/* ---- commands ---- */

static char *
put_head(char *p, char kind, size_t n)
{
	*p++ = kind;
	p += number_format(n, p);
	*p++ = '\r';
	*p++ = '\n';
	return p;
}

#define HEAD_MAX (NUMBER_TEXT_MAX + 3)

static char *
put_string(char *p, struct slice s)
{
	p = put_head(p, '$', s.len);
	if (s.len > 0)
		memcpy(p, s.at, s.len);
	p += s.len;
	*p++ = '\r';
	*p++ = '\n';
	return p;
}

/* Room for the arguments and extra octets more. */
static int
reserve(const struct slice *argv, size_t argc, size_t extra, struct buf *out)
{
	size_t len = HEAD_MAX + extra;

	for (size_t i = 0; i < argc; i++)
		if (__builtin_add_overflow(len, argv[i].len, &len) ||
		    __builtin_add_overflow(len, HEAD_MAX + 2, &len))
			return ERR_LIMIT;
	int rc = buf_reserve(out, len);
	/* It refused, and may be used again for the next command. */
	out->rc = 0;
	return rc;
}

int
redis_format(const struct slice *argv, size_t argc, struct buf *out)
{
	int rc;

	if ((rc = reserve(argv, argc, 0, out)) < 0)
		return rc;
	char *p = put_head(out->at + out->len, '*', argc);
	for (size_t i = 0; i < argc; i++)
		p = put_string(p, argv[i]);
	out->len = (size_t)(p - out->at);
	return 0;
}

int
redis_format_script(struct slice command, struct slice sha, size_t nkeys,
    const struct slice *argv, size_t argc, struct buf *out,
    unsigned *ret_sha_at)
{
	char digits[NUMBER_TEXT_MAX];
	int rc;

	if ((rc = reserve(argv, argc, 3 * HEAD_MAX + 128, out)) < 0)
		return rc;
	char *begin = out->at + out->len;
	char *p = put_head(begin, '*', argc + 3);
	p = put_string(p, command);
	*ret_sha_at = (unsigned)(p - begin) + sizeof("$40\r\n") - 1;
	p = put_string(p, sha);
	p = put_string(p,
	    (struct slice){ digits, number_format(nkeys, digits) });
	for (size_t i = 0; i < argc; i++)
		p = put_string(p, argv[i]);
	out->len = (size_t)(p - out->at);
	return 0;
}
