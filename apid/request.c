/* SPDX-License-Identifier: BSD-2-Clause */
/* One request of the API and its answer. */
#include "apid/request.h"

#include <stdlib.h>

#include "apid/http.h"
#include "proto/address.h"
#include "proto/json.h"
#include "proto/rfc3339.h"
#include "proto/status.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define ANSWER_MAX ((size_t)16 * 1024 * 1024)

struct request *
request_make(size_t body_max)
{
	struct request *req = calloc(1, sizeof(*req));

	if (req == NULL)
		return NULL;
	req->arena = arena_new(REQUEST_ARENA_MAX);
	if (req->arena == NULL) {
		free(req);
		return NULL;
	}
	buf_init(&req->body, body_max);
	buf_init(&req->out, ANSWER_MAX);
	req->begun_us = clock_mono_us();
	return req;
}

void
request_free(struct request *req)
{
	if (req == NULL)
		return;
	if (req->handler_free != NULL)
		req->handler_free(req->handler_ctx);
	json_free(req->json);
	settings_unref(req->settings);
	buf_done(&req->body);
	buf_done(&req->out);
	arena_free(req->arena);
	free(req);
}

struct slice
request_param(const struct request *req, const char *name)
{
	for (size_t i = 0; i < req->param_count; i++)
		if (slice_eq(req->params[i].name, slice_of(name)))
			return req->params[i].value;
	return (struct slice){ NULL, 0 };
}

void
request_invalid(struct request *req, const char *where, const char *name,
    const char *text)
{
	struct problem_error *e;

	if (req->error_count == REQUEST_ERRORS_MAX)
		return;
	e = &req->errors[req->error_count++];
	e->where = where;
	e->name = arena_dup(req->arena, slice_of(name));
	e->text = arena_dup(req->arena, slice_of(text));
}

bool
request_refused(struct request *req)
{
	if (req->error_count == 0)
		return false;
	request_fail(req, 400, "");
	return true;
}

void
request_reply(struct request *req, unsigned status)
{
	if (req->out.rc < 0) {
		request_fail(req, 503, "no memory for the answer");
		return;
	}
	req->status = status;
	if (req->content_type_out == NULL)
		req->content_type_out = "application/json";
	req->answered = true;
	http_reply(req);
}

void
request_stream(struct request *req, void (*more)(struct request *req))
{
	req->more = more;
	request_reply(req, 200);
}

void
request_piece(struct request *req, enum request_stream state)
{
	req->stream = req->out.rc < 0 ? STREAM_BROKEN : state;
	http_reply(req);
}

void
request_fail(struct request *req, unsigned status, const char *detail)
{
	buf_clear(&req->out);
	req->more = NULL;
	req->disposition = NULL;
	(void)problem_print(status, slice_of(detail), req->errors,
	    req->error_count, &req->out);
	if (req->out.rc < 0)
		buf_clear(&req->out);
	req->content_type_out = "application/problem+json";
	if (status == 503 && req->retry_after_s == 0)
		req->retry_after_s = 5;
	request_reply(req, status);
}

void
request_error(struct request *req, int rc)
{
	unsigned status = problem_status(rc);

	request_fail(req, status,
	    status == 503 ? "the store does not answer" : err_text(rc));
}

unsigned
request_limit(struct request *req)
{
	struct slice text = request_param(req, "limit");
	uint64_t n = 100;

	if (text.at != NULL && number_parse(text, 1, 1000, &n) < 0)
		request_invalid(req, "query", "limit",
		    "must be a number from 1 to 1000");
	return (unsigned)n;
}

int64_t
request_time(struct request *req, const char *name)
{
	struct slice text = request_param(req, name);
	int64_t us = 0;

	if (text.at != NULL && rfc3339_parse(text, &us) < 0)
		request_invalid(req, "query", name,
		    "must be a time like 2026-01-31T12:00:00Z");
	return us;
}

int
request_status(struct request *req)
{
	struct slice text = request_param(req, "status");
	uint64_t n = 0;

	if (text.at != NULL &&
	    (number_parse(text, 1, 99, &n) < 0 || !status_known((int)n)))
		request_invalid(req, "query", "status",
		    "must be an error status: 1 to 11, or 99");
	return (int)n;
}

struct slice
request_address(struct request *req, const char *where, const char *name,
    struct slice text)
{
	char room[ADDRESS_MAX];
	struct slice address;

	if (address_canonical(text, room, &address) < 0 || address.len == 0 ||
	    address_domain(address).len == 0) {
		request_invalid(req, where, name, "must be a mail address");
		return (struct slice){ NULL, 0 };
	}
	return arena_dup(req->arena, address);
}
