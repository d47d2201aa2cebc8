/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/1.1 server on the event loop, by libmicrohttpd.  RFC 9110, RFC 9112
 * Over 600 lines: the only user of that library, and its callbacks share the
 * state of a client.
 */
#include "apid/http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "apid/request.h"
#include "net/listener.h"
#include "net/loop.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/number.h"

/*
 * Seen on libmicrohttpd 0.9.75: with more than 127 ready connections in one
 * epoll set it serves some hundred requests a second.  So the clients are
 * spread over several daemons ("lanes"), all in this thread.
 */
#define LANE_CLIENTS 100
#define LANE_LIMIT 120 /* of the library: those it tidies up count, too */
#define LANES_MAX 101
/* For a whole request to come, for an answer to be taken, between them. */
#define PATIENCE_US (20 * 1000000LL)
#define SWEEP_MS 1000
#define STREAM_BLOCK ((size_t)64 * 1024)
#define CONNECTION_MEMORY ((size_t)32 * 1024)
#define DISCARD_FACTOR 16 /* of max_body; then the connection is cut */

struct lane {
	struct http *http;
	struct MHD_Daemon *daemon;
	struct loop_watch *watch;
	struct loop_timer *timer;
	unsigned clients;
};

struct client {
	struct client *next, **prev;
	struct lane *lane;
	struct MHD_Connection *connection;
	int fd;
	bool busy;      /* we owe an answer */
	bool suspended; /* libmicrohttpd waits for it */
	bool begun;     /* the header of a request is complete */
	size_t discarded;
	int64_t since_us;
	char name[64];
	struct request *req; /* of which the header or body is coming */
};

struct http {
	struct event_base *base;
	struct lane lanes[LANES_MAX];
	size_t lane_count;
	struct listener *listeners[LISTENER_MAX];
	size_t listener_count;
	unsigned clients, max_clients;
	bool paused, draining, stopped;
	size_t max_body;
	struct client *first;
	struct loop_timer *sweep;
	http_handle *handle;
	void *ctx;
	struct log_limit full_limit;
};

static void
library_log(void *ctx, const char *format, va_list ap)
{
	char text[300];

	(void)ctx;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(text, sizeof(text), format, ap);
#pragma GCC diagnostic pop
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

/* One turn of a lane, and when the next must be without any octet coming. */
static void
lane_run(struct lane *l)
{
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(l->daemon);
	if (MHD_get_timeout(l->daemon, &ms) == MHD_YES)
		loop_timer_set(l->timer, ms > 1000 ? 1000 : (int64_t)ms);
	else
		loop_timer_stop(l->timer);
}

static void
lane_readable(int fd, void *ctx)
{
	(void)fd;
	lane_run(ctx);
}

static void
lane_timer(void *ctx)
{
	lane_run(ctx);
}

/* ---- clients ---- */

static void
client_name(struct client *c)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	struct ucred cred;
	socklen_t cred_len = sizeof(cred);

	memset(&a, 0, sizeof(a));
	(void)getpeername(c->fd, (struct sockaddr *)&a, &len);
	snprintf(c->name, sizeof(c->name), "unknown");
	if (a.ss_family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&a;

		(void)inet_ntop(AF_INET, &in->sin_addr, c->name,
		    sizeof(c->name));
	} else if (a.ss_family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a;

		(void)inet_ntop(AF_INET6, &in6->sin6_addr, c->name,
		    sizeof(c->name));
	} else if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred,
		       &cred_len) == 0) {
		snprintf(c->name, sizeof(c->name), "unix:%u",
		    (unsigned)cred.uid);
	}
}

static void
client_started(struct lane *l, struct MHD_Connection *connection,
    void **socket_context)
{
	struct client *c = calloc(1, sizeof(*c));
	struct http *h = l->http;

	h->clients++;
	l->clients++;
	*socket_context = c;
	if (c == NULL)
		return; /* its first request will be refused */
	c->lane = l;
	c->connection = connection;
	c->fd = MHD_get_connection_info(connection,
	    MHD_CONNECTION_INFO_CONNECTION_FD)
		    ->connect_fd;
	c->since_us = clock_mono_us();
	client_name(c);
	c->next = h->first;
	c->prev = &h->first;
	if (c->next != NULL)
		c->next->prev = &c->next;
	h->first = c;
}

