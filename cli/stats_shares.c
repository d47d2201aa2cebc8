/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares of errors or deliveries, for postern stats. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli_store.h"
#include "cli/command.h"
#include "cli/plot.h"
#include "cli/stats.h"
#include "proto/csv.h"
#include "proto/json.h"
#include "proto/status.h"
#include "util/clock.h"
#include "util/err.h"

#define BAR_WIDTH 24
#define ROWS_DEFAULT 20

struct share {
	struct slice name; /* borrowed from the callback */
	uint64_t count;
};

static int
larger_first(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

static void
put_share(struct stats *s, struct table *table, const struct share *share,
    uint64_t total)
{
	char number[24], part[24], bar[PLOT_SHARE_MAX];
	struct csv_writer w = csv_writer(&s->line);
	double of_all = (double)share->count / (double)total;

	if (table != NULL) {
		(void)snprintf(number, sizeof(number), "%" PRIu64,
		    share->count);
		(void)snprintf(part, sizeof(part), "%.1f%%", of_all * 100);
		const struct table_cell cells[] = {
			{ share->name, COLOUR_NONE },
			{ slice_of(number), COLOUR_NONE },
			{ slice_of(part), COLOUR_NONE },
			{ plot_share(&s->screen, share->count, total, BAR_WIDTH,
			      bar),
			    s->deliveries ? COLOUR_GOOD : COLOUR_BAD },
		};

		(void)table_add(table, cells);
		return;
	}
	if (s->csv) {
		csv_text(&w, share->name);
		csv_number(&w, (int64_t)share->count);
		(void)csv_end(&w);
	} else {
		(void)buf_add_text(&s->line, "{\"name\":");
		(void)json_print_string(share->name, &s->line);
		(void)buf_addf(&s->line,
		    ",\"count\":%" PRIu64 ",\"share\":%.6f}\n", share->count,
		    of_all);
	}
	stats_put_line(s);
}

static void
put_shares(struct stats *s, struct share *list, size_t count)
{
	const struct table_column columns[] = {
		{ s->by.at, TABLE_LEFT, 16 },
		{ s->deliveries ? "QUEUED" : "ERRORS", TABLE_RIGHT, 0 },
		{ "SHARE", TABLE_RIGHT, 0 },
		{ "", TABLE_LEFT, 0 },
	};
	struct table *table = NULL;
	uint64_t total = 0;

	qsort(list, count, sizeof(*list), larger_first);
	for (size_t i = 0; i < count; i++)
		total += list[i].count;
	if (!s->json && !s->csv)
		table =
		    table_new(columns, 4, &s->screen, table_to_stdout, NULL);
	for (size_t i = 0; i < count && i < s->limit; i++)
		if (list[i].count > 0)
			put_share(s, table, &list[i], total);
	table_free(table);
	if (total == 0)
		(void)fputs("nothing found\n", stderr);
}

static void
on_statuses(int rc, const struct series_count *points, size_t count, void *ctx)
{
	struct stats *s = ctx;
	struct share list[SERIES_STATUS_MAX] = { { { NULL, 0 }, 0 } };
	char names[SERIES_STATUS_MAX][80];

	s->rc = rc;
	s->over = true;
	if (rc < 0)
		return;
	for (int n = 1; n < SERIES_STATUS_MAX; n++) {
		(void)snprintf(names[n], sizeof(names[n]), "%d %s", n,
		    status_text(n));
		list[n].name = slice_of(names[n]);
		for (size_t i = 0; i < count; i++)
			list[n].count += points[i].by_status[n];
	}
	put_shares(s, list, SERIES_STATUS_MAX);
}

static uint64_t
of_share(const struct stats *s, const struct series_count *c)
{
	uint64_t sum = 0;

	if (s->deliveries)
		return c->queued;
	if (s->status > 0)
		return c->by_status[s->status];
	for (size_t i = 1; i < SERIES_STATUS_MAX; i++)
		sum += c->by_status[i];
	return sum;
}

static void
on_names(int rc, const struct series_share *shares, size_t count, void *ctx)
{
	struct stats *s = ctx;
	struct share *list = calloc(count + 1, sizeof(*list));

	s->rc = rc == 0 && list == NULL ? ERR_NOMEM : rc;
	s->over = true;
	for (size_t i = 0; s->rc == 0 && i < count; i++) {
		list[i].name = shares[i].name;
		list[i].count = of_share(s, shares[i].count);
	}
	if (s->rc == 0)
		put_shares(s, list, count);
	free(list);
}

int
stats_shares(struct stats *s, struct cli_store *store)
{
	struct series_query q = stats_series_of(s, 1440);
	bool by_status = slice_eq(s->by, SLICE("status"));

	if (s->limit == 0)
		s->limit = s->json || s->csv ? UINT32_MAX : ROWS_DEFAULT;
	q.step = q.minutes;
	if (by_status && s->deliveries) {
		cli_error("--deliveries: by domain or filter");
		return ERR_SYNTAX;
	}
	if (!by_status)
		q.unit = slice_eq(s->by, SLICE("domain")) ? SERIES_DOMAIN
							  : SERIES_FILTER;
	if (by_status)
		series_read(store->store, &q, clock_deadline_ms(STATS_WAIT_MS),
		    on_statuses, s);
	else
		series_shares(store->store, &q,
		    clock_deadline_ms(STATS_WAIT_MS), on_names, s);
	cli_store_wait(store, &s->over);
	return s->rc;
}
