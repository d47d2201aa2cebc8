/* SPDX-License-Identifier: BSD-2-Clause */
/* /v1/statistics, /v1/series and /v1/shares: numbers, from counters alone. */
#include "apid/resources.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apid/apid.h"
#include "apid/download.h"
#include "apid/report_request.h"
#include "proto/civil.h"
#include "proto/csv.h"
#include "proto/json.h"
#include "proto/status.h"
#include "store/series_store.h"
#include "store/statistics_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define MINUTE_MS INT64_C(60000)
#define SERIES_MINUTES_MAX (41 * 1440)
#define POINTS_MAX 10000
#define SHARES_DEFAULT 100

/* What is asked for, and how it shall be told. */
struct numbers {
	struct request *req;
	struct download *download; /* NULL: JSON */
	const struct zone *zone;
	struct series_query series;
	struct statistics_query days;
	bool total;
	/* of shares */
	bool errors, by_status;
	int status;
	size_t limit;
};

static struct buf *
out_of(struct numbers *n)
{
	return n->download != NULL ? download_rows(n->download) : &n->req->out;
}

static void
end(struct numbers *n, int rc)
{
	if (n->download != NULL)
		download_page(n->download, rc, DOWNLOAD_ENDS);
	else if (rc < 0)
		request_error(n->req, rc);
	else
		request_reply(n->req, 200);
}

/* "unit" and "name". */
static void
read_unit(struct request *req, struct numbers *n)
{
	struct slice unit = request_param(req, "unit");
	struct slice name = request_param(req, "name");

	n->series.unit = SERIES_ALL;
	if (slice_eq(unit, SLICE("filter")))
		n->series.unit = SERIES_FILTER;
	else if (slice_eq(unit, SLICE("domain")))
		n->series.unit = SERIES_DOMAIN;
	else if (unit.at != NULL && !slice_eq(unit, SLICE("all")))
		request_invalid(req, "query", "unit",
		    "must be all, filter or domain");
	if ((n->series.unit == SERIES_ALL) != (name.len == 0))
		request_invalid(req, "query", "name",
		    n->series.unit == SERIES_ALL
			? "is of a unit: filter or domain"
			: "is needed: of the filter or domain");
	n->series.name = name;
}

/* "since", and "minutes" or "until"; without since, so many minutes to now. */
static void
read_span(struct request *req, struct numbers *n, int minutes)
{
	int64_t now_ms = clock_wall_us() / 1000, to_ms;
	struct report_span since, until;
	bool has_until;

	minutes = report_request_number(req, "minutes", 1, SERIES_MINUTES_MAX,
	    minutes);
	has_until = report_request_time(req, "until", n->zone, &until);
	to_ms = has_until ? until.to_ms : now_ms;
	n->series.from_ms = to_ms - minutes * MINUTE_MS + 1;
	if (report_request_time(req, "since", n->zone, &since)) {
		n->series.from_ms = since.from_ms;
		if (!has_until)
			to_ms = since.from_ms + minutes * MINUTE_MS - 1;
	}
	n->series.from_ms -= n->series.from_ms % MINUTE_MS;
	if (n->series.from_ms > to_ms)
		request_invalid(req, "query", "until", "is before since");
	else if (to_ms - n->series.from_ms >= SERIES_MINUTES_MAX * MINUTE_MS)
		request_invalid(req, "query", "until",
		    "is more than 41 days behind since");
	else
		n->series.minutes =
		    (unsigned)((to_ms - n->series.from_ms) / MINUTE_MS) + 1;
}

static struct numbers *
begin(struct request *req)
{
	struct numbers *n = arena_alloc(req->arena, sizeof(*n));

	if (n == NULL) {
		request_error(req, ERR_NOMEM);
		return NULL;
	}
	n->req = req;
	n->zone = report_request_zone(req);
	n->series.tenant = req->tenant->name;
	return n;
}

