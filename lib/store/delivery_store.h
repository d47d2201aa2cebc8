/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_DELIVERY_STORE_H
#define STORE_DELIVERY_STORE_H

#include <stdint.h>

#include "proto/event.h"
#include "util/slice.h"

/*
 * What the log follower and the DSN reader write.  One script call in the
 * host's slot commits a batch of log lines: events, counters, the state of
 * each recipient and the checkpoint move together or not at all.
 */
struct store;

enum delivery_op_kind {
	DELIVERY_QUEUED,  /* qmgr: the message is in the queue (first time
			     only: repetitions do nothing) */
	DELIVERY_RESULT,  /* one attempt for one recipient */
	DELIVERY_EXPIRED, /* qmgr gave up: every recipient without a final
			     result fails with 3, or 5 if its last text said
			     full; reason is its last text */
	DELIVERY_REMOVED, /* left the queue: a recipient without a final result
			     (deleted by hand) fails with 99 */
};
struct delivery_op {
	enum delivery_op_kind kind;
	int64_t at_ms; /* of the log line */
	struct slice queue_id;
	struct slice sender; /* DELIVERY_QUEUED: from=<...> of the log */
	/* DELIVERY_RESULT: */
	struct slice recipient;  /* canonical; as the message was addressed */
	enum event_type type;    /* SUCCEEDED, DEFERRED, FAILED */
	int status;              /* enum status of DEFERRED and FAILED */
	enum bounce_class class; /* of the same */
	struct slice reason, relay;
	struct slice provider; /* the shaping filter of its destination, for
				  the counters; absent: as it was last for this
				  domain, or not known */
};

/*
 * expected, next: the checkpoint of source (our own text, <= 200 octets)
 * before and after these lines; expected empty: there is none yet.
 * rc 0: done.  ERR_CONFLICT: the stored checkpoint is another one, nothing
 * was written; current says which (this also answers "was my timed-out batch
 * written?").
 * A recipient gets at most one final event, whatever the lines say.
 */
typedef void delivery_committed(int rc, struct slice current, void *ctx);
void delivery_commit(struct store *s, struct slice host, struct slice source,
    struct slice expected, struct slice next, const struct delivery_op *ops,
    size_t count, int64_t deadline_us, delivery_committed *committed,
    void *ctx);
/* The checkpoint as stored; empty: none. */
void delivery_checkpoint(struct store *s, struct slice host,
    struct slice source, int64_t deadline_us, delivery_committed *got,
    void *ctx);

/*
 * Somebody is about to delete a queued message: the events that its removal
 * leads to will have this origin ("api", "cli").  A message that is not known
 * has none: no error.
 */
typedef void delivery_noted(int rc, void *ctx);
void delivery_origin(struct store *s, struct slice host, struct slice queue_id,
    struct slice origin, int64_t deadline_us, delivery_noted *noted, void *ctx);

/* What a mail that came back tells of a recipient of a message of ours. */
#define DELIVERY_COMPLAINT_AGE_S (40 * 86400) /* older ones are not read */
#define DELIVERY_NAMED_MAX 200
/* Whether the message, when it left, was for this address alone. */
typedef bool delivery_meant(struct slice recipient, void *ctx);
struct delivery_bounce {
	bool complaint; /* else an error */
	struct slice host, queue_id;
	int64_t sent_s;        /* from the tag: where to search */
	struct slice original; /* canonical candidates for the recipient: */
	struct slice final;    /* Original-Recipient, Final-Recipient */
	/* All that the mail names, canonical: those beyond the maximum are not
	 * looked at. */
	const struct slice *named;
	size_t named_count;
	delivery_meant *meant; /* NULL: not known, or for several */
	int64_t at_ms;
	int status; /* when it was for the address mailed */
	enum bounce_class class;
	struct slice reason, relay;
	struct slice origin; /* why it is not to be counted; or absent */
};
enum bounce_result {
	BOUNCE_RECORDED,
	BOUNCE_DUPLICATE, /* this recipient's error was told before: by the
			     log, or by another DSN */
	BOUNCE_UNKNOWN    /* no such message, or not one of its recipients */
};
/*
 * Writes an EVENT_BOUNCED or EVENT_COMPLAINED, once for each message and
 * recipient, and one more with an origin.  When neither candidate is a
 * recipient, nor anybody else whom the mail names, but the message had only
 * one, it is about that one; an error then has status 6 (forwarded), or the
 * status given when both are empty, as for a mail that names nobody.  A
 * recipient that the message never reached can not complain.
 */
typedef void delivery_bounced(int rc, enum bounce_result result, void *ctx);
void delivery_bounce(struct store *s, const struct delivery_bounce *bounce,
    int64_t deadline_us, delivery_bounced *bounced, void *ctx);

/* A consumer's position in a host's streams (event_read), and moving it. */
void position_get(struct store *s, struct slice host, struct slice consumer,
    int64_t deadline_us, delivery_committed *got, void *ctx);
/*
 * Move it, and append these events (blocked, unblocked) to the host's stream
 * of today in the same script.  ERR_CONFLICT: it is not at expected.
 */
void position_move(struct store *s, struct slice host, struct slice consumer,
    struct slice expected, struct slice next, const struct event *events,
    size_t count, int64_t deadline_us, delivery_committed *moved, void *ctx);

#endif /* STORE_DELIVERY_STORE_H */
