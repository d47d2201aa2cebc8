/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_WEBHOOK_STORE_H
#define STORE_WEBHOOK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/event.h"
#include "util/buf.h"
#include "util/slice.h"

/*
 * The queue of each webhook endpoint: all its keys lie in one slot, so every
 * step is one script call.
 *
 *	event -> pending list of its kind (with the position in the host's
 *	stream, in one call) -> batch with an id for ever -> sent, or tried
 *	again, or dead letter
 *
 * A position and the events before it move together or not at all; a batch is
 * taken with a lease, and comes back when its taker dies.  So nothing is lost
 * whatever is killed, and what comes twice has the same ids.
 */
struct store;

#define WEBHOOK_STORE_KINDS 6
#define WEBHOOK_TTL_S (42 * 86400) /* keys of endpoints that are gone */
#define WEBHOOK_DEAD_S (40 * 86400)
#define WEBHOOK_DEAD_MAX 10000 /* dead batches kept for an endpoint */

struct webhook_endpoint {
	struct slice tenant, name;
};

/* ---- one event as octets ---- */

int webhook_event_pack(const struct event *e, struct buf *out);
/* Slices point into packed.  ERR_SYNTAX. */
int webhook_event_unpack(struct slice packed, struct event *ret_event);
/* Takes the next event's octets off the head of a batch; false: the end. */
bool webhook_batch_next(struct slice *batch, struct slice *ret_packed);

/* Which of two event ids of one host is the later one: <0, 0, >0.  An empty
 * id comes before all. */
int webhook_id_compare(struct slice a, struct slice b);
/* The position in host's streams that lies at this time: no event has it. */
int webhook_position_at(struct slice host, int64_t ms, struct buf *out);

/* ---- the queue ---- */

struct webhook_position {
	struct slice host, position;
};
struct webhook_state {
	int64_t created_ms;    /* first seen: its events begin here */
	struct slice disabled; /* why; empty: it is not */
	const struct webhook_position *positions;
	size_t position_count;
};
/*
 * First call for an endpoint: makes it known as of now.  A disabled endpoint
 * is enabled again when its settings are of another revision than then.
 */
typedef void webhook_opened(int rc, const struct webhook_state *state,
    void *ctx);
void webhook_open(struct store *s, struct webhook_endpoint e, int64_t revision,
    int64_t now_ms, int64_t deadline_us, webhook_opened *opened, void *ctx);

struct webhook_entry {
	unsigned kind;
	struct slice packed;
};
/*
 * Append entries and move the position from expected to next.
 * ERR_CONFLICT: the position is another one (current says which), nothing was
 * done; ERR_LIMIT: max_waiting events wait already, nothing was done.
 */
typedef void webhook_appended(int rc, struct slice current, void *ctx);
void webhook_append(struct store *s, struct webhook_endpoint e,
    struct slice host, struct slice expected, struct slice next,
    const struct webhook_entry *entries, size_t count, unsigned max_waiting,
    int64_t now_ms, int64_t deadline_us, webhook_appended *appended, void *ctx);

struct webhook_batch {
	struct slice id;         /* empty: there is none to send now */
	unsigned kind, attempts; /* attempts made before */
	int64_t first_ms;        /* when it was made */
	struct slice events;     /* webhook_batch_next() */
	bool disabled;
	int64_t next_ms; /* id empty: when to ask again; 0: nothing waits */
};
struct webhook_take {
	int64_t now_ms, lease_ms, batch_ms;
	unsigned batch_events[WEBHOOK_STORE_KINDS]; /* most of one batch */
};
/* The batch that is due, else a new one of the pending events. */
typedef void webhook_taken(int rc, const struct webhook_batch *batch,
    void *ctx);
void webhook_take(struct store *s, struct webhook_endpoint e,
    const struct webhook_take *take, int64_t deadline_us, webhook_taken *taken,
    void *ctx);

enum webhook_end {
	WEBHOOK_END_DELIVERED,
	WEBHOOK_END_RETRY, /* at due_ms */
	WEBHOOK_END_DEAD,
	WEBHOOK_END_DISABLE /* the endpoint; the batch stays */
};
typedef void webhook_done(int rc, int64_t count, void *ctx);
/* text: what was wrong; revision: of the tenant's settings. */
void webhook_finish(struct store *s, struct webhook_endpoint e, struct slice id,
    enum webhook_end end, int64_t due_ms, struct slice text, int64_t revision,
    int64_t now_ms, int64_t deadline_us, webhook_done *done, void *ctx);

/* ---- for people ---- */

struct webhook_status {
	uint64_t waiting; /* events pending or in batches */
	uint64_t dead;    /* batches */
	int64_t created_ms, delivered_ms, failed_ms; /* 0: never */
	struct slice error, disabled;
};
typedef void webhook_shown(int rc, const struct webhook_status *status,
    void *ctx);
void webhook_show(struct store *s, struct webhook_endpoint e,
    int64_t deadline_us, webhook_shown *shown, void *ctx);
void webhook_enable(struct store *s, struct webhook_endpoint e,
    int64_t deadline_us, webhook_done *done, void *ctx);

struct webhook_dead {
	struct slice id, error;
	unsigned kind, attempts;
	uint64_t events;
	int64_t first_ms, died_ms;
};
/* Oldest first; cursor as in block_page. */
typedef void webhook_dead_row(const struct webhook_dead *dead, void *ctx);
typedef void webhook_dead_end(int rc, struct slice next_cursor, void *ctx);
void webhook_dead_list(struct store *s, struct webhook_endpoint e,
    struct slice cursor, unsigned limit, int64_t deadline_us,
    webhook_dead_row *row, webhook_dead_end *end, void *ctx);
/*
 * Send again, in the old order: one, or all (id absent).  count: how many;
 * ERR_NOTFOUND: no such id.
 */
void webhook_replay(struct store *s, struct webhook_endpoint e, struct slice id,
    int64_t now_ms, int64_t deadline_us, webhook_done *done, void *ctx);

#endif /* STORE_WEBHOOK_STORE_H */