/* As JSON at once, or into a file. */
static void
start(struct numbers *n, const char *name,
    void (*ask)(struct request *req, void *ctx))
{
	struct request *req = n->req;
	struct slice path = slice_of(req->route->path);
	char last = path.at[path.len - 1];

	if (last == 'v' || last == 'p') {
		n->download = download_begin(req,
		    last == 'v' ? DOWNLOAD_CSV : DOWNLOAD_ZIP, name, ask, n);
		if (n->download != NULL)
			download_start(n->download);
		return;
	}
	if (!request_refused(req))
		ask(req, n);
}

/* ---- series ---- */

static void
series_got(int rc, const struct series_count *points, size_t count, void *ctx)
{
	struct numbers *n = ctx;
	struct buf *out = out_of(n);
	const int64_t step_ms = n->series.step * MINUTE_MS;
	char time[REPORT_TIME_MAX];

	if (rc == 0 && n->download != NULL)
		rc = series_point_csv_titles(out);
	else if (rc == 0)
		rc = buf_addf(out, "{\"step\":%u,\"data\":[", n->series.step);
	for (size_t i = 0; i < count && rc == 0; i++) {
		int64_t at_ms = n->series.from_ms + (int64_t)i * step_ms;
		struct slice text = { time,
			report_time_format_full(at_ms, n->zone, time) };

		if (n->download != NULL) {
			rc = series_point_csv(text, &points[i], out);
			continue;
		}
		if (i > 0)
			(void)buf_add_char(out, ',');
		rc = series_point_json(at_ms, &points[i], out);
	}
	if (rc == 0 && n->download == NULL)
		rc = buf_add_text(out, "]}");
	end(n, rc);
}

static void
series_ask(struct request *req, void *ctx)
{
	struct numbers *n = ctx;

	(void)req;
	series_read(apid.store, &n->series, store_long_deadline(apid.store),
	    series_got, n);
}

static void
series(struct request *req)
{
	struct numbers *n = begin(req);

	if (n == NULL)
		return;
	read_unit(req, n);
	read_span(req, n, 60);
	n->series.step = (unsigned)report_request_number(req, "step", 1,
	    SERIES_MINUTES_MAX, 1);
	if (n->series.minutes / n->series.step > POINTS_MAX)
		request_invalid(req, "query", "step",
		    "is too short: there are at most 10000 points");
	start(n, "series", series_ask);
}

/* ---- statistics ---- */

static void
put_day(struct numbers *n, struct slice date, const struct series_count *c,
    bool first)
{
	if (n->download != NULL) {
		(void)statistics_csv(date, c, out_of(n));
		return;
	}
	if (!first)
		(void)buf_add_char(out_of(n), ',');
	(void)statistics_json(date, c, out_of(n));
}

static void
days_got(int rc, const struct series_count *days, size_t count, void *ctx)
{
	struct numbers *n = ctx;
	struct buf *out = out_of(n);
	struct series_count *sum;
	char room[STATISTICS_DATE_MAX];

	if (rc == 0 && n->download != NULL)
		rc = statistics_csv_titles(out);
	else if (rc == 0)
		rc = buf_add_text(out, "{\"data\":[");
	sum = arena_alloc(n->req->arena, sizeof(*sum));
	if (rc == 0 && sum == NULL)
		rc = ERR_NOMEM;
	for (size_t i = 0; i < count && rc == 0; i++) {
		statistics_add(sum, &days[i]);
		if (!n->total)
			put_day(n,
			    statistics_date(n->days.first_day + (int64_t)i,
				room),
			    &days[i], i == 0);
	}
	if (rc == 0 && n->total)
		put_day(n, SLICE("total"), sum, true);
	if (rc == 0 && n->download == NULL)
		(void)buf_add_text(out, "]}");
	end(n, rc < 0 ? rc : out->rc);
}

static void
days_ask(struct request *req, void *ctx)
{
	struct numbers *n = ctx;

	(void)req;
	statistics_read(apid.store, &n->days, store_long_deadline(apid.store),
	    days_got, n);
}

