/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/deliveries, /v1/bounces and /v1/complaints: the lists of the reports, as
 * pages and as files. */
#include "apid/resources.h"

#include "apid/apid.h"
#include "apid/download.h"
#include "apid/page.h"
#include "apid/report_request.h"
#include "store/cursor.h"
#include "store/store.h"
#include "util/err.h"

/* Of a file: rows that are asked for at once. */
#define FILE_PAGE 500

static void
list_row(const struct event *e, void *ctx)
{
	struct request *req = ctx;
	const struct report_request *r = req->handler_ctx;

	if (!report_matches(&r->match, e))
		return;
	page_row(req);
	(void)report_json(r->kind, e, &req->out);
}

static void
list_end(int rc, struct slice next_cursor, void *ctx)
{
	page_end(ctx, rc, next_cursor);
}

static struct report_request *
read_request(struct request *req, enum report_kind kind)
{
	struct report_request *r = arena_alloc(req->arena, sizeof(*r));

	if (r == NULL) {
		request_error(req, ERR_NOMEM);
		return NULL;
	}
	report_request_read(req, kind, r);
	return r;
}

static void
list(struct request *req, enum report_kind kind)
{
	struct report_request *r = read_request(req, kind);

	if (r == NULL || request_refused(req))
		return;
	req->handler_ctx = r;
	page_begin(req);
	event_page(apid.store, &r->query, store_long_deadline(apid.store),
	    list_row, list_end, req);
}

/* ---- files ---- */

struct file {
	struct report_request report;
	struct download *download;
	char cursor[CURSOR_MAX];
};

static void
file_row(const struct event *e, void *ctx)
{
	struct file *f = ctx;

	if (report_matches(&f->report.match, e))
		(void)report_csv(f->report.kind, e, f->report.zone,
		    download_rows(f->download));
}

static void
file_end(int rc, struct slice next_cursor, void *ctx)
{
	struct file *f = ctx;

	if (rc == 0 && next_cursor.len > sizeof(f->cursor))
		rc = ERR_LIMIT;
	if (rc == 0 && next_cursor.at != NULL) {
		memcpy(f->cursor, next_cursor.at, next_cursor.len);
		f->report.query.cursor =
		    (struct slice){ f->cursor, next_cursor.len };
	}
	download_page(f->download, rc,
	    next_cursor.at != NULL ? DOWNLOAD_GOES_ON : DOWNLOAD_ENDS);
}

static void
file_more(struct request *req, void *ctx)
{
	struct file *f = ctx;

	(void)req;
	event_page(apid.store, &f->report.query,
	    store_long_deadline(apid.store), file_row, file_end, f);
}

static void
file(struct request *req, enum report_kind kind, enum download_format format,
    const char *name)
{
	struct file *f = arena_alloc(req->arena, sizeof(*f));

	if (f == NULL) {
		request_error(req, ERR_NOMEM);
		return;
	}
	report_request_read(req, kind, &f->report);
	f->report.query.limit = FILE_PAGE;
	f->download = download_begin(req, format, name, file_more, f);
	if (f->download == NULL)
		return;
	(void)report_csv_titles(kind, download_rows(f->download));
	download_start(f->download);
}

static void
deliveries_list(struct request *req)
{
	list(req, REPORT_DELIVERIES);
}

static void
bounces_list(struct request *req)
{
	list(req, REPORT_BOUNCES);
}

static void
complaints_list(struct request *req)
{
	list(req, REPORT_COMPLAINTS);
}

static void
deliveries_csv(struct request *req)
{
	file(req, REPORT_DELIVERIES, DOWNLOAD_CSV, "deliveries");
}

static void
bounces_csv(struct request *req)
{
	file(req, REPORT_BOUNCES, DOWNLOAD_CSV, "bounces");
}

static void
complaints_csv(struct request *req)
{
	file(req, REPORT_COMPLAINTS, DOWNLOAD_CSV, "complaints");
}

static void
deliveries_zip(struct request *req)
{
	file(req, REPORT_DELIVERIES, DOWNLOAD_ZIP, "deliveries");
}

static void
bounces_zip(struct request *req)
{
	file(req, REPORT_BOUNCES, DOWNLOAD_ZIP, "bounces");
}

static void
complaints_zip(struct request *req)
{
	file(req, REPORT_COMPLAINTS, DOWNLOAD_ZIP, "complaints");
}

#define SEARCH \
	"to", "from", "subject", "api_data", "message_id", "queue_id", \
	    "domain", "exact", "class", "fault", "since", "until", "date", \
	    "hour", "minute", "time_zone", "order"
#define PAGE "limit", "cursor"

/* clang-format off */
static const char *const delivery_query[] = { SEARCH, PAGE, "status", "error_status", NULL };
static const char *const delivery_file[] = { SEARCH, "status", "error_status", NULL };
static const char *const bounce_query[] = { SEARCH, PAGE, "email", "status", "type", NULL };
static const char *const bounce_file[] = { SEARCH, "email", "status", "type", NULL };
static const char *const complaint_query[] = { SEARCH, PAGE, "email", NULL };
static const char *const complaint_file[] = { SEARCH, "email", NULL };

const struct route routes_reports[] = {
	{ "GET", "/v1/deliveries", API_READ, ROUTE_NO_BODY, delivery_query, deliveries_list },
	{ "GET", "/v1/deliveries.csv", API_DOWNLOAD, ROUTE_NO_BODY, delivery_file, deliveries_csv },
	{ "POST", "/v1/deliveries.zip", API_DOWNLOAD, ROUTE_JSON_OR_NONE, delivery_file, deliveries_zip },
	{ "GET", "/v1/bounces", API_READ, ROUTE_NO_BODY, bounce_query, bounces_list },
	{ "GET", "/v1/bounces.csv", API_DOWNLOAD, ROUTE_NO_BODY, bounce_file, bounces_csv },
	{ "POST", "/v1/bounces.zip", API_DOWNLOAD, ROUTE_JSON_OR_NONE, bounce_file, bounces_zip },
	{ "GET", "/v1/complaints", API_READ, ROUTE_NO_BODY, complaint_query, complaints_list },
	{ "GET", "/v1/complaints.csv", API_DOWNLOAD, ROUTE_NO_BODY, complaint_file, complaints_csv },
	{ "POST", "/v1/complaints.zip", API_DOWNLOAD, ROUTE_JSON_OR_NONE, complaint_file, complaints_zip },
	{ .method = NULL },
};
/* clang-format on */
