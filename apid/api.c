/* SPDX-License-Identifier: BSD-2-Clause */
/* From a complete request to its handler: route, login, permission, body. */
#include "apid/apid.h"

#include <stdio.h>

#include "apid/auth.h"
#include "apid/request.h"
#include "proto/json.h"
#include "store/settings_store.h"
#include "util/err.h"
#include "util/log.h"

struct apid apid;

#define CHALLENGE "Basic realm=\"postern\", charset=\"UTF-8\", Bearer"

/* What a path is answered with. */
static enum accept_type
type_of(struct slice path)
{
	if (path.len > 4 &&
	    slice_eq(slice_skip(path, path.len - 4), SLICE(".csv")))
		return ACCEPT_CSV;
	if (path.len > 4 &&
	    slice_eq(slice_skip(path, path.len - 4), SLICE(".zip")))
		return ACCEPT_ZIP;
	return ACCEPT_JSON;
}

/* Who takes CSV and no JSON means the list's ".csv". */
static struct slice
path_of(struct request *req)
{
	struct buf path;
	struct slice longer = { NULL, 0 };

	if (type_of(req->path) != ACCEPT_JSON || accept_json(req->accept) ||
	    !accept_type(req->accept, ACCEPT_CSV))
		return req->path;
	buf_init(&path, req->path.len + 4);
	(void)buf_add_slice(&path, req->path);
	if (buf_add_text(&path, ".csv") == 0)
		longer = arena_dup(req->arena, buf_slice(&path));
	buf_done(&path);
	return longer.at != NULL ? longer : req->path;
}

/* False: the answer has been given. */
static bool
find_route(struct request *req)
{
	struct route_match m;
	struct slice path = path_of(req);
	int rc = route_find(route_tables, req->method, path, req->arena, &m);

	if (rc == ERR_NOTFOUND && path.at != req->path.at) {
		path = req->path;
		rc =
		    route_find(route_tables, req->method, path, req->arena, &m);
	}
	if (rc == ERR_DENIED) {
		req->allow = arena_text(req->arena, slice_of(m.allow));
		request_fail(req, 405, "");
		return false;
	}
	if (rc < 0) {
		if (rc == ERR_SYNTAX)
			request_invalid(req, "path", "",
			    "bad percent-encoding, or not UTF-8");
		request_fail(req, rc == ERR_NOTFOUND ? 404 : 400, "");
		return false;
	}
	req->route = m.route;
	memcpy(req->args, m.args, sizeof(req->args));
	if (!accept_type(req->accept, type_of(slice_of(m.route->path)))) {
		request_fail(req, 406,
		    "not of a type that the header Accept allows");
		return false;
	}
	return true;
}

static const char *
permission_word(unsigned permission)
{
	return permission == API_READ       ? "read"
	       : permission == API_WRITE    ? "write"
	       : permission == API_DOWNLOAD ? "download"
					    : "admin";
}

static bool
log_in(struct request *req)
{
	enum auth_result result;
	char text[80];

	if (req->route->permission == 0)
		return true;
	if (!settings_watch_known(apid.watch)) {
		/* Not 401: nobody knows yet who may log in. */
		req->retry_after_s = 1;
		request_fail(req, 503, "the settings are not known yet");
		return false;
	}
	req->settings = settings_current(apid.watch);
	result = auth_check(apid.auth, req->settings, req->authorization,
	    slice_of(req->client), &req->user, &req->tenant,
	    &req->retry_after_s);
	switch (result) {
	case AUTH_OK:
		break;
	case AUTH_NONE:
	case AUTH_BAD:
		req->challenge = CHALLENGE;
		request_fail(req, 401,
		    result == AUTH_NONE ? "log in with name and key"
					: "unknown name, wrong key, or no "
					  "access to the API");
		return false;
	case AUTH_TOO_MANY:
		request_fail(req, 429, "too many failed logins");
		return false;
	}
	if ((req->user->permissions & req->route->permission) != 0)
		return true;
	snprintf(text, sizeof(text), "needs the permission \"%s\"",
	    permission_word(req->route->permission));
	request_fail(req, 403, text);
	return false;
}

static bool
read_body(struct request *req)
{
	char text[200];
	enum route_body kind = req->route->body;

	if (kind == ROUTE_FILE || (req->body.len == 0 && kind != ROUTE_JSON))
		return true;
	if (kind == ROUTE_NO_BODY) {
		request_invalid(req, "body", "", "no body is expected here");
		return true;
	}
	if (!content_type_json(req->content_type)) {
		request_fail(req, 415, "the body must be application/json");
		return false;
	}
	if (json_parse(buf_slice(&req->body), req->body.max, &req->json, text,
		sizeof(text)) < 0) {
		request_invalid(req, "body", "", text);
		return true;
	}
	if (json_type(req->json) != JSON_OBJECT)
		request_invalid(req, "body", "", "must be a JSON object");
	return true;
}

static bool
param_allowed(const struct route *r, struct slice name)
{
	for (size_t i = 0; r->query != NULL && r->query[i] != NULL; i++)
		if (slice_eq(name, slice_of(r->query[i])))
			return true;
	return false;
}

static void
read_query(struct request *req)
{
	int rc =
	    query_parse(req->query, req->arena, req->params, &req->param_count);

	if (rc < 0) {
		request_invalid(req, "query", "",
		    rc == ERR_SYNTAX ? "bad percent-encoding, or not UTF-8"
				     : "too many parameters");
		return;
	}
	for (size_t i = 0; i < req->param_count; i++) {
		struct slice name = req->params[i].name;
		const char *text = arena_text(req->arena, name);

		if (text == NULL)
			text = "?";
		if (!param_allowed(req->route, name))
			request_invalid(req, "query", text,
			    "no such parameter");
		else if (request_param(req, text).at != req->params[i].value.at)
			request_invalid(req, "query", text, "given twice");
	}
}

void
api_handle(struct request *req, void *ctx)
{
	(void)ctx;
	if (!find_route(req) || !log_in(req) || !read_body(req))
		return;
	read_query(req);
	/* A body that did not parse can not be judged any further. */
	if (req->route->body == ROUTE_JSON &&
	    json_type(req->json) != JSON_OBJECT) {
		(void)request_refused(req);
		return;
	}
	req->route->handle(req);
}