/* "year" and "month", or "since" and "until"; else this month. */
static void
read_days(struct request *req, struct numbers *n)
{
	int64_t today = report_time_day_of(clock_wall_us() / 1000, n->zone);
	struct civil now = civil_of(today);
	int year =
	    report_request_number(req, "year", 1970, 9999, (int)now.year);
	int month = report_request_number(req, "month", 1, 12, (int)now.month);
	struct report_span span;

	n->days.first_day = civil_days(year, (unsigned)month, 1);
	n->days.last_day =
	    n->days.first_day + civil_month_days(year, (unsigned)month) - 1;
	if (n->days.last_day > today && n->days.first_day <= today)
		n->days.last_day = today;
	if (report_request_time(req, "since", n->zone, &span)) {
		n->days.first_day = report_time_day_of(span.from_ms, n->zone);
		n->days.last_day = today;
	}
	if (report_request_time(req, "until", n->zone, &span))
		n->days.last_day = report_time_day_of(span.to_ms, n->zone);
	if (n->days.first_day > n->days.last_day)
		request_invalid(req, "query", "until", "is before since");
	else if (n->days.last_day - n->days.first_day >= STATISTICS_DAYS_MAX)
		request_invalid(req, "query", "until",
		    "is more than 400 days behind since");
}

static void
statistics(struct request *req)
{
	struct numbers *n = begin(req);
	struct slice total = request_param(req, "total");

	if (n == NULL)
		return;
	read_unit(req, n);
	read_days(req, n);
	n->total = slice_eq(total, SLICE("true"));
	if (total.at != NULL && !n->total && !slice_eq(total, SLICE("false")))
		request_invalid(req, "query", "total", "must be true or false");
	n->days.tenant = n->series.tenant;
	n->days.unit = n->series.unit;
	n->days.name = n->series.name;
	n->days.zone = n->zone;
	start(n, "statistics", days_ask);
}

/* ---- shares ---- */

struct share {
	struct slice name;
	int status; /* -1: it is of a name */
	uint64_t count;
};

