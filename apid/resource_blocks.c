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
		(void)block_to_json(req->args[0], b, &req->out);
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
	req->args[0] = request_address(req, "path", "address", req->args[0]);
	if (request_refused(req))
		return;
	block_get(apid.store, req->tenant->name, req->args[0],
	    store_deadline(apid.store), shown, req);
}

static int64_t
body_expires(struct request *req)
{
	const struct json *v = json_get(req->json, "expires");
	int64_t us = 0;

	if (v == NULL || json_type(v) == JSON_NULL)
		return 0;
	if (rfc3339_parse(json_string(v), &us) < 0 || us <= clock_wall_us()) {
		request_invalid(req, "body", "expires",
		    "must be a time to come, like 2026-01-31T12:00:00Z");
		return 0;
	}
	return us / SECOND;
}

static void
blocks_add(struct request *req)
{
	static const char *const members[] = { "address", "note", "expires",
		NULL };
	struct slice text = json_string(json_get(req->json, "address"));
	struct slice address = request_address(req, "body", "address", text);
	struct slice note = change_note(req);
	int64_t expires_s = body_expires(req);

	change_members(req, members);
	if (!request_refused(req))
		change_start(req, CHANGE_BLOCK, address, note, expires_s);
}

static void
change_one(struct request *req, enum change_kind kind)
{
	static const char *const members[] = { "note", NULL };
	struct slice address =
	    request_address(req, "path", "address", req->args[0]);
	struct slice note = change_note(req);

	change_members(req, members);
	if (!request_refused(req))
		change_start(req, kind, address, note, 0);
}

static void
blocks_remove(struct request *req)
{
	change_one(req, CHANGE_UNBLOCK);
}

static void
exemptions_put(struct request *req)
{
	change_one(req, CHANGE_EXEMPT);
}

static void
exemptions_remove(struct request *req)
{
	change_one(req, CHANGE_UNEXEMPT);
}

static const char *const list_query[] = { "limit", "cursor", "contains",
	"status", "since_from", "since_to", NULL };

/* clang-format off */
const struct route routes_blocks[] = {
	{ "GET", "/v1/blocks", API_READ, ROUTE_NO_BODY, list_query, blocks_list },
	{ "POST", "/v1/blocks", API_WRITE, ROUTE_JSON, NULL, blocks_add },
	{ "GET", "/v1/blocks/{address}", API_READ, ROUTE_NO_BODY, NULL, show },
	{ "DELETE", "/v1/blocks/{address}", API_WRITE, ROUTE_NO_BODY, NULL, blocks_remove },
	{ "GET", "/v1/exemptions", API_READ, ROUTE_NO_BODY, list_query, exemptions_list },
	{ "GET", "/v1/exemptions/{address}", API_READ, ROUTE_NO_BODY, NULL, show },
	{ "PUT", "/v1/exemptions/{address}", API_WRITE, ROUTE_JSON_OR_NONE, NULL, exemptions_put },
	{ "DELETE", "/v1/exemptions/{address}", API_WRITE, ROUTE_NO_BODY, NULL, exemptions_remove },
	{ .method = NULL },
};
/* clang-format on */
