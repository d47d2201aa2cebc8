/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * POSTs over HTTP and HTTPS on the event loop; the only user of libcurl.
 * No redirects are followed.  Addresses that are private, loopback,
 * link-local, multicast or otherwise special are refused after name
 * resolution (ERR_DENIED), unless allowed.
 */
struct event_base;
struct http_client;

int http_client_new(struct event_base *base, unsigned max_parallel,
    bool private_addresses, struct http_client **ret_client);
void http_client_free(struct http_client *c); /* callbacks run: ERR_CANCELED */

struct http_post {
	struct slice url;
	const struct slice *headers; /* "Name: value", no line ends inside */
	size_t header_count;
	struct slice body;
	int64_t timeout_ms;
};
struct http_answer {
	unsigned status;       /* 0: none came */
	int64_t retry_after_s; /* -1: not said; HTTP dates are converted */
	struct slice body;     /* its first 2000 octets */
	const char *error;     /* a text for a person; "" when status != 0 */
};
/* rc 0: an answer came, whatever its status. */
typedef void http_done(int rc, const struct http_answer *answer, void *ctx);
/* Copies everything.  Exactly one done(), never from inside. */
int http_client_post(struct http_client *c, const struct http_post *post,
    http_done *done, void *ctx);

#endif /* NET_HTTP_CLIENT_H */
