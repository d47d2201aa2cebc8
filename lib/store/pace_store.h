/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_PACE_STORE_H
#define STORE_PACE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/reply_temper.h"
#include "proto/shaping.h"
#include "util/slice.h"

/*
 * The pace of each shaping filter, in Redis, for all hosts.
 *
 * smtp(8) asks after each message, and the answer is its leave to send the
 * next one.  Each message takes a slot of one interval: that of the leave it
 * was sent with.  Those that came without leave (the first ones of processes
 * that were idle, beside the one that ended the idle time) take one behind the
 * fact, so that what came at once is made up for before the next leave is
 * given.  A leave is good for as long as the filter has been busy without a
 * break since it was given.
 *
 * A complaint halves the pace, once in a quarter of the recovery time however
 * many connections hear it; each recovery time without one brings a tenth of
 * the pace that was set (or measured, where none is set) back.  It never
 * becomes faster than what was set.
 */
struct store;

#define PACE_REPLY_MAX 500
/* State without traffic is forgotten after this. */
#define PACE_TTL_MS (48 * INT64_C(3600000))

struct pace_attempt {
	struct slice filter;
	enum temper temper;
	bool used;               /* takes a slot */
	bool fixed;              /* complaints change nothing */
	int64_t interval_us;     /* as set; 0: none */
	int64_t max_interval_us; /* by complaints */
	int64_t suspend_us;      /* of TEMPER_SUSPEND */
	int64_t leave_us;        /* since the leave it was sent with; < 0:
				    none */
	int64_t recovery_us;
	int64_t wait_max_us; /* the longest wait: slots end there */
	struct slice reply;  /* kept with what it changed */
};

enum pace_change {
	PACE_SAME,
	PACE_SLOWER,
	PACE_SUSPENDED, /* and slower, where that was due */
	PACE_FASTER,
	PACE_NORMAL /* as it was set again */
};
struct pace_answer {
	int64_t wait_us;      /* until the next message may go */
	int64_t interval_us;  /* now in force; 0: none */
	int64_t before_us;    /* and before this attempt */
	int64_t suspended_us; /* left; 0: not suspended */
	enum pace_change change;
	bool owed; /* the leave was of another time: slots were paid */
};
typedef void pace_answered(int rc, const struct pace_answer *answer, void *ctx);
/* One call for each attempt. */
void pace_take(struct store *s, const struct pace_attempt *attempt,
    int64_t deadline_us, pace_answered *answered, void *ctx);

/* This host's share while Redis is away: zeros to begin with. */
struct pace_local {
	int64_t interval_us; /* of all hosts together; 0: as set */
	int64_t slot_us, busy_us, slow_us, suspended_us;
};
/* On the monotonic clock; hosts: among how many the pace is divided, >= 1. */
void pace_local_take(struct pace_local *local,
    const struct pace_attempt *attempt, unsigned hosts,
    struct pace_answer *ret_answer);

/* ---- what people see and do ---- */

struct pace_state {
	int64_t interval_us;        /* in force */
	int64_t measured_us;        /* where none is set; 0: not slowed */
	int64_t suspended_until_us; /* wall clock; 0: not suspended */
	int64_t changed_us;         /* wall clock; 0: never */
	struct slice change;        /* "slow", "suspend", "faster", ... */
	struct slice reply;         /* the one that changed it; or empty */
	uint64_t sent;              /* attempts since the state began */
	uint64_t last_minute;       /* of them, in the minute before this */
};
/* rc 0 with zeros where nothing is known; valid inside the callback only. */
typedef void pace_shown(int rc, const struct pace_state *state, void *ctx);
void pace_show(struct store *s, struct slice filter, int64_t deadline_us,
    pace_shown *shown, void *ctx);

enum pace_action {
	PACE_RESET,   /* as set, not suspended, nothing remembered */
	PACE_SUSPEND, /* for a time from now */
	PACE_RESUME
};
const char *pace_action_word(enum pace_action action);
#define PACE_SUSPEND_MIN_US INT64_C(1000000)
#define PACE_SUSPEND_MAX_US (7 * INT64_C(86400000000))
typedef void pace_done(int rc, void *ctx);
/* for_us: of PACE_SUSPEND.  by: who, kept in the place of the reply. */
void pace_act(struct store *s, struct slice filter, enum pace_action action,
    int64_t for_us, struct slice by, int64_t deadline_us, pace_done *done,
    void *ctx);

/*
 * Calls back when a filter's suspension or interval changes, on any host.
 * As redis_subscribe: a notice may be lost.
 */
typedef void pace_told(struct slice filter, int64_t suspended_us, void *ctx);
int pace_watch(struct store *s, pace_told *told, void *ctx);

#endif /* STORE_PACE_STORE_H */
