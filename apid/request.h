/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_REQUEST_H
#define APID_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "apid/problem.h"
#include "apid/router.h"
#include "apid/uri.h"
#include "proto/settings.h"
#include "util/arena.h"
#include "util/buf.h"

/*
 * One request and its answer.  http.c makes and frees it; api.c finds the
 * route; the resource's handler leads to exactly one request_reply() or
 * request_fail(), now or in a later turn of the loop.  All memory comes from
 * its arena, which lives until the answer has been sent.
 */
struct json;

#define REQUEST_ARENA_MAX (8 * 1024 * 1024)
#define REQUEST_ERRORS_MAX 50

struct request {
	struct arena *arena;
	/* as it came; absent slices were not sent */
	struct slice method, path, query;
	struct slice authorization, content_type, accept;
	struct buf body;
	bool body_too_large;
	char client[64]; /* address, or "unix:UID" */
	int64_t begun_us;
	void *connection; /* of http.c */

	/* found by api.c */
	const struct route *route;
	struct slice args[ROUTE_ARGS_MAX];
	struct query_param params[QUERY_MAX];
	size_t param_count;
	struct json *json; /* the body */
	struct settings *settings;
	const struct tenant *tenant; /* NULL where nobody has logged in */
	const struct api_user *user;
	struct problem_error errors[REQUEST_ERRORS_MAX];
	size_t error_count;

	/* the answer */
	struct buf out;
	unsigned status;
	const char *content_type_out;
	const char *challenge; /* WWW-Authenticate */
	const char *allow;
	char *location;          /* in the arena */
	int64_t retry_after_s;   /* 0: none */
	const char *disposition; /* Content-Disposition; in the arena */
	bool answered;
	/* of a long answer; see request_stream() */
	void (*more)(struct request *req);
	enum request_stream {
		STREAM_GOES_ON,
		STREAM_WHOLE,
		STREAM_BROKEN
	} stream;
	size_t out_taken; /* octets of out that are sent */
	/* What a handler that needs several turns keeps; freed (if there is a
	 * function) with the request. */
	void *handler_ctx;
	void (*handler_free)(void *ctx);
};

/* Makes all but the fields that http.c fills.  NULL: no memory. */
struct request *request_make(size_t body_max);
void request_free(struct request *req); /* takes NULL */

/* The value of a query parameter; absent if it was not given. */
struct slice request_param(const struct request *req, const char *name);

/* Something is wrong with the request: collected, not told yet. */
void request_invalid(struct request *req, const char *where, const char *name,
    const char *text);
/* Was there?  Then the 400 that names them all has been sent. */
bool request_refused(struct request *req);

/* Sends what is in out. */
void request_reply(struct request *req, unsigned status);
/*
 * A long answer, made piece by piece, so that it is never kept whole.  What is
 * in out is sent as its first piece, with status 200; each time all of it is
 * taken, out is emptied and more() called (from the loop), which leads to one
 * request_piece(), now or in a later turn.  Until then a problem can be told
 * as ever.
 */
void request_stream(struct request *req, void (*more)(struct request *req));
/*
 * What is in out goes out; it may be empty.  STREAM_WHOLE: it was the last one.
 * STREAM_BROKEN: there will be no more, and the client sees by the cut
 * connection that something is missing.
 */
void request_piece(struct request *req, enum request_stream state);
/* A problem in place of whatever is in out; detail may be "". */
void request_fail(struct request *req, unsigned status, const char *detail);
/* The same for an ERR_* code of a store call. */
void request_error(struct request *req, int rc);

/* Decoders of query parameters that several resources have. */
unsigned request_limit(struct request *req); /* 1..1000, default 100 */
/* RFC 3339; 0: not given.  Microseconds since 1970. */
int64_t request_time(struct request *req, const char *name);
int request_status(struct request *req); /* enum status; 0: not given */
/*
 * An address from the path, query or body in its canonical form, in the
 * arena; absent, and an error noted, if it is none.
 */
struct slice request_address(struct request *req, const char *where,
    const char *name, struct slice text);

#endif /* APID_REQUEST_H */