static void
client_closed(struct lane *l, struct client *c)
{
	struct http *h = l->http;

	h->clients--;
	l->clients--;
	if (c != NULL) {
		*c->prev = c->next;
		if (c->next != NULL)
			c->next->prev = c->prev;
		request_free(c->req);
		free(c);
	}
	if (h->paused && !h->draining && h->clients < h->max_clients) {
		h->paused = false;
		for (size_t i = 0; i < h->listener_count; i++)
			listener_resume(h->listeners[i]);
	}
}

static void
on_connection(void *ctx, struct MHD_Connection *connection,
    void **socket_context, enum MHD_ConnectionNotificationCode what)
{
	struct lane *l = ctx;

	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		client_started(l, connection, socket_context);
	else
		client_closed(l, *socket_context);
}

static struct client *
client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection,
		MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

/* A client that dawdles is cut off; libmicrohttpd sees the end and tidies. */
static void
sweep(void *ctx)
{
	struct http *h = ctx;
	int64_t now = clock_mono_us();

	for (struct client *c = h->first; c != NULL; c = c->next) {
		bool idle = !c->begun && !c->busy && c->req == NULL;

		if (!c->busy && (now - c->since_us > PATIENCE_US ||
				    (idle && (h->draining || h->paused))))
			(void)shutdown(c->fd, SHUT_RDWR);
	}
	loop_timer_set(h->sweep, SWEEP_MS);
}

static void
on_accepted(int fd, void *ctx)
{
	struct http *h = ctx;
	struct lane *best = &h->lanes[0];
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	for (size_t i = 1; i < h->lane_count; i++)
		if (h->lanes[i].clients < best->clients)
			best = &h->lanes[i];
	memset(&a, 0, sizeof(a));
	if (getpeername(fd, (struct sockaddr *)&a, &len) < 0)
		len = sizeof(a);
	/* It closes fd itself when it fails. */
	if (MHD_add_connection(best->daemon, fd, (struct sockaddr *)&a, len) ==
	    MHD_YES)
		lane_run(best);
	if (h->clients >= h->max_clients && !h->paused) {
		h->paused = true;
		for (size_t i = 0; i < h->listener_count; i++)
			listener_pause(h->listeners[i]);
	}
}

static void
on_full(void *ctx)
{
	struct http *h = ctx;
	unsigned long missed;

	if (log_limit_ok(&h->full_limit, 60, &missed))
		log_warning("http: out of file descriptors");
}

/* ---- requests ---- */

static struct slice
header(struct MHD_Connection *connection, struct arena *arena, const char *name)
{
	const char *value =
	    MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);

	if (value == NULL)
		return (struct slice){ NULL, 0 };
	return arena_dup(arena, slice_of(value));
}

/* The request line is there; what is returned is ours in on_request. */
static void *
on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
	struct lane *l = ctx;
	struct client *c = client_of(connection);
	struct request *req;
	struct slice rest = slice_of(target), path;

	if (c == NULL || (req = request_make(l->http->max_body)) == NULL)
		return NULL;
	(void)slice_split(&rest, '?', &path);
	req->path = arena_dup(req->arena, path);
	req->query = rest.at != NULL ? arena_dup(req->arena, rest) : rest;
	if (req->path.at == NULL) {
		request_free(req);
		return NULL;
	}
	req->connection = c;
	memcpy(req->client, c->name, sizeof(req->client));
	request_free(c->req);
	c->req = req;
	c->begun = false;
	c->discarded = 0;
	return req;
}

static size_t
no_unescape(void *ctx, struct MHD_Connection *connection, char *text)
{
	(void)ctx;
	(void)connection;
	return strlen(text);
}

static void
add_header(struct MHD_Response *r, const char *name, const char *value)
{
	if (value != NULL)
		(void)MHD_add_response_header(r, name, value);
}

/*
 * The library wants octets of a long answer.  While the next piece is made
 * its connection sleeps: the client's slowness is ours, so that no more than
 * one piece is ever kept.
 */
