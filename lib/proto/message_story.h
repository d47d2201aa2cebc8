/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MESSAGE_STORY_H
#define PROTO_MESSAGE_STORY_H

#include "proto/event.h"

/*
 * What became of a message: its events, summed up for each recipient in one
 * sentence that answers "where is my mail?".  Pure; all it keeps lies in the
 * arena.
 */
struct arena;
struct zone;

#define STORY_RECIPIENTS_MAX 10000

struct story_recipient {
	struct slice address, queue_id;
	int64_t queued_ms; /* 0: nobody saw it */
	/* The last thing that SMTP said: QUEUED (nothing yet), SUCCEEDED,
	 * DEFERRED or FAILED. */
	enum event_type state;
	int64_t state_ms;
	unsigned attempts; /* deferred, succeeded, failed */
	int status;        /* of failed and deferred */
	enum bounce_class class;
	struct slice reason, relay, origin;
	/* What came back later; 0: nothing. */
	int64_t bounced_ms, complained_ms;
	int bounced_status;
	enum bounce_class bounced_class;
	struct slice bounced_reason;
};

struct story {
	struct arena *arena;
	struct story_recipient *recipients;
	size_t count, room;
	struct event facts; /* of the first event that had some */
	bool has_facts;
};

void story_init(struct story *s, struct arena *arena);
/*
 * In the order of time.  Events that are of no message are skipped.
 * ERR_LIMIT: more recipients than STORY_RECIPIENTS_MAX; ERR_NOMEM.
 */
int story_add(struct story *s, const struct event *e);

/*
 * One sentence, without its recipient: "failed at 2026-01-31 12:00:03, user
 * unknown (2): the address does not exist; at fault is the recipient".
 */
int story_sentence(const struct story_recipient *r, const struct zone *zone,
    struct buf *out);
/* "failed", "delivered", "bounced", "waiting", "suppressed", "complained". */
const char *story_state_word(const struct story_recipient *r);

/* What a class means, to follow "...: ". */
const char *story_class_text(enum bounce_class class);

#endif /* PROTO_MESSAGE_STORY_H */
