/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_STATISTICS_STORE_H
#define STORE_STATISTICS_STORE_H

#include "store/series_store.h"

/* Counters by the days of a time zone, whatever their length. */
struct zone;

#define STATISTICS_DAYS_MAX 400

struct statistics_query {
	struct slice tenant;
	enum series_unit unit;
	struct slice name;
	const struct zone *zone; /* lives until done() */
	int64_t first_day,
	    last_day; /* counted from 1970-01-01; both included */
};
/* days: one for each of them.  ERR_LIMIT: too many; and those of series_read.
 */
void statistics_read(struct store *s, const struct statistics_query *query,
    int64_t deadline_us, series_done *done, void *ctx);

/*
 * What the product's statistics say of a count: mail that was to be delivered
 * is succeeded + failed; what was suppressed is "blocked" and not among them,
 * and what bounced later is counted apart.
 */
uint64_t statistics_valid(const struct series_count *c);
/* failed / valid; 0 where nothing was. */
double statistics_error_rate(const struct series_count *c);
void statistics_add(struct series_count *sum, const struct series_count *c);

/* "2026-01-31" of a day; room: STATISTICS_DATE_MAX octets. */
#define STATISTICS_DATE_MAX 16
struct slice statistics_date(int64_t day, char room[STATISTICS_DATE_MAX]);

/*
 * As JSON objects and CSV records.  date: "2026-01-31", or "total".
 *	{"date","queued","succeeded","failed","blocked","valid","error_rate",
 *	 "bounced","deferred","complained"}
 * A point has "time" (RFC 3339, UTC) and the counters alone.  The buffer's rc.
 */
struct buf;
int statistics_json(struct slice date, const struct series_count *c,
    struct buf *out);
int statistics_csv(struct slice date, const struct series_count *c,
    struct buf *out);
int statistics_csv_titles(struct buf *out);
int series_point_json(int64_t at_ms, const struct series_count *c,
    struct buf *out);
int series_point_csv(struct slice time, const struct series_count *c,
    struct buf *out);
int series_point_csv_titles(struct buf *out);

#endif /* STORE_STATISTICS_STORE_H */
