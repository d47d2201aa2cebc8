/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/events: what happened to mail and to addresses. */
#include "apid/resources.h"

#include "apid/apid.h"
#include "apid/page.h"
#include "proto/event.h"
#include "store/event_store.h"
#include "store/store.h"

#define TO_MAX_MS 253402300799999 /* the end of the year 9999 */

static void
row(const struct event *e, void *ctx)
{
	struct request *req = ctx;

	page_row(req);
	(void)event_to_json(e, &req->out);
}

static void
end(int rc, struct slice next_cursor, void *ctx)
{
	page_end(ctx, rc, next_cursor);
}

/* "failed,bounced": bits. */
static unsigned
types(struct request *req)
{
	struct slice text = request_param(req, "type"), word;
	enum event_type type;
	unsigned bits = 0;

	while (slice_split(&text, ',', &word)) {
		if (event_type_parse(word, &type) < 0) {
			request_invalid(req, "query", "type",
			    "must be of: queued, succeeded, deferred, failed, "
			    "bounced, blocked, unblocked, exempted, "
			    "observed");
			return 0;
		}
		bits |= 1U << type;
	}
	return bits;
}

static void
events_list(struct request *req)
{
	struct slice recipient = request_param(req, "recipient");
	struct event_query q = {
		.tenant = req->tenant->name,
		.from_ms = request_time(req, "from") / 1000,
		.to_ms = request_time(req, "to") / 1000,
		.queue_id = request_param(req, "queue_id"),
		.types = types(req),
		.status = request_status(req),
		.cursor = request_param(req, "cursor"),
		.limit = request_limit(req),
	};

	if (recipient.at != NULL)
		q.recipient =
		    request_address(req, "query", "recipient", recipient);
	if (q.to_ms != 0 && q.from_ms > q.to_ms)
		request_invalid(req, "query", "to", "is before from");
	if (request_refused(req))
		return;
	if (q.to_ms == 0)
		q.to_ms = TO_MAX_MS;
	page_begin(req);
	event_page(apid.store, &q, store_long_deadline(apid.store), row, end,
	    req);
}

static const char *const list_query[] = { "recipient", "queue_id", "type",
	"status", "from", "to", "limit", "cursor", NULL };

/* clang-format off */
const struct route routes_events[] = {
	{ "GET", "/v1/events", API_READ, ROUTE_NO_BODY, list_query, events_list },
	{ .method = NULL },
};
/* clang-format on */