static ssize_t
read_stream(void *ctx, uint64_t position, char *to, size_t max)
{
	struct request *req = ctx;
	struct client *c = req->connection;
	size_t n = req->out.len - req->out_taken;

	(void)position;
	c->since_us = clock_mono_us();
	if (n > 0) {
		n = n < max ? n : max;
		memcpy(to, req->out.at + req->out_taken, n);
		req->out_taken += n;
		return (ssize_t)n;
	}
	if (req->stream == STREAM_WHOLE)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (req->stream == STREAM_BROKEN || c->lane->http->stopped)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	c->suspended = c->busy = true;
	MHD_suspend_connection(c->connection);
	buf_clear(&req->out);
	req->out_taken = 0;
	req->more(req);
	return 0;
}

static enum MHD_Result
queue_answer(struct request *req, struct MHD_Connection *connection)
{
	struct MHD_Response *r =
	    req->more != NULL
		? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
		      STREAM_BLOCK, read_stream, req, NULL)
		: MHD_create_response_from_buffer(req->out.len, req->out.at,
		      MHD_RESPMEM_PERSISTENT);
	char wait[NUMBER_TEXT_MAX];
	enum MHD_Result ok;

	if (r == NULL)
		return MHD_NO;
	if (req->out.len > 0)
		add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
		    req->content_type_out);
	add_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	add_header(r, "X-Content-Type-Options", "nosniff");
	add_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, req->challenge);
	add_header(r, MHD_HTTP_HEADER_ALLOW, req->allow);
	add_header(r, MHD_HTTP_HEADER_LOCATION, req->location);
	add_header(r, MHD_HTTP_HEADER_CONTENT_DISPOSITION, req->disposition);
	/* Others wait for a place: nobody keeps his beyond one answer. */
	if (((struct client *)req->connection)->lane->http->paused)
		add_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	if (req->retry_after_s > 0) {
		(void)number_format((uint64_t)req->retry_after_s, wait);
		add_header(r, MHD_HTTP_HEADER_RETRY_AFTER, wait);
	}
	ok = MHD_queue_response(connection, req->status, r);
	MHD_destroy_response(r);
	return ok;
}

/* The header is there: what of it we need; a body too long is not awaited. */
static enum MHD_Result
begin(struct http *h, struct client *c, struct request *req, const char *method)
{
	struct MHD_Connection *conn = c->connection;
	struct slice length;
	uint64_t octets;

	c->begun = true;
	req->method = arena_dup(req->arena, slice_of(method));
	req->authorization = header(conn, req->arena, "Authorization");
	req->content_type = header(conn, req->arena, "Content-Type");
	req->accept = header(conn, req->arena, "Accept");
	length = header(conn, req->arena, "Content-Length");
	if (length.at == NULL ||
	    number_parse(length, 0, h->max_body, &octets) == 0)
		return MHD_YES;
	req->body_too_large = true;
	request_fail(req, 413, "");
	return queue_answer(req, conn);
}

