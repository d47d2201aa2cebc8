/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_EVENT_ROWS_H
#define STORE_EVENT_ROWS_H

#include "proto/event.h"
#include "store/redis.h"
#include "util/arena.h"

/*
 * Entries of the streams as events, kept beyond their reply; and joining the
 * facts of their message.  Shared by event_read.c, event_page.c and
 * delivery_bounce.c.
 */
#define STREAM_DAY_LEN 8
struct stream_id {
	uint64_t ms, seq;
};

/* "MS-SEQ".  ERR_SYNTAX. */
int stream_id_parse(struct slice text, struct stream_id *ret_id);
/* Text in room; returns it. */
#define STREAM_ID_MAX 48
struct slice stream_id_format(struct stream_id id, char room[STREAM_ID_MAX]);
int stream_id_compare(struct stream_id a, struct stream_id b);

/* Eight digits. */
bool stream_day_ok(struct slice day);
void stream_day_of(int64_t ms, char ret_day[STREAM_DAY_LEN]);
/* Its first millisecond; ERR_SYNTAX. */
int stream_day_start(struct slice day, int64_t *ret_ms);

/* "HOST/DAY/MS-SEQ", or without the host (absent then).  ERR_SYNTAX. */
int event_id_parse(struct slice text, struct slice *ret_host,
    struct slice *ret_day, struct stream_id *ret_id);

/* The i-th entry's id, and its packed text (absent: the form before that). */
struct slice event_row_packed(const struct redis_reply *entries, size_t i,
    struct slice *ret_id);
/* The i-th entry of an XRANGE reply, borrowed.  ERR_SYNTAX. */
int event_row_parse(const struct redis_reply *entries, size_t i,
    struct event *ret_event, struct slice *ret_id);
/*
 * A copy in arena, its id and message made whole.  An event that points to
 * none is its own message, but for those of blocks.  ERR_NOMEM.
 */
int event_row_keep(struct arena *arena, struct slice host, struct slice day,
    const struct event *e, struct slice id, struct event *ret_event);

/* Another copy of one that was kept. */
int event_row_dup(struct arena *arena, const struct event *e,
    struct event *ret_event);

/* Asks for the entries of a stream from..to ("-", "+", "MS-SEQ", "(MS-SEQ"). */
void stream_range(struct store *s, struct slice host, struct slice day,
    struct slice from, struct slice to, unsigned limit, int64_t deadline_us,
    redis_done *done, void *ctx);
/* The same, the latest first. */
void stream_range_back(struct store *s, struct slice host, struct slice day,
    struct slice from, struct slice to, unsigned limit, int64_t deadline_us,
    redis_done *done, void *ctx);

/*
 * Give each event that points to another one its facts; done(0 or ERR_*) from
 * the loop.  events and arena stay until then.
 */
typedef void events_joined(int rc, void *ctx);
void events_join(struct store *s, struct event *events, size_t count,
    struct arena *arena, int64_t deadline_us, events_joined *joined, void *ctx);

#endif /* STORE_EVENT_ROWS_H */
