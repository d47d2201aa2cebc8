/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_HTTP_H
#define APID_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * HTTP/1.1 server on the event loop, one thread; the only user of
 * libmicrohttpd.  Requests are suspended until request_reply().
 */
struct event_base;
struct http;
struct request;

struct http_options {
	const int *fds; /* listening; of listener_open */
	size_t fd_count;
	unsigned max_clients;
	size_t max_body;
	char *tls_certificate, *tls_key; /* PEM text; NULL: no TLS */
};
/* Called once for each complete request. */
typedef void http_handle(struct request *req, void *ctx);
/* ERR_NOMEM; ERR_CONFIG: TLS was asked for, but the library has none. */
int http_start(struct event_base *base, const struct http_options *options,
    http_handle *handle, void *ctx, struct http **ret_http);
/* No new connections; idle ones are closed.  Requests not answered yet. */
unsigned http_drain(struct http *h);
/* Every request must have been answered.  Takes NULL. */
void http_stop(struct http *h);
unsigned http_clients(const struct http *h);

/* The answer is complete: request_reply() calls it. */
void http_reply(struct request *req);

#endif /* APID_HTTP_H */
