/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_OUTBREAK_STORE_H
#define STORE_OUTBREAK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/settings.h"
#include "util/slice.h"

/*
 * Outbreaks: one answer of a provider for many recipients, which is then no
 * longer counted.  Kept for each tenant, for all hosts together.  What is
 * needed to notice one is gone two windows behind the last error.
 */
struct store;

#define OUTBREAK_SHAPE_LEN 16
#define OUTBREAK_HASH_LEN 8
#define OUTBREAK_KEPT_MS (86400 * INT64_C(1000)) /* behind its end */

struct outbreak {
	struct slice id;
	struct slice provider; /* a shaping filter, or "@" and a domain */
	struct slice shape;    /* outbreak_shape() */
	struct slice class;    /* bounce_class_word() */
	struct slice text;     /* the answer's shape */
	struct slice by;   /* who ended it: "time", "api", "cli"; or empty */
	struct slice host; /* where it was noticed, or that tells its end */
	int64_t started_ms, last_ms; /* noticed; the last such answer */
	int64_t till_ms;             /* it ends if there is no other */
	int64_t ended_ms;            /* 0: it goes on */
	int64_t window_ms;
	uint64_t recipients, total; /* in one window, at most; of all results */
	uint64_t errors;            /* not counted, about */
	uint64_t released;          /* blocks taken back */
};

/*
 * What an answer is called in keys: hex.  By its text's shape; where there is
 * no text, by its class: a log line and a report that tell of one answer may
 * have been classed in different ways.
 */
int outbreak_shape(struct slice class, struct slice text,
    char room[OUTBREAK_SHAPE_LEN]);
/* A recipient in sets. */
int outbreak_hash(struct slice address, char room[OUTBREAK_HASH_LEN]);

/* One final result for a recipient. */
struct outbreak_result {
	struct slice provider;
	int64_t at_ms;
	struct slice recipient;          /* outbreak_hash() */
	struct slice event_id;           /* makes the call idempotent */
	struct slice shape, class, text; /* of an error; else absent */
};
/*
 * rc 0: frozen: for each result, whether it shall not be counted; started:
 * outbreaks that begin with one of these results, also when the call is
 * repeated.
 */
typedef void outbreak_looked(int rc, const bool *frozen, size_t count,
    const struct outbreak *started, size_t started_count, void *ctx);
#define OUTBREAK_RESULTS_MAX 200
/* One script call for all results of a tenant on a page. */
void outbreak_look(struct store *s, struct slice tenant,
    const struct outbreak_settings *settings, struct slice host,
    const struct outbreak_result *results, size_t count, int64_t deadline_us,
    outbreak_looked *looked, void *ctx);

/* An error that blocked an address. */
struct outbreak_block {
	struct slice provider, shape, address, event_id;
	int64_t at_ms;
};
/* frozen: its outbreak has begun in the meantime: it is to be taken back. */
typedef void outbreak_noted(int rc, const bool *frozen, size_t count,
    void *ctx);
void outbreak_note(struct store *s, struct slice tenant,
    const struct outbreak_settings *settings,
    const struct outbreak_block *blocks, size_t count, int64_t deadline_us,
    outbreak_noted *noted, void *ctx);

/*
 * What that answer has blocked in the window before it was noticed: address
 * and event of each, OUTBREAK_BLOCKED_MAX at most.  Slices live inside the
 * call.
 */
#define OUTBREAK_BLOCKED_MAX 10000
typedef void outbreak_blocks(int rc, const struct outbreak_block *blocks,
    size_t count, void *ctx);
void outbreak_blocked(struct store *s, struct slice tenant,
    const struct outbreak *o, int64_t deadline_us, outbreak_blocks *got,
    void *ctx);
/* They are released, and that is told.  Nobody waits for it. */
void outbreak_taken(struct store *s, struct slice tenant,
    const struct outbreak *o, size_t released);

/* All that are kept, in no order; not cut. */
typedef void outbreak_listed(int rc, const struct outbreak *list, size_t count,
    void *ctx);
void outbreak_list(struct store *s, struct slice tenant, int64_t deadline_us,
    outbreak_listed *listed, void *ctx);
typedef void outbreak_ended(int rc, void *ctx);
/* ERR_NOTFOUND: none with that id goes on.  by: "api", "cli". */
void outbreak_end(struct store *s, struct slice tenant, struct slice id,
    struct slice by, int64_t deadline_us, outbreak_ended *ended, void *ctx);
/*
 * Ends what is over.  over: those whose end this host is to tell, until it
 * says outbreak_told().
 */
typedef void outbreak_swept(int rc, unsigned going, const struct outbreak *over,
    size_t count, void *ctx);
void outbreak_sweep(struct store *s, struct slice tenant, struct slice host,
    int64_t deadline_us, outbreak_swept *swept, void *ctx);
void outbreak_told(struct store *s, struct slice tenant,
    const struct outbreak *o);

#endif /* STORE_OUTBREAK_STORE_H */