static enum MHD_Result
take_body(struct http *h, struct client *c, struct request *req,
    const char *data, size_t *len)
{
	if (!req->body_too_large && buf_add(&req->body, data, *len) < 0)
		req->body_too_large = true;
	if (req->body_too_large) {
		c->discarded += *len;
		if (c->discarded > h->max_body * DISCARD_FACTOR)
			return MHD_NO;
	}
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **req_context)
{
	struct lane *l = ctx;
	struct http *h = l->http;
	struct request *req = *req_context;
	struct client *c = client_of(connection);

	(void)url;
	(void)version;
	if (req == NULL || c == NULL)
		return MHD_NO;
	if (!c->begun)
		return begin(h, c, req, method);
	if (*len > 0)
		return take_body(h, c, req, data, len);
	if (req->answered)
		return queue_answer(req, connection);

	c->busy = true;
	if (req->body_too_large)
		request_fail(req, 413, "");
	else
		h->handle(req, h->ctx);
	if (req->answered)
		return queue_answer(req, connection);
	c->suspended = true;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

void
http_reply(struct request *req)
{
	struct client *c = req->connection;

	c->busy = false;
	c->since_us = clock_mono_us();
	if (!c->suspended)
		return;
	c->suspended = false;
	MHD_resume_connection(c->connection);
	loop_timer_set(c->lane->timer, 0);
}

static void
on_completed(void *ctx, struct MHD_Connection *connection, void **req_context,
    enum MHD_RequestTerminationCode why)
{
	struct client *c = client_of(connection);
	struct request *req = *req_context;

	(void)ctx;
	(void)why;
	*req_context = NULL;
	if (c == NULL || req == NULL || c->req != req)
		return;
	c->req = NULL;
	c->begun = false;
	c->since_us = clock_mono_us();
	request_free(req);
}

/* ---- start and stop ---- */

static int
lane_start(struct http *h, struct lane *l, const struct http_options *o)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, o->tls_key },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, o->tls_certificate },
		{ MHD_OPTION_END, 0, NULL },
	};
	const union MHD_DaemonInfo *info;

	if (o->tls_certificate != NULL)
		flags |= MHD_USE_TLS;
	else
		tls[0] = tls[2];
	l->http = h;
	l->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, l,
	    MHD_OPTION_EXTERNAL_LOGGER, library_log, NULL,
	    MHD_OPTION_URI_LOG_CALLBACK, on_target, l,
	    MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)LANE_LIMIT,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
	    MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (l->daemon == NULL)
		return ERR_CONFIG;
	info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	l->timer = loop_timer_new(h->base, lane_timer, l);
	if (info == NULL || l->timer == NULL)
		return ERR_NOMEM;
	l->watch = loop_watch_new(h->base, info->epoll_fd, lane_readable, l);
	return l->watch != NULL ? 0 : ERR_NOMEM;
}

int
http_start(struct event_base *base, const struct http_options *options,
    http_handle *handle, void *ctx, struct http **ret_http)
{
	struct http *h = calloc(1, sizeof(*h));
	size_t lanes = (options->max_clients + LANE_CLIENTS - 1) / LANE_CLIENTS;
	int rc = ERR_NOMEM;

	if (h == NULL)
		return ERR_NOMEM;
	if (options->tls_certificate != NULL &&
	    MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		free(h);
		return ERR_CONFIG;
	}
	h->base = base;
	h->handle = handle;
	h->ctx = ctx;
	h->max_clients = options->max_clients;
	h->max_body = options->max_body;
	h->sweep = loop_timer_new(base, sweep, h);
	if (h->sweep == NULL)
		goto fail;
	loop_timer_set(h->sweep, SWEEP_MS);
	while (h->lane_count < lanes && h->lane_count < LANES_MAX) {
		rc = lane_start(h, &h->lanes[h->lane_count++], options);
		if (rc < 0)
			goto fail;
	}
	rc = ERR_NOMEM;
	for (size_t i = 0; i < options->fd_count; i++) {
		struct listener *li = listener_start(base, options->fds[i],
		    on_accepted, on_full, h);

		if (li == NULL)
			goto fail;
		h->listeners[h->listener_count++] = li;
	}
	*ret_http = h;
	return 0;

fail:
	http_stop(h);
	return rc;
}

unsigned
http_drain(struct http *h)
{
	unsigned owed = 0;

	if (!h->draining) {
		h->draining = true;
		for (size_t i = 0; i < h->listener_count; i++)
			listener_stop(h->listeners[i]);
		h->listener_count = 0;
	}
	sweep(h);
	for (struct client *c = h->first; c != NULL; c = c->next)
		owed += c->busy || c->req != NULL;
	return owed;
}

void
http_stop(struct http *h)
{
	if (h == NULL)
		return;
	h->draining = h->stopped = true;
	for (size_t i = 0; i < h->listener_count; i++)
		listener_stop(h->listeners[i]);
	for (size_t i = 0; i < h->lane_count; i++) {
		struct lane *l = &h->lanes[i];

		loop_watch_free(l->watch);
		/* One turn more, so that none is suspended any longer. */
		if (l->daemon != NULL) {
			(void)MHD_run(l->daemon);
			MHD_stop_daemon(l->daemon);
		}
		loop_timer_free(l->timer);
	}
	loop_timer_free(h->sweep);
	free(h);
}

unsigned
http_clients(const struct http *h)
{
	return h->clients;
}
