/* SPDX-License-Identifier: BSD-2-Clause */
/* The parameters of the reports, made a query of the store. */
#include "apid/report_request.h"

#include <stdio.h>

#include "proto/status.h"
#include "proto/zone.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"
#include "util/zone_file.h"

const struct zone *
report_request_zone(struct request *req)
{
	struct slice name = request_param(req, "time_zone");
	const struct zone *zone = req->tenant->schedule.calendar.zone;
	struct buf file;

	if (name.at == NULL)
		return zone != NULL ? zone : zone_utc;
	if (slice_eq(name, SLICE("UTC")))
		return zone_utc;
	buf_init(&file, ZONE_FILE_MAX);
	if (zone_file_read(name, &file) < 0 ||
	    zone_parse(buf_slice(&file), req->arena, &zone) < 0) {
		request_invalid(req, "query", "time_zone",
		    "must be an IANA time zone, like Asia/Tokyo");
		zone = zone_utc;
	}
	buf_done(&file);
	return zone;
}

bool
report_request_time(struct request *req, const char *name,
    const struct zone *zone, struct report_span *ret_span)
{
	struct slice text = request_param(req, name);

	if (text.at == NULL)
		return false;
	if (report_time_parse(text, zone, clock_wall_us() / 1000, ret_span) ==
	    0)
		return true;
	request_invalid(req, "query", name,
	    "must be a time like 2026-01-31T12:00:00Z, a day, or 2h, 3d, ... "
	    "ago");
	return false;
}

int
report_request_number(struct request *req, const char *name, unsigned min,
    unsigned max, int otherwise)
{
	struct slice text = request_param(req, name);
	char want[80];
	uint64_t n;

	if (text.at == NULL)
		return otherwise;
	if (number_parse(text, min, max, &n) == 0)
		return (int)n;
	(void)snprintf(want, sizeof(want), "must be a number from %u to %u",
	    min, max);
	request_invalid(req, "query", name, want);
	return otherwise;
}

/* "date", "hour", "minute"; or "since" and "until". */
static void
read_times(struct request *req, struct report_request *r)
{
	struct slice date = request_param(req, "date");
	int hour = report_request_number(req, "hour", 0, 23, -1);
	int minute = report_request_number(req, "minute", 0, 59, -1);
	struct report_span span;

	if (date.at == NULL && (hour >= 0 || minute >= 0))
		request_invalid(req, "query", "date",
		    "is needed for an hour or minute");
	else if (date.at != NULL && hour < 0 && minute >= 0)
		request_invalid(req, "query", "hour", "is needed for a minute");
	else if (date.at != NULL &&
		 report_time_of_day(date, hour, minute, r->zone, &span) < 0)
		request_invalid(req, "query", "date",
		    "must be a day like 2026-01-31");
	else if (date.at != NULL) {
		r->query.from_ms = span.from_ms;
		r->query.to_ms = span.to_ms;
	}
	if (report_request_time(req, "since", r->zone, &span))
		r->query.from_ms = span.from_ms;
	if (report_request_time(req, "until", r->zone, &span))
		r->query.to_ms = span.to_ms;
	if (r->query.to_ms != 0 && r->query.from_ms > r->query.to_ms)
		request_invalid(req, "query", "until", "is before since");
}

/* Of deliveries its words, of bounces a number. */
static void
read_status(struct request *req, struct report_request *r)
{
	const bool words = r->kind == REPORT_DELIVERIES;
	struct slice text = request_param(req, words ? "status" : "type");
	struct slice number =
	    request_param(req, words ? "error_status" : "status");
	struct slice word;
	enum event_type type;
	uint64_t n = 0;

	r->query.types = report_types(r->kind);
	if (text.at != NULL)
		r->query.types = 0;
	while (slice_split(&text, ',', &word)) {
		if (event_type_parse(word, &type) < 0 ||
		    (report_types(r->kind) & 1U << type) == 0) {
			request_invalid(req, "query", words ? "status" : "type",
			    words ? "must be of: queued, succeeded, deferred, "
				    "failed"
				  : "must be of: failed, bounced");
			break;
		}
		r->query.types |= 1U << type;
	}
	if (number.at != NULL &&
	    (number_parse(number, 1, 99, &n) < 0 || !status_known((int)n)))
		request_invalid(req, "query", words ? "error_status" : "status",
		    "must be an error status: 1 to 11, or 99");
	r->query.status = (int)n;
}

