/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include "cli/screen.h"
#include "store/series_store.h"
#include "util/buf.h"

/* What "postern stats" was asked for; shared by its files. */
struct cli_store;
struct zone;

enum stats_what { STATS_DAYS, STATS_SERIES, STATS_SHARES };

struct stats {
	enum stats_what what;
	struct slice tenant, name, by;
	enum series_unit unit;
	const struct zone *zone;
	struct screen screen;
	bool json, csv, total, deliveries;
	int status;
	unsigned step; /* 0: what fits */
	uint64_t limit;
	int64_t from_ms, to_ms;
	bool has_from, has_to;
	int64_t now_ms;
	struct buf line;
	bool over;
	int rc;
};

#define STATS_WAIT_MS 30000
#define STATS_MINUTE_MS INT64_C(60000)

/* What is in s->line goes out. */
void stats_put_line(struct stats *s);
/* The time that was asked for; or so many minutes up to its end. */
struct series_query stats_series_of(const struct stats *s, unsigned minutes);
/* Errors or deliveries by status, domain or filter.  0 or ERR_*, told. */
int stats_shares(struct stats *s, struct cli_store *store);

#endif /* CLI_STATS_H */
