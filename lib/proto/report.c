/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of the reports' lists: columns, JSON, and what a search asks. */
#include "proto/report.h"

#include "proto/csv.h"
#include "proto/json.h"
#include "proto/mailbox.h"
#include "proto/status.h"
#include "proto/zone.h"
#include "util/err.h"
#include "util/number.h"

#define BIT(type) (1U << (type))

static const unsigned kind_types[REPORT_NKINDS] = {
	[REPORT_DELIVERIES] = BIT(EVENT_QUEUED) | BIT(EVENT_SUCCEEDED) |
			      BIT(EVENT_DEFERRED) | BIT(EVENT_FAILED),
	[REPORT_BOUNCES] = BIT(EVENT_FAILED) | BIT(EVENT_BOUNCED),
	[REPORT_COMPLAINTS] = BIT(EVENT_COMPLAINED),
};

static const enum report_column deliveries[] = { COLUMN_CREATED, COLUMN_EVENT,
	COLUMN_RETURN_PATH, COLUMN_FROM, COLUMN_TO, COLUMN_SUBJECT,
	COLUMN_MESSAGE_ID, COLUMN_API_DATA, COLUMN_SOURCE_IP, COLUMN_SENDER_IP,
	COLUMN_REASON, COLUMN_QUEUE_ID, COLUMN_ERROR, COLUMN_CLASS,
	COLUMN_FAULT, COLUMN_RELAY, COLUMN_ORIGIN, COLUMN_ID, COLUMN_END };
static const enum report_column bounces[] = { COLUMN_CREATED, COLUMN_STATUS,
	COLUMN_FROM, COLUMN_TO, COLUMN_MESSAGE_ID, COLUMN_RETURN_PATH,
	COLUMN_SUBJECT, COLUMN_API_DATA, COLUMN_REASON, COLUMN_TYPE,
	COLUMN_STATUS_NAME, COLUMN_CLASS, COLUMN_FAULT, COLUMN_REPEATED,
	COLUMN_QUEUE_ID, COLUMN_RELAY, COLUMN_ORIGIN, COLUMN_ID, COLUMN_END };
static const enum report_column complaints[] = { COLUMN_CREATED, COLUMN_FROM,
	COLUMN_TO, COLUMN_MESSAGE_ID, COLUMN_RETURN_PATH, COLUMN_SUBJECT,
	COLUMN_API_DATA, COLUMN_REASON, COLUMN_ORIGIN, COLUMN_REPEATED,
	COLUMN_QUEUE_ID, COLUMN_ID, COLUMN_END };
static const enum report_column *const kind_columns[REPORT_NKINDS] = {
	[REPORT_DELIVERIES] = deliveries,
	[REPORT_BOUNCES] = bounces,
	[REPORT_COMPLAINTS] = complaints,
};

static const char *const names[COLUMN_END] = {
	[COLUMN_ID] = "id",
	[COLUMN_CREATED] = "created",
	[COLUMN_TYPE] = "type",
	[COLUMN_EVENT] = "status",
	[COLUMN_STATUS] = "status",
	[COLUMN_ERROR] = "error_status",
	[COLUMN_STATUS_NAME] = "status_name",
	[COLUMN_CLASS] = "class",
	[COLUMN_FAULT] = "fault",
	[COLUMN_RETURN_PATH] = "return_path",
	[COLUMN_FROM] = "from",
	[COLUMN_TO] = "to",
	[COLUMN_SUBJECT] = "subject",
	[COLUMN_MESSAGE_ID] = "message_id",
	[COLUMN_API_DATA] = "api_data",
	[COLUMN_SOURCE_IP] = "source_ip",
	[COLUMN_SENDER_IP] = "sender_ip",
	[COLUMN_REASON] = "reason",
	[COLUMN_RELAY] = "relay",
	[COLUMN_ORIGIN] = "origin",
	[COLUMN_QUEUE_ID] = "queue_id",
	[COLUMN_REPEATED] = "repeated",
};

unsigned
report_types(enum report_kind kind)
{
	return kind_types[kind];
}

const enum report_column *
report_columns(enum report_kind kind)
{
	return kind_columns[kind];
}

const char *
report_column_name(enum report_column column)
{
	return names[column];
}

enum bounce_class
report_class(const struct event *e)
{
	if (e->class != CLASS_NONE || e->status == STATUS_NONE)
		return e->class;
	return bounce_class_of_status(e->status);
}

static struct slice
word_of_class(const struct event *e)
{
	enum bounce_class class = report_class(e);

	return class == CLASS_NONE ? SLICE("")
				   : slice_of(bounce_class_word(class));
}

static struct slice
word_of_fault(const struct event *e)
{
	enum fault fault = bounce_class_fault(report_class(e));

	return fault == FAULT_NONE ? SLICE("") : slice_of(fault_word(fault));
}

