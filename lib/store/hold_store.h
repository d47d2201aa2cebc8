/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_HOLD_STORE_H
#define STORE_HOLD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/held_field.h" /* enum hold_reason */
#include "util/slice.h"

/*
 * Messages in the hold queue of one host, all in the host's slot:
 *
 *	pn:h:{h:HOST}:due    sorted set, queue id by the time it may leave, ms
 *	pn:h:{h:HOST}:ready  sorted set, queue id by its place in the order:
 *	                     (PRIORITY_MAX - priority) * 2^42 + arrival, ms
 *	pn:h:{h:HOST}:of     hash, queue id to its record
 *	pn:h:{h:HOST}:count  hash, reason to how many records have it
 *	pn:h:{h:HOST}:gate   hash: what the scheduler said last
 *	pn:h:{h:HOST}:ask    list: what people want of the scheduler
 *
 * A message waits in "due" until its time has come, then in "ready" until it is
 * its turn; it leaves all three when Postfix has released it.  One that no time
 * releases is in "due" for ever.  The milter adds (message_store.h: in the
 * script that leaves the facts), the scheduler of the same host moves and
 * removes.  Repeating any of these calls does no harm.
 */
struct store;

struct hold_record {
	struct slice queue_id;
	struct slice tenant;
	enum hold_reason reason;
	struct slice rule; /* name of the prohibition or cap; or absent */
	unsigned priority;
	int64_t arrived_ms;
	int64_t release_ms; /* 0: as soon as it is its turn; INT64_MAX: never */
	bool deferred;      /* it was tried before: a window stops retries */
	struct slice sender, recipient, subject; /* for lists; cut */
	size_t recipients;
};

/*
 * The milter's question in message_put(): shall this message be held?
 * rec.release_ms > rec.arrived_ms: held in any case.  Else, where gated: held
 * when the gate says that so many are in flight, or when anything of its
 * priority or above waits already; else it goes, and counts as in flight.
 */
struct hold_request {
	struct hold_record rec; /* queue_id, tenant and host are the facts' */
	bool gated;
};
/* Whether it is held whatever the gate says. */
static inline bool
hold_is_certain(const struct hold_request *h)
{
	return h->rec.release_ms > h->rec.arrived_ms;
}

typedef void hold_done(int rc, void *ctx);
/* What the scheduler tells the gate, each tick: while it is older than
 * HOLD_GATE_MS the gate is open (nobody would release). */
#define HOLD_GATE_MS 5000
void hold_gate_set(struct store *s, struct slice host, size_t in_flight,
    size_t max_in_flight, int64_t deadline_us, hold_done *done, void *ctx);

/*
 * One tick: what has become due goes over to "ready", and up to max from the
 * front of "ready" come back.  They stay there until hold_forget().  max may
 * be 0.  arrived_ms and priority are those of the place in "ready".  Very many
 * that become due at once go over in several ticks; as their order is not
 * known before, none come back until then, and next_due_ms is <= now_ms: ask
 * again at once.
 */
struct hold_turn {
	struct slice queue_id;
	unsigned priority;
	int64_t arrived_ms;
};
typedef void hold_taken(int rc, const struct hold_turn *turns, size_t count,
    int64_t next_due_ms, void *ctx); /* next_due_ms 0: nothing waits in "due";
					what never leaves does not count */
void hold_take(struct store *s, struct slice host, int64_t now_ms, size_t max,
    int64_t deadline_us, hold_taken *taken, void *ctx);
/* Released, dropped, or not in the queue any more. */
void hold_forget(struct store *s, struct slice host, const struct slice *ids,
    size_t count, int64_t deadline_us, hold_done *done, void *ctx);
/*
 * Orphans that were judged again, or deferred mail that a window stops.  A
 * record that is there already is replaced.
 */
void hold_put(struct store *s, struct slice host,
    const struct hold_record *records, size_t count, int64_t deadline_us,
    hold_done *done, void *ctx);
/*
 * Another time for one that is held: as soon as it is its turn (0), or never
 * (INT64_MAX: its reason becomes HOLD_HAND).  ERR_NOTFOUND: it is not listed.
 */
void hold_move(struct store *s, struct slice host, struct slice queue_id,
    int64_t release_ms, int64_t deadline_us, hold_done *done, void *ctx);
/* Which of these are listed; bit i of the answer for ids[i]. */
typedef void hold_known(int rc, const bool *known, size_t count, void *ctx);
void hold_look(struct store *s, struct slice host, const struct slice *ids,
    size_t count, int64_t deadline_us, hold_known *known, void *ctx);

/* The record of one; ERR_NOTFOUND.  r is NULL unless rc is 0. */
typedef void hold_found(int rc, const struct hold_record *r, void *ctx);
void hold_find(struct store *s, struct slice host, struct slice queue_id,
    int64_t deadline_us, hold_found *found, void *ctx);
/* How many are held, by reason. */
typedef void hold_counted(int rc, const size_t counts[HOLD_REASONS], void *ctx);
void hold_count(struct store *s, struct slice host, int64_t deadline_us,
    hold_counted *counted, void *ctx);

/*
 * Pages for CLI and API: by host, in the order of release.  What is released
 * or comes in meanwhile makes no row come twice.  A row's release_ms is 0 when
 * it only waits for its turn.  ERR_SYNTAX: not a cursor.
 */
struct hold_query {
	struct slice host;
	struct slice tenant; /* absent: all */
	struct slice cursor;
	unsigned limit; /* 1..1000; rows may be fewer although there are more */
};
typedef void hold_row(const struct hold_record *r, void *ctx);
typedef void hold_page_end(int rc, struct slice next_cursor, void *ctx);
void hold_page(struct store *s, const struct hold_query *query,
    int64_t deadline_us, hold_row *row, hold_page_end *end, void *ctx);

/*
 * What API and command line ask of the scheduler of another host: a list
 * pn:h:{h:HOST}:ask of "VERB QUEUEID ACTOR", which the scheduler takes from.
 * ERR_LIMIT: HOLD_ASKS_MAX wait already.  What nobody takes is forgotten after
 * a day.
 */
#define HOLD_ASKS_MAX 10000
enum hold_ask { HOLD_ASK_RELEASE, HOLD_ASK_DROP };
void hold_ask(struct store *s, struct slice host, enum hold_ask verb,
    struct slice queue_id, struct slice actor, int64_t deadline_us,
    hold_done *done, void *ctx);
/* rc 0 and an absent queue id: nothing was asked.  more: ask again at once. */
typedef void hold_asked(int rc, enum hold_ask verb, struct slice queue_id,
    struct slice actor, bool more, void *ctx);
void hold_ask_take(struct store *s, struct slice host, int64_t deadline_us,
    hold_asked *asked, void *ctx);

#endif /* STORE_HOLD_STORE_H */
