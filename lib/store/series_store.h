/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SERIES_STORE_H
#define STORE_SERIES_STORE_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Numbers over time, from counters alone: nothing here reads events.  Every
 * event raises, in the transaction that writes it and by the minute in which
 * it happened, the counters of its tenant: of all mail, of its provider (the
 * shaping filter that matches the recipient), and of its domain; of the last,
 * no more than SERIES_DOMAINS_MAX an hour, host and tenant: mail to others is
 * that of the domain "other".  Hosts are summed when read.
 */
struct store;

#define SERIES_DOMAINS_MAX 1000
#define SERIES_STATUS_MAX 100 /* index of by_status: 0..99 */

enum series_unit { SERIES_ALL, SERIES_FILTER, SERIES_DOMAIN };

struct series_count {
	uint64_t queued, succeeded, deferred;
	uint64_t failed;     /* by SMTP; without what was suppressed */
	uint64_t suppressed; /* failed with status 10 or 11: never sent */
	uint64_t bounced;    /* by a report that came back */
	uint64_t complained, blocked, unblocked;
	/* of failed and bounced together, and of suppressed */
	uint32_t by_status[SERIES_STATUS_MAX];
};

struct series_query {
	struct slice tenant;
	enum series_unit unit;
	struct slice name; /* of the filter or domain; not for SERIES_ALL */
	int64_t from_ms;   /* of a whole minute */
	unsigned minutes;  /* at most 400 days of them */
	unsigned step;     /* minutes of one point, >= 1 */
};
/* points: minutes / step of them, the last one perhaps shorter. */
typedef void series_done(int rc, const struct series_count *points,
    size_t count, void *ctx);
void series_read(struct store *s, const struct series_query *query,
    int64_t deadline_us, series_done *done, void *ctx);

/*
 * Shares: the sum over the time of each filter or domain (unit; name is not
 * looked at), the largest first by queued mail.
 */
struct series_share {
	struct slice name; /* "other" is last */
	const struct series_count *count;
};
typedef void series_shared(int rc, const struct series_share *shares,
    size_t count, void *ctx);
void series_shares(struct store *s, const struct series_query *query,
    int64_t deadline_us, series_shared *shared, void *ctx);

#endif /* STORE_SERIES_STORE_H */