static int
larger_first(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

static void
put_share(struct numbers *n, const struct share *s, uint64_t total, bool first)
{
	struct buf *out = out_of(n);
	double part = total > 0 ? (double)s->count / (double)total : 0;

	if (n->download != NULL) {
		struct csv_writer w = csv_writer(out);

		csv_text(&w, s->name);
		if (s->status >= 0)
			csv_number(&w, s->status);
		else
			csv_plain(&w, SLICE(""));
		csv_number(&w, (int64_t)s->count);
		(void)csv_end(&w);
		return;
	}
	(void)buf_addf(out, "%s{\"name\":", first ? "" : ",");
	(void)json_print_string(s->name, out);
	if (s->status >= 0)
		(void)buf_addf(out, ",\"status\":%d", s->status);
	(void)buf_addf(out, ",\"count\":%" PRIu64 ",\"share\":%.6f}", s->count,
	    part);
}

static void
put_shares(struct numbers *n, struct share *list, size_t count)
{
	struct buf *out = out_of(n);
	uint64_t total = 0;

	if (count > 0)
		qsort(list, count, sizeof(*list), larger_first);
	for (size_t i = 0; i < count; i++)
		total += list[i].count;
	if (n->download != NULL) {
		struct csv_writer w = csv_writer(out);

		csv_plain(&w, SLICE("name"));
		csv_plain(&w, SLICE("status"));
		csv_plain(&w, SLICE("count"));
		(void)csv_end(&w);
	} else {
		(void)buf_addf(out, "{\"total\":%" PRIu64 ",\"data\":[", total);
	}
	for (size_t i = 0; i < count && i < n->limit && list[i].count > 0; i++)
		put_share(n, &list[i], total, i == 0);
	if (n->download == NULL)
		(void)buf_add_text(out, "]}");
	end(n, out->rc);
}

static void
statuses_got(int rc, const struct series_count *points, size_t count, void *ctx)
{
	struct numbers *n = ctx;
	struct share *list =
	    arena_calloc(n->req->arena, SERIES_STATUS_MAX, sizeof(*list));

	if (rc == 0 && list == NULL)
		rc = ERR_NOMEM;
	if (rc < 0) {
		end(n, rc);
		return;
	}
	for (int s = 0; s < SERIES_STATUS_MAX; s++) {
		list[s].name = slice_of(status_word(s));
		list[s].status = s;
		for (size_t i = 0; s > 0 && i < count; i++)
			list[s].count += points[i].by_status[s];
	}
	put_shares(n, list, SERIES_STATUS_MAX);
}

static uint64_t
errors_of(const struct series_count *c, int status)
{
	uint64_t sum = 0;

	if (status > 0)
		return c->by_status[status];
	for (size_t s = 1; s < SERIES_STATUS_MAX; s++)
		sum += c->by_status[s];
	return sum;
}

static void
names_got(int rc, const struct series_share *shares, size_t count, void *ctx)
{
	struct numbers *n = ctx;
	struct share *list =
	    arena_calloc(n->req->arena, count + 1, sizeof(*list));

	if (rc == 0 && list == NULL)
		rc = ERR_NOMEM;
	if (rc < 0) {
		end(n, rc);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		list[i].name = shares[i].name;
		list[i].status = -1;
		list[i].count = n->errors
				    ? errors_of(shares[i].count, n->status)
				    : shares[i].count->queued;
	}
	put_shares(n, list, count);
}

static void
shares_ask(struct request *req, void *ctx)
{
	struct numbers *n = ctx;
	int64_t deadline_us = store_long_deadline(apid.store);

	(void)req;
	n->series.step = n->series.minutes;
	if (n->by_status)
		series_read(apid.store, &n->series, deadline_us, statuses_got,
		    n);
	else
		series_shares(apid.store, &n->series, deadline_us, names_got,
		    n);
}

static void
shares(struct request *req)
{
	struct numbers *n = begin(req);
	struct slice of = request_param(req, "of"),
		     by = request_param(req, "by");

	if (n == NULL)
		return;
	n->errors = !slice_eq(of, SLICE("deliveries"));
	if (of.at != NULL && n->errors && !slice_eq(of, SLICE("errors")))
		request_invalid(req, "query", "of",
		    "must be errors or deliveries");
	n->by_status = slice_eq(by, SLICE("status"));
	if (n->by_status) {
		read_unit(req, n);
	} else if (slice_eq(by, SLICE("domain")) ||
		   slice_eq(by, SLICE("filter"))) {
		n->series.unit = slice_eq(by, SLICE("domain")) ? SERIES_DOMAIN
							       : SERIES_FILTER;
		if (request_param(req, "unit").at != NULL)
			request_invalid(req, "query", "unit",
			    "is for shares by status");
	} else {
		request_invalid(req, "query", "by",
		    "must be status, domain or filter");
	}
	n->status = request_status(req);
	if (n->by_status && !n->errors)
		request_invalid(req, "query", "by",
		    "deliveries are by domain or filter");
	if (n->status > 0 && (n->by_status || !n->errors))
		request_invalid(req, "query", "status",
		    "is for errors by domain or filter");
	n->limit = (size_t)report_request_number(req, "limit", 1, 1000,
	    SHARES_DEFAULT);
	read_span(req, n, 1440);
	start(n, "shares", shares_ask);
}

#define SPAN "since", "until", "minutes", "time_zone"

/* clang-format off */
static const char *const series_params[] = { SPAN, "unit", "name", "step", NULL };
static const char *const statistics_params[] = { "year", "month", "total", "since", "until", "time_zone", "unit", "name", NULL };
static const char *const shares_params[] = { SPAN, "of", "by", "unit", "name", "status", "limit", NULL };

const struct route routes_statistics[] = {
	{ "GET", "/v1/series", API_READ, ROUTE_NO_BODY, series_params, series },
	{ "GET", "/v1/series.csv", API_DOWNLOAD, ROUTE_NO_BODY, series_params, series },
	{ "GET", "/v1/shares", API_READ, ROUTE_NO_BODY, shares_params, shares },
	{ "GET", "/v1/shares.csv", API_DOWNLOAD, ROUTE_NO_BODY, shares_params, shares },
	{ "GET", "/v1/statistics", API_READ, ROUTE_NO_BODY, statistics_params, statistics },
	{ "GET", "/v1/statistics.csv", API_DOWNLOAD, ROUTE_NO_BODY, statistics_params, statistics },
	{ "POST", "/v1/statistics.zip", API_DOWNLOAD, ROUTE_JSON_OR_NONE, statistics_params, statistics },
	{ .method = NULL },
};
/* clang-format on */