static void
read_error(struct request *req, struct report_request *r)
{
	struct slice class = request_param(req, "class");
	struct slice fault = request_param(req, "fault");

	if (class.at != NULL) {
		r->match.class = bounce_class_parse(class);
		if (r->match.class == CLASS_NONE)
			request_invalid(req, "query", "class",
			    "no such class of errors");
	}
	if (fault.at == NULL)
		return;
	for (unsigned f = FAULT_RECIPIENT; f <= FAULT_NETWORK; f++)
		if (slice_eq(fault, slice_of(fault_word((enum fault)f))))
			r->match.fault = (enum fault)f;
	if (r->match.fault == FAULT_NONE)
		request_invalid(req, "query", "fault",
		    "must be recipient, sender, receiver or network");
}

/* Which values of "exact" there are, and whether this is one of them. */
static bool
is_exact(struct request *req, const char *name)
{
	struct slice list = request_param(req, "exact"), word;

	while (slice_split(&list, ',', &word))
		if (slice_eq(word, slice_of(name)))
			return true;
	return false;
}

static void
check_exact(struct request *req)
{
	static const char *const known[] = { "to", "from", "subject",
		"api_data" };
	struct slice list = request_param(req, "exact"), word;

	while (slice_split(&list, ',', &word)) {
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= slice_eq(word, slice_of(known[i]));
		if (!found) {
			request_invalid(req, "query", "exact",
			    "must be of: to, from, subject, api_data");
			return;
		}
	}
}

static void
read_texts(struct request *req, struct report_request *r)
{
	struct event_query *q = &r->query;
	struct slice to = request_param(req, "to");
	struct slice email = request_param(req, "email");
	struct slice domain = request_param(req, "domain");

	check_exact(req);
	if (to.at != NULL && email.at != NULL)
		request_invalid(req, "query", "email", "is the same as to");
	to = to.at != NULL ? to : email;
	if (to.at != NULL && is_exact(req, "to"))
		q->recipient = request_address(req, "query", "to", to);
	else
		q->to_part = to;
	q->from_part = request_param(req, "from");
	q->subject_part = request_param(req, "subject");
	q->api_data_part = request_param(req, "api_data");
	q->message_id = request_param(req, "message_id");
	q->queue_id = request_param(req, "queue_id");
	if (is_exact(req, "from"))
		r->match.from = q->from_part;
	if (is_exact(req, "subject"))
		r->match.subject = q->subject_part;
	if (is_exact(req, "api_data"))
		r->match.api_data = q->api_data_part;
	r->match.domain = domain;
	if (domain.at != NULL && q->to_part.at == NULL &&
	    q->recipient.at == NULL)
		q->to_part = domain;
}

void
report_request_read(struct request *req, enum report_kind kind,
    struct report_request *ret_report)
{
	struct slice order = request_param(req, "order");
	struct report_request r = {
		.kind = kind,
		.query = { .tenant = req->tenant->name,
		    .newest_first = true,
		    .cursor = request_param(req, "cursor"),
		    .limit = request_limit(req) },
		.zone = report_request_zone(req),
	};

	if (slice_eq(order, SLICE("oldest")))
		r.query.newest_first = false;
	else if (order.at != NULL && !slice_eq(order, SLICE("newest")))
		request_invalid(req, "query", "order",
		    "must be newest or oldest");
	read_times(req, &r);
	read_status(req, &r);
	read_error(req, &r);
	read_texts(req, &r);
	if (r.query.to_ms == 0)
		r.query.to_ms = clock_wall_us() / 1000;
	*ret_report = r;
}
