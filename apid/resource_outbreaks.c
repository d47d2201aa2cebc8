/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/outbreaks: answers of providers that do not count towards blocks. */
#include "apid/resources.h"

#include "apid/apid.h"
#include "apid/change.h"
#include "apid/page.h"
#include "store/outbreak_json.h"
#include "store/store.h"
#include "util/err.h"

static void
listed(int rc, const struct outbreak *list, size_t count, void *ctx)
{
	struct request *req = ctx;

	for (size_t i = 0; i < count; i++) {
		page_row(req);
		(void)outbreak_to_json(&list[i], &req->out);
	}
	page_end(req, rc, (struct slice){ NULL, 0 });
}

static void
outbreaks_list(struct request *req)
{
	page_begin(req);
	outbreak_list(apid.store, req->tenant->name, store_deadline(apid.store),
	    listed, req);
}

static void
ended(int rc, void *ctx)
{
	struct request *req = ctx;

	if (rc == ERR_NOTFOUND) {
		request_fail(req, 404, "no outbreak with that id goes on");
		return;
	}
	if (rc < 0) {
		request_error(req, rc);
		return;
	}
	change_audit(req, "outbreak_release", req->args[0],
	    (struct slice){ NULL, 0 });
	request_reply(req, 204);
}

static void
outbreaks_end(struct request *req)
{
	outbreak_end(apid.store, req->tenant->name, req->args[0], SLICE("api"),
	    store_deadline(apid.store), ended, req);
}

/* clang-format off */
const struct route routes_outbreaks[] = {
	{ "GET", "/v1/outbreaks", API_READ, ROUTE_NO_BODY, NULL, outbreaks_list },
	{ "DELETE", "/v1/outbreaks/{id}", API_WRITE, ROUTE_NO_BODY, NULL, outbreaks_end },
	{ .method = NULL },
};
/* clang-format on */