static struct slice
status_cell(const struct event *e, char room[REPORT_CELL_MAX])
{
	if (e->status <= 0)
		return SLICE("");
	return (struct slice){ room, number_format((uint64_t)e->status, room) };
}

struct slice
report_cell(const struct event *e, enum report_column column,
    const struct zone *zone, char room[REPORT_CELL_MAX])
{
	switch (column) {
	case COLUMN_ID:
		return e->id;
	case COLUMN_CREATED:
		return (struct slice){ room,
			report_time_format_full(e->created_ms, zone, room) };
	case COLUMN_TYPE:
	case COLUMN_EVENT:
		return slice_of(event_type_word(e->type));
	case COLUMN_STATUS:
	case COLUMN_ERROR:
		return status_cell(e, room);
	case COLUMN_STATUS_NAME:
		return e->status > 0 ? slice_of(status_word(e->status))
				     : SLICE("");
	case COLUMN_CLASS:
		return word_of_class(e);
	case COLUMN_FAULT:
		return word_of_fault(e);
	case COLUMN_RETURN_PATH:
		return e->return_path;
	case COLUMN_FROM:
		return e->from;
	case COLUMN_TO:
		return e->recipient;
	case COLUMN_SUBJECT:
		return e->subject;
	case COLUMN_MESSAGE_ID:
		return e->message_id;
	case COLUMN_API_DATA:
		return e->api_data;
	case COLUMN_SOURCE_IP:
		return e->source_ip;
	case COLUMN_SENDER_IP:
		return e->sender_ip;
	case COLUMN_REASON:
		return e->reason;
	case COLUMN_RELAY:
		return e->relay;
	case COLUMN_ORIGIN:
		return e->origin;
	case COLUMN_QUEUE_ID:
		return e->queue_id;
	case COLUMN_REPEATED:
		return e->repeated ? SLICE("true") : SLICE("false");
	case COLUMN_END:
		break;
	}
	return SLICE("");
}

int
report_json(enum report_kind kind, const struct event *e, struct buf *out)
{
	const enum report_column *column = report_columns(kind);
	char room[REPORT_CELL_MAX];

	for (bool first = true; *column != COLUMN_END; column++) {
		struct slice cell = report_cell(e, *column, zone_utc, room);
		bool number =
		    *column == COLUMN_STATUS || *column == COLUMN_ERROR;

		(void)buf_addf(out, "%s\"%s\":", first ? "{" : ",",
		    report_column_name(*column));
		if (number && cell.len == 0)
			(void)buf_add_text(out, "null");
		else if (number || *column == COLUMN_REPEATED)
			(void)buf_add_slice(out, cell);
		else if (json_print_string(cell.at != NULL ? cell : SLICE(""),
			     out) < 0 &&
			 out->rc == 0)
			out->rc = ERR_NOMEM;
		first = false;
	}
	(void)buf_add_char(out, '}');
	return out->rc;
}

/* An address among those of a From field, or the field itself. */
static bool
is_from(struct slice want, const struct event *e)
{
	char want_room[ADDRESS_MAX], room[ADDRESS_MAX];
	struct slice address, canonical, rest = e->from;

	if (slice_eq_nocase(want, e->from) ||
	    slice_eq_nocase(want, e->sender) ||
	    slice_eq_nocase(want, e->return_path))
		return true;
	if (address_canonical(want, want_room, &canonical) < 0)
		return false;
	while (mailbox_next(&rest, room, &address))
		if (slice_eq(address, canonical))
			return true;
	return false;
}

bool
report_matches(const struct report_match *m, const struct event *e)
{
	if (m->subject.at != NULL && !slice_eq_nocase(m->subject, e->subject))
		return false;
	if (m->api_data.at != NULL &&
	    !slice_eq_nocase(m->api_data, e->api_data))
		return false;
	if (m->domain.at != NULL &&
	    !slice_eq_nocase(m->domain, address_domain(e->recipient)))
		return false;
	if (m->class != CLASS_NONE && m->class != report_class(e))
		return false;
	if (m->fault != FAULT_NONE &&
	    m->fault != bounce_class_fault(report_class(e)))
		return false;
	return m->from.at == NULL || is_from(m->from, e);
}

int
report_csv_titles(enum report_kind kind, struct buf *out)
{
	const enum report_column *column = report_columns(kind);
	struct csv_writer w = csv_writer(out);

	for (; *column != COLUMN_END; column++)
		csv_plain(&w, slice_of(report_column_name(*column)));
	return csv_end(&w);
}

int
report_csv(enum report_kind kind, const struct event *e,
    const struct zone *zone, struct buf *out)
{
	const enum report_column *column = report_columns(kind);
	struct csv_writer w = csv_writer(out);
	char room[REPORT_CELL_MAX];

	for (; *column != COLUMN_END; column++) {
		struct slice cell = report_cell(e, *column, zone, room);

		if (*column == COLUMN_CREATED)
			csv_plain(&w, cell);
		else
			csv_text(&w, cell);
	}
	return csv_end(&w);
}
