/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_RETRY_H
#define POLICYD_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policyd/queue_client.h"
#include "proto/retry_state.h"
#include "proto/settings.h"
#include "store/hold_store.h"
#include "store/retry_store.h"
#include "util/arena.h"
#include "util/log.h"

/*
 * The retries of this host's deferred mail, at the second that its curve says.
 * One thing at a time: read what events say (retry_events.c), keep it, then
 * take what is due and have Postfix do it (retry_ask.c), then rest
 * (retry_part.c).  All of it is kept in Redis before Postfix is asked, so that
 * a crash leaves an attempt out rather than making it twice.
 */
struct loop_timer;
struct policyd;

#define RETRY_PAGE 500 /* events, or messages that are due, at once */
#define RETRY_POSITION_MAX 300
#define RETRY_CONSUMER SLICE("retry")
/* Behind a window: the scheduler lets it go first. */
#define RETRY_HELD_MS 2000
#define RETRY_REST_MS (86400 * INT64_C(1000)) /* is it in the queue still? */

/* What Postfix is to do with a message that is due, in this order. */
enum retry_verb {
	RETRY_DO_NOTHING, /* not its time yet */
	RETRY_DO_TRY,
	RETRY_DO_GIVE_UP,
	RETRY_DO_HOLD,
	RETRY_VERBS
};
/* A message of the page, or one that is due. */
struct retry_message {
	struct slice queue_id;
	struct retry_state state;
	int64_t at_ms; /* when to look at it next */
	bool known;    /* the store has it */
	bool changed;
	/* Of one that is due: */
	enum retry_verb verb;
	struct slice window; /* RETRY_DO_HOLD: that is in force, */
	int64_t until_ms;    /* until then */
};
/* An event of the page. */
struct retry_event {
	size_t message; /* index */
	bool deferred;  /* else: a final result */
	struct slice recipient, tenant;
	int64_t at_ms;
};

/* Every counter begins at zero. */
struct retry_counters {
	uint64_t asked;    /* retries that Postfix was asked for */
	uint64_t given_up; /* messages, behind their period */
	uint64_t stopped;  /* put into hold, for a window */
	uint64_t failures; /* of the queue helper */
	uint64_t waiting;  /* deferred messages that are listed now */
};

struct retry {
	struct policyd *d;
	struct loop_timer *timer;
	enum retry_schedule schedule;
	bool windows;  /* a tenant has some that stop retries */
	bool filters;  /* a shaping filter has a curve of its own */
	bool settled;  /* settings were known before */
	bool begun;    /* the position is known */
	bool from_now; /* not from the one that is kept */
	bool busy, stopping;
	char position[RETRY_POSITION_MAX];
	size_t position_len;
	char next[RETRY_POSITION_MAX];
	size_t next_len;

	struct settings *snapshot; /* while busy */
	struct arena *arena;       /* the same */
	struct retry_message *messages;
	size_t message_count;
	struct retry_event *events;
	size_t event_count, rows;
	int rc;
	int64_t next_ms;          /* what is due first behind these */
	int64_t not_before_ms;    /* the helper had trouble */
	enum retry_verb asking;   /* what Postfix is asked for now */
	size_t reading;           /* the message that is read from the queue */
	struct arena *text_arena; /* for that */
	struct hold_record *holds;
	size_t hold_count;
	struct log_limit trouble; /* with Redis; with the helper: */
	struct log_limit helper_trouble;
	struct retry_counters count;
};

/* ---- retry_part.c ---- */
/* A round is over: another one at once, or after a rest. */
void retry_rest(struct retry *r, bool more);
void retry_failed(struct retry *r, int rc);
/*
 * The curve by which mail of this tenant to this recipient is tried; NULL: by
 * none.  ret_owner: its name, for retry_curve_of(); in the arena.
 */
const struct retry_curve *retry_curve_for(struct retry *r,
    const struct tenant *t, struct slice recipient, struct slice *ret_owner);
/* NULL: the settings have it no more. */
const struct retry_curve *retry_curve_of(const struct retry *r,
    const struct retry_state *s);
/* The changed ones, and the position where next_len > 0. */
void retry_write(struct retry *r, retry_kept *kept);
void retry_moved(struct retry *r); /* the position is at next now */
int64_t retry_now_ms(void);

/* ---- retry_events.c ---- */
void retry_read(struct retry *r);

/* ---- retry_ask.c ---- */
void retry_look(struct retry *r); /* at what is due */

/* ---- retry_window.c ---- */
struct filter_values;
struct held_text;
bool retry_windows_of(const struct tenant *t); /* some stop retries */
/* The tenant has some, and the message was not compared with them yet. */
bool retry_window_unknown(const struct retry *r, const struct retry_state *s);
/* Until when a window is in force for it (now_ms: none is), and which. */
int64_t retry_window_until(const struct retry *r, const struct retry_state *s,
    int64_t now_ms, struct slice *ret_name);
/* When to look again because one may begin; INT64_MAX: it is under none. */
int64_t retry_window_begins(const struct retry *r, const struct retry_state *s,
    int64_t now_ms);
/* Compare it; ERR_NOMEM. */
int retry_window_look(struct retry *r, struct retry_message *m,
    const struct held_text *text, struct filter_values *values);
/* As it is listed among held mail; in r->arena.  ERR_NOMEM. */
int retry_window_record(struct retry *r, const struct retry_message *m,
    const struct held_text *text, struct filter_values *values,
    struct hold_record *ret_record);

/* ---- retry_decide.c ---- */
/*
 * What to do with each message that is due: verb, and when to look again.
 * Reads from the queue what it has to know of a message; then decided().
 */
typedef void retry_decided(struct retry *r, int rc);
void retry_decide(struct retry *r, retry_decided *decided);

#endif /* POLICYD_RETRY_H */
