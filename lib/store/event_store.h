/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_EVENT_STORE_H
#define STORE_EVENT_STORE_H

#include <stdint.h>

#include "proto/event.h"
#include "util/slice.h"

/*
 * The events: each host owns one stream a day.  Appending is done by the
 * owner of the host's slot: the log follower (delivery_store.h) and the
 * functions here.
 */
struct store;

typedef void event_appended(int rc, struct slice id, void *ctx);
/* One XADD (and the counters) into host's stream of today; id is ignored. */
void event_append(struct store *s, struct slice host, const struct event *e,
    int64_t deadline_us, event_appended *appended, void *ctx);

/*
 * Events of all hosts merged by time, newest last, with the facts of their
 * message joined.  Cursor rules as in block_page.  A call looks at no more
 * than scan_max entries: then it ends with a cursor, perhaps with no row.
 */
struct event_query {
	struct slice tenant;
	int64_t from_ms, to_ms; /* both included; from_ms 0: retention */
	struct slice recipient; /* canonical, whole; absent: all.  By an index:
				   what is read does not grow with what there
				   is */
	struct slice queue_id;  /* absent: all */
	/* Parts, without regard to ASCII case; absent: all.  With one of them
	 * all events of the time are looked at, in order. */
	struct slice to_part;      /* of the recipient */
	struct slice from_part;    /* of the header From or the senders */
	struct slice subject_part; /* of the subject */
	struct slice api_data_part;
	struct slice message_id; /* whole, with its angle brackets */
	bool newest_first;
	unsigned types; /* bits 1 << enum event_type; 0: all */
	int status;     /* 0: any */
	struct slice cursor;
	unsigned limit;    /* 1..1000 */
	unsigned scan_max; /* 0: 20000 */
};
typedef void event_row(const struct event *e, void *ctx);
typedef void event_page_end(int rc, struct slice next_cursor, void *ctx);
void event_page(struct store *s, const struct event_query *query,
    int64_t deadline_us, event_row *row, event_page_end *end, void *ctx);

/*
 * Reading on from a position, for consumers (counting, webhooks).
 * host       whose streams; position: event id read last, empty: the oldest
 * Rows come in order, facts joined; end() has the position to keep.  Goes
 * over to the next day by itself.
 */
void event_read(struct store *s, struct slice host, struct slice position,
    unsigned limit, int64_t deadline_us, event_row *row, event_page_end *end,
    void *ctx);

/* How long events are kept where the settings do not say. */
#define EVENT_RETENTION_S (40 * 86400)

/* Hosts that have written events; also registers this one (daily or so). */
void host_register(struct store *s, struct slice host);
typedef void host_list_end(int rc, const struct slice *hosts, size_t count,
    void *ctx);
void host_list(struct store *s, int64_t deadline_us, host_list_end *end,
    void *ctx);

#endif /* STORE_EVENT_STORE_H */
