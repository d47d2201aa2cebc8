/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/blocks and /v1/exemptions: the suppression list. */
#include "apid/resources.h"

#include "apid/apid.h"
#include "apid/change.h"
#include "apid/page.h"
#include "proto/block_json.h"
#include "proto/json.h"
#include "proto/rfc3339.h"
#include "store/block_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define SECOND 1000000

static void
list_row(struct slice address, const struct block *b, void *ctx)
{
	struct request *req = ctx;

	page_row(req);
	(void)block_to_json(address, b, &req->out);
}

static void
list_end(int rc, struct slice next_cursor, void *ctx)
{
	page_end(ctx, rc, next_cursor);
}

/* A stream by its name; not looked up, as one that was taken out of the
 * settings may still have blocks. */
static struct slice
stream_ok(struct request *req, const char *where, struct slice name)
{
	bool ok = name.len > 0 && name.len <= BLOCK_STREAM_MAX;

	for (size_t i = 0; i < name.len; i++)
		ok &= (unsigned char)name.at[i] > ' ' && name.at[i] != 0x7f;
	if (name.at != NULL && !ok)
		request_invalid(req, where, "stream",
		    "must be the name of a stream");
	return name;
}

static struct slice
stream_param(struct request *req)
{
	return stream_ok(req, "query", request_param(req, "stream"));
}

/* "-" asks for blocks of all mail. */
static struct slice
stream_filter(struct request *req)
{
	return slice_eq(request_param(req, "stream"), SLICE("-"))
		   ? SLICE("")
		   : stream_param(req);
}

static void
list(struct request *req, enum block_state state)
{
	struct block_query q = {
		.tenant = req->tenant->name,
		.state = state,
		.contains = request_param(req, "contains"),
		.since_from_s = request_time(req, "since_from") / SECOND,
		.since_to_s = request_time(req, "since_to") / SECOND,
		.status = request_status(req),
		.stream = stream_filter(req),
		.cursor = request_param(req, "cursor"),
		.limit = request_limit(req),
	};

	if (request_refused(req))
		return;
	page_begin(req);
	block_page(apid.store, &q, store_long_deadline(apid.store), list_row,
	    list_end, req);
}

static void
blocks_list(struct request *req)
{
	list(req, BLOCK_BLOCKED);
}

static void
exemptions_list(struct request *req)
{
	list(req, BLOCK_EXEMPT);
}

static void
shown(int rc, const struct block *b, void *ctx)
{
	struct request *req = ctx;
	bool exempt = strcmp(req->route->path, "/v1/blocks/{address}") != 0;

	if (rc == 0 &&
	    (exempt ? b->state == BLOCK_EXEMPT
		    : block_is_active(b, clock_wall_us() / SECOND))) {
		struct block shown_block = *b;

		shown_block.stream = request_param(req, "stream");
		(void)block_to_json(req->args[0], &shown_block, &req->out);
		request_reply(req, 200);
	} else if (rc == 0 || rc == ERR_NOTFOUND) {
		request_fail(req, 404,
		    exempt ? "the address is not exempt"
			   : "the address is not blocked");
	} else {
		request_error(req, rc);
	}
}

static void
show(struct request *req)
{
	struct slice stream = stream_param(req);

	req->args[0] = request_address(req, "path", "address", req->args[0]);
	if (request_refused(req))
		return;
	block_get(apid.store, req->tenant->name, req->args[0], stream,
	    store_deadline(apid.store), shown, req);
}

/* null takes an expiry off; 0: not given. */
static int64_t
body_expires(struct request *req)
{
	const struct json *v = json_get(req->json, "expires");
	int64_t us = 0;

	if (v == NULL)
		return 0;
	if (json_type(v) == JSON_NULL)
		return BLOCK_EXPIRES_NEVER;
	if (rfc3339_parse(json_string(v), &us) < 0 || us <= clock_wall_us()) {
		request_invalid(req, "body", "expires",
		    "must be a time to come, like 2026-01-31T12:00:00Z");
		return 0;
	}
	return us / SECOND;
}

/* A new entry is for a stream that there is: else it would never apply. */
static struct slice
body_stream(struct request *req)
{
	const struct json *v = json_get(req->json, "stream");
	struct slice name = json_string(v);

	if (v == NULL || json_type(v) == JSON_NULL)
		return (struct slice){ NULL, 0 };
	for (size_t i = 0; i < req->tenant->stream_count; i++)
		if (slice_eq(req->tenant->streams[i].name, name))
			return name;
	request_invalid(req, "body", "stream",
	    "must be the name of one of the tenant's streams");
	return name;
}

static void
blocks_add(struct request *req)
{
	static const char *const members[] = { "address", "note", "expires",
		"stream", NULL };
	struct slice text = json_string(json_get(req->json, "address"));
	const struct change_order order = {
		.kind = CHANGE_BLOCK,
		.address = request_address(req, "body", "address", text),
		.stream = body_stream(req),
		.note = change_note(req),
		.expires_s = body_expires(req),
	};

	change_members(req, members);
	if (!request_refused(req))
		change_start(req, &order);
}

static void
change_one(struct request *req, enum change_kind kind,
    const char *const *members)
{
	const struct change_order order = {
		.kind = kind,
		.address =
		    request_address(req, "path", "address", req->args[0]),
		.stream = stream_param(req),
		.note = change_note(req),
		.expires_s = body_expires(req),
	};

	change_members(req, members);
	if (!request_refused(req))
		change_start(req, &order);
}

static const char *const no_members[] = { NULL };
static const char *const edit_members[] = { "note", "expires", NULL };

static void
blocks_edit(struct request *req)
{
	change_one(req, CHANGE_EDIT, edit_members);
}

static void
blocks_remove(struct request *req)
{
	change_one(req, CHANGE_UNBLOCK, no_members);
}

static void
exemptions_put(struct request *req)
{
	change_one(req, CHANGE_EXEMPT, edit_members);
}

static void
exemptions_remove(struct request *req)
{
	change_one(req, CHANGE_UNEXEMPT, no_members);
}

static const char *const list_query[] = { "limit", "cursor", "contains",
	"status", "since_from", "since_to", "stream", NULL };
static const char *const one_query[] = { "stream", NULL };

/* clang-format off */
const struct route routes_blocks[] = {
	{ "GET", "/v1/blocks", API_READ, ROUTE_NO_BODY, list_query, blocks_list },
	{ "POST", "/v1/blocks", API_WRITE, ROUTE_JSON, NULL, blocks_add },
	{ "GET", "/v1/blocks/{address}", API_READ, ROUTE_NO_BODY, one_query, show },
	{ "PATCH", "/v1/blocks/{address}", API_WRITE, ROUTE_JSON, one_query, blocks_edit },
	{ "DELETE", "/v1/blocks/{address}", API_WRITE, ROUTE_NO_BODY, one_query, blocks_remove },
	{ "GET", "/v1/exemptions", API_READ, ROUTE_NO_BODY, list_query, exemptions_list },
	{ "GET", "/v1/exemptions/{address}", API_READ, ROUTE_NO_BODY, one_query, show },
	{ "PUT", "/v1/exemptions/{address}", API_WRITE, ROUTE_JSON_OR_NONE, one_query, exemptions_put },
	{ "DELETE", "/v1/exemptions/{address}", API_WRITE, ROUTE_NO_BODY, one_query, exemptions_remove },
	{ .method = NULL },
};
/* clang-format on */
