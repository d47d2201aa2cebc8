/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef APID_REPORT_REQUEST_H
#define APID_REPORT_REQUEST_H

#include "apid/request.h"
#include "proto/report.h"
#include "store/event_store.h"

/*
 * The parameters of the reports, made a query of the store.  What is wrong is
 * noted with request_invalid().
 */
struct report_request {
	enum report_kind kind;
	struct event_query query;
	struct report_match match;
	const struct zone *zone; /* of times without one, and of CSV */
};

/* slices borrow from the request and its arena. */
void report_request_read(struct request *req, enum report_kind kind,
    struct report_request *ret_report);

/* Parameter "time_zone", or the zone of the tenant's calendar. */
const struct zone *report_request_zone(struct request *req);
/*
 * A time: all that report_time_parse() takes.  ret_span is left alone if it was
 * not given; false then.
 */
bool report_request_time(struct request *req, const char *name,
    const struct zone *zone, struct report_span *ret_span);
/* A whole number; otherwise, if it was not given. */
int report_request_number(struct request *req, const char *name, unsigned min,
    unsigned max, int otherwise);

#endif /* APID_REPORT_REQUEST_H */
