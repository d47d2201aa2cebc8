/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/health and /v1/openapi.json: open to all. */
#include "apid/resources.h"

#include "apid/apid.h"
#include "apid/request.h"
#include "store/store.h"

extern const char apid_openapi[]; /* made from openapi.json by tools/embed */

static void
health(struct request *req)
{
	bool up = store_is_up(apid.store);

	if (request_refused(req))
		return;
	(void)buf_addf(&req->out,
	    "{\"status\":\"%s\",\"redis\":\"%s\",\"version\":\"%s\"}",
	    up ? "ok" : "unavailable", up ? "up" : "down", VERSION_TEXT);
	if (!up)
		req->retry_after_s = 5;
	request_reply(req, up ? 200 : 503);
}

static void
openapi(struct request *req)
{
	if (request_refused(req))
		return;
	(void)buf_add_text(&req->out, apid_openapi);
	request_reply(req, 200);
}

/* clang-format off */
const struct route routes_health[] = {
	{ "GET", "/v1/health", 0, ROUTE_NO_BODY, NULL, health },
	{ "GET", "/v1/openapi.json", 0, ROUTE_NO_BODY, NULL, openapi },
	{ .method = NULL },
};
/* clang-format on */
