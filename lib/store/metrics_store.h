/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_METRICS_STORE_H
#define STORE_METRICS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * What daemons count (service/metrics.h), left in Redis as text for whoever
 * shows the counters of all hosts.  It goes away with the daemon.
 */
struct event_base;
struct store;

#define METRICS_EVERY_MS 5000
#define METRICS_TTL_S 60

/* Prints the daemon's counters; runs on the loop's thread. */
typedef int metrics_printer(const char *daemon, struct buf *out);
/*
 * Leaves them every METRICS_EVERY_MS.  daemon: static; host: copied.
 * NULL: no memory.
 */
struct metrics_feed;
struct metrics_feed *metrics_feed_new(struct event_base *base, struct store *s,
    struct slice host, const char *daemon, metrics_printer *print);
void metrics_feed_free(struct metrics_feed *f); /* takes NULL */

/* One text of one daemon; valid inside the callback only. */
typedef void metrics_got(struct slice host, struct slice text, void *ctx);
typedef void metrics_end(int rc, void *ctx);
/* Of all hosts that are known and this one; got: once for each text. */
void metrics_list(struct store *s, struct slice host, int64_t deadline_us,
    metrics_got *got, metrics_end *end, void *ctx);

#endif /* STORE_METRICS_STORE_H */
