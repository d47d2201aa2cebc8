/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_REPORT_H
#define PROTO_REPORT_H

#include "proto/event.h"
#include "proto/report_time.h"

/*
 * The reports' lists, row by row: which events are in them, and their
 * columns, the same in JSON, CSV and tables.  A row is one event with its
 * facts joined.
 */
enum report_kind {
	REPORT_DELIVERIES, /* queued, succeeded, deferred, failed */
	REPORT_BOUNCES,    /* failed and bounced: the error log */
	REPORT_COMPLAINTS,
	REPORT_NKINDS
};

/* Bits 1 << enum event_type of those that are in a list. */
unsigned report_types(enum report_kind kind);

enum report_column {
	COLUMN_ID,
	COLUMN_CREATED,
	COLUMN_TYPE,   /* what happened, where COLUMN_STATUS is a number */
	COLUMN_EVENT,  /* what happened: "status" of deliveries */
	COLUMN_STATUS, /* of the error: a number, or empty */
	COLUMN_ERROR,  /* the same as "error_status", beside COLUMN_EVENT */
	COLUMN_STATUS_NAME,
	COLUMN_CLASS,
	COLUMN_FAULT,
	COLUMN_RETURN_PATH,
	COLUMN_FROM,
	COLUMN_TO,
	COLUMN_SUBJECT,
	COLUMN_MESSAGE_ID,
	COLUMN_API_DATA,
	COLUMN_SOURCE_IP,
	COLUMN_SENDER_IP,
	COLUMN_REASON,
	COLUMN_RELAY,
	COLUMN_ORIGIN,
	COLUMN_QUEUE_ID,
	COLUMN_REPEATED,
	COLUMN_END
};
/* Those of a list in their order, ending with COLUMN_END. */
const enum report_column *report_columns(enum report_kind kind);
/* "error_status"; in JSON and in the first line of CSV. */
const char *report_column_name(enum report_column column);

#define REPORT_CELL_MAX REPORT_TIME_MAX
/*
 * The text of one cell; empty where the event has nothing of it.  Borrowed from
 * e, from room, or constant.  Times: report_time_format_full in zone.
 */
struct slice report_cell(const struct event *e, enum report_column column,
    const struct zone *zone, char room[REPORT_CELL_MAX]);

/*
 * One row as a JSON object with all columns of the list: texts, "" where there
 * is nothing; status and error_status a number or null; repeated true or
 * false; times in UTC.  ERR_LIMIT, ERR_NOMEM (also in out->rc).
 */
int report_json(enum report_kind kind, const struct event *e, struct buf *out);

/* The line of names, and one row, as CSV (proto/csv.h); ERR_* as above. */
int report_csv_titles(enum report_kind kind, struct buf *out);
int report_csv(enum report_kind kind, const struct event *e,
    const struct zone *zone, struct buf *out);

/*
 * What a search asks beyond the store's event_query: whole values, and what
 * is said of an error.  Absent slices: all.
 */
struct report_match {
	struct slice from; /* an address, or the whole of a From field */
	struct slice subject;
	struct slice api_data;   /* these without regard to ASCII case */
	struct slice domain;     /* of the recipient; lower case */
	enum bounce_class class; /* CLASS_NONE: all */
	enum fault fault;        /* FAULT_NONE: all */
};
bool report_matches(const struct report_match *m, const struct event *e);

/* The class that an event tells: its own, or that of its status. */
enum bounce_class report_class(const struct event *e);

#endif /* PROTO_REPORT_H */
