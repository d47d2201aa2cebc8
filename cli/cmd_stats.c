/* SPDX-License-Identifier: BSD-2-Clause */
/* postern stats: days and their total, minutes as a plot, and shares. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cli/cli_store.h"
#include "cli/commands.h"
#include "cli/local_zone.h"
#include "cli/plot.h"
#include "cli/stats.h"
#include "proto/civil.h"
#include "proto/settings.h"
#include "proto/zone.h"
#include "store/series_store.h"
#include "store/statistics_store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define SERIES_MINUTES_MAX (41 * 1440)
#define LINE_MAX_OCTETS ((size_t)64 * 1024)
#define PLOT_HEIGHT 5
#define PLOT_COLUMNS 72 /* where there is no terminal */

static const char usage_text[] =
    "[-t TENANT] [--month YYYY-MM | --since DAY [--until DAY]] [--total]\n"
    "[--filter NAME | --domain DOMAIN] [--utc] [--json | --csv]\n"
    "--series [-t TENANT] [--since TIME] [--until TIME] [--step MINUTES]\n"
    "[--filter NAME | --domain DOMAIN] [--utc] [--json | --csv]\n"
    "--shares status|domain|filter [-t TENANT] [--deliveries]\n"
    "[--status N] [--filter NAME | --domain DOMAIN]\n"
    "[--since TIME] [--until TIME] [-n LIMIT] [--json | --csv]";

/* ---- options ---- */

static int
bad(const char *name, const char *value, const char *want)
{
	cli_error("--%s %s: must be %s", name, value, want);
	return EX_USAGE;
}

/* "2026-01": its days. */
static int
take_month(struct stats *s, const char *value)
{
	struct slice text = slice_of(value), year;
	struct report_span first, last;
	uint64_t y, m;

	if (!slice_split(&text, '-', &year) || text.at == NULL ||
	    number_parse(year, 1970, 9999, &y) < 0 ||
	    number_parse(text, 1, 12, &m) < 0)
		return bad("month", value, "a month like 2026-01");
	first =
	    report_time_day(civil_days((int64_t)y, (unsigned)m, 1), s->zone);
	last = report_time_day(civil_days((int64_t)y, (unsigned)m,
				   civil_month_days((int64_t)y, (unsigned)m)),
	    s->zone);
	s->from_ms = first.from_ms;
	s->to_ms = last.to_ms < s->now_ms ? last.to_ms : s->now_ms;
	s->has_from = s->has_to = true;
	return 0;
}

static int
take_time(struct stats *s, const char *name, const char *value)
{
	struct report_span span;

	if (report_time_parse(slice_of(value), s->zone, s->now_ms, &span) < 0)
		return bad(name, value,
		    "a time: 2026-01-31 [12[:30]], 12:30, today, 2h, 3d, ...");
	if (strcmp(name, "since") == 0) {
		s->from_ms = span.from_ms;
		s->has_from = true;
	} else {
		s->to_ms = span.to_ms;
		s->has_to = true;
	}
	return 0;
}

static int
take_number(const char *name, const char *value, uint64_t max, uint64_t *ret)
{
	return number_parse(slice_of(value), 1, max, ret) == 0
		   ? 0
		   : bad(name, value, "a number in its range");
}

static int
take_shares(struct stats *s, const char *value)
{
	s->what = STATS_SHARES;
	s->by = slice_of(value);
	return strcmp(value, "status") == 0 || strcmp(value, "domain") == 0 ||
		       strcmp(value, "filter") == 0
		   ? 0
		   : bad("shares", value, "status, domain or filter");
}

static int
take_unit(struct stats *s, enum series_unit unit, const char *value)
{
	s->unit = unit;
	s->name = slice_of(value);
	return 0;
}

static int
take_option(struct stats *s, int c)
{
	uint64_t n = 0;
	int status;

	switch (c) {
	case 't':
		s->tenant = slice_of(optarg);
		return 0;
	case 'n':
		return take_number("limit", optarg, UINT32_MAX, &s->limit);
	case 'm':
		return take_month(s, optarg);
	case 'a':
		return take_time(s, "since", optarg);
	case 'z':
		return take_time(s, "until", optarg);
	case 'f':
		return take_unit(s, SERIES_FILTER, optarg);
	case 'd':
		return take_unit(s, SERIES_DOMAIN, optarg);
	case 'S':
		s->what = STATS_SERIES;
		return 0;
	case 'H':
		return take_shares(s, optarg);
	case 'e':
		status = take_number("status", optarg, 99, &n);
		s->status = (int)n;
		return status;
	case 'p':
		status = take_number("step", optarg, SERIES_MINUTES_MAX, &n);
		s->step = (unsigned)n;
		return status;
	case 'u': /* taken before the times */
		return 0;
	}
	s->json |= c == 'j';
	s->csv |= c == 'c';
	s->total |= c == 'T';
	s->deliveries |= c == 'D';
	return c == 'j' || c == 'c' || c == 'T' || c == 'D' ? 0 : EX_USAGE;
}

static int
take_options(struct stats *s, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "tenant", required_argument, NULL, 't' },
		{ "limit", required_argument, NULL, 'n' },
		{ "month", required_argument, NULL, 'm' },
		{ "since", required_argument, NULL, 'a' },
		{ "until", required_argument, NULL, 'z' },
		{ "filter", required_argument, NULL, 'f' },
		{ "domain", required_argument, NULL, 'd' },
		{ "shares", required_argument, NULL, 'H' },
		{ "status", required_argument, NULL, 'e' },
		{ "step", required_argument, NULL, 'p' },
		{ "series", no_argument, NULL, 'S' },
		{ "utc", no_argument, NULL, 'u' },
		{ "json", no_argument, NULL, 'j' },
		{ "csv", no_argument, NULL, 'c' },
		{ "total", no_argument, NULL, 'T' },
		{ "deliveries", no_argument, NULL, 'D' },
		{ NULL, 0, NULL, 0 },
	};
	int c, status;

	s->zone = local_zone();
	/* Times are read in it, wherever it stands. */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--utc") == 0)
			s->zone = zone_utc;
	while ((c = getopt_long(argc, argv, "t:n:", options, NULL)) != -1)
		if ((status = take_option(s, c)) != 0)
			return status;
	if (optind < argc || (s->json && s->csv))
		return EX_USAGE;
	if (!settings_name_ok(s->tenant)) {
		cli_error("%.*s: not a tenant's name", SLICE_F(s->tenant));
		return EX_USAGE;
	}
	if (!s->has_to)
		s->to_ms = s->now_ms;
	if (s->has_from && s->from_ms > s->to_ms) {
		cli_error("--until is before --since");
		return EX_USAGE;
	}
	return 0;
}

void
stats_put_line(struct stats *s)
{
	(void)fwrite(s->line.at, 1, s->line.len, stdout);
	buf_clear(&s->line);
}

struct series_query
stats_series_of(const struct stats *s, unsigned minutes)
{
	struct series_query q = {
		.tenant = s->tenant,
		.unit = s->unit,
		.name = s->name,
		.from_ms = s->has_from
			       ? s->from_ms
			       : s->to_ms + 1 - minutes * STATS_MINUTE_MS,
	};

	q.from_ms -= q.from_ms % STATS_MINUTE_MS;
	q.minutes = (unsigned)((s->to_ms - q.from_ms) / STATS_MINUTE_MS) + 1;
	return q;
}

/* ---- days ---- */

static const struct table_column day_columns[] = {
	{ "DATE", TABLE_LEFT, 0 },
	{ "QUEUED", TABLE_RIGHT, 0 },
	{ "SUCCEEDED", TABLE_RIGHT, 0 },
	{ "FAILED", TABLE_RIGHT, 0 },
	{ "BLOCKED", TABLE_RIGHT, 0 },
	{ "VALID", TABLE_RIGHT, 0 },
	{ "ERRORS", TABLE_RIGHT, 0 },
	{ "BOUNCED", TABLE_RIGHT, 0 },
	{ "SPAM", TABLE_RIGHT, 0 },
};
#define DAY_COLUMNS (sizeof(day_columns) / sizeof(day_columns[0]))

static void
put_day(struct stats *s, struct table *table, struct slice date,
    const struct series_count *c)
{
	const uint64_t numbers[DAY_COLUMNS] = { 0, c->queued, c->succeeded,
		c->failed, c->suppressed, statistics_valid(c), 0, c->bounced,
		c->complained };
	struct table_cell cells[DAY_COLUMNS] = { { date, COLOUR_NONE } };
	char text[DAY_COLUMNS][32];

	if (table == NULL) {
		if (s->csv)
			(void)statistics_csv(date, c, &s->line);
		else if (statistics_json(date, c, &s->line) == 0)
			(void)buf_add_char(&s->line, '\n');
		stats_put_line(s);
		return;
	}
	for (size_t i = 1; i < DAY_COLUMNS; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%" PRIu64,
		    numbers[i]);
		cells[i].text = slice_of(text[i]);
		cells[i].colour = numbers[i] == 0 ? COLOUR_DIM : COLOUR_NONE;
	}
	(void)snprintf(text[6], sizeof(text[6]), "%.2f%%",
	    statistics_error_rate(c) * 100);
	cells[6].text = slice_of(text[6]);
	(void)table_add(table, cells);
}

struct days {
	struct stats *stats;
	struct statistics_query query;
};

static void
on_days(int rc, const struct series_count *days, size_t count, void *ctx)
{
	struct days *d = ctx;
	struct stats *s = d->stats;
	static struct series_count sum;
	struct table *table = NULL;
	char room[STATISTICS_DATE_MAX];

	s->rc = rc;
	s->over = true;
	if (rc < 0)
		return;
	if (s->csv) {
		(void)statistics_csv_titles(&s->line);
		stats_put_line(s);
	} else if (!s->json) {
		table = table_new(day_columns, DAY_COLUMNS, &s->screen,
		    table_to_stdout, NULL);
	}
	for (size_t i = 0; i < count; i++) {
		statistics_add(&sum, &days[i]);
		if (!s->total)
			put_day(s, table,
			    statistics_date(d->query.first_day + (int64_t)i,
				room),
			    &days[i]);
	}
	/* The table ends with it; other programs ask. */
	if (s->total || table != NULL)
		put_day(s, table, SLICE("total"), &sum);
	table_free(table);
}

static int
run_days(struct stats *s, struct cli_store *store)
{
	int64_t today = report_time_day_of(s->now_ms, s->zone);
	struct civil now = civil_of(today);
	struct days d = { .stats = s };

	d.query = (struct statistics_query){
		.tenant = s->tenant,
		.unit = s->unit,
		.name = s->name,
		.zone = s->zone,
		.first_day = s->has_from
				 ? report_time_day_of(s->from_ms, s->zone)
				 : civil_days(now.year, now.month, 1),
		.last_day = report_time_day_of(s->to_ms, s->zone),
	};
	statistics_read(store->store, &d.query,
	    clock_deadline_ms(STATS_WAIT_MS), on_days, &d);
	cli_store_wait(store, &s->over);
	return s->rc;
}

/* ---- series ---- */

struct series {
	struct stats *stats;
	struct series_query query;
};

/* One plot after the other, all with the same time below. */
static void
put_plots(const struct series *p, const struct series_count *points,
    size_t count)
{
	static const struct {
		const char *name;
		size_t offset;
		enum table_colour colour;
	} lines[] = {
		{ "queued", offsetof(struct series_count, queued),
		    COLOUR_NONE },
		{ "succeeded", offsetof(struct series_count, succeeded),
		    COLOUR_GOOD },
		{ "failed", offsetof(struct series_count, failed), COLOUR_BAD },
		{ "deferred", offsetof(struct series_count, deferred),
		    COLOUR_WARN },
	};
	const struct stats *s = p->stats;
	uint64_t *values = calloc(count + 1, sizeof(*values));
	struct plot plot = { .screen = &s->screen,
		.points = values,
		.count = count,
		.height = PLOT_HEIGHT };

	for (size_t l = 0; values != NULL && l < 4; l++) {
		uint64_t sum = 0, top = 0;

		for (size_t i = 0; i < count; i++) {
			const char *at = (const char *)&points[i];

			memcpy(&values[i], at + lines[l].offset,
			    sizeof(values[i]));
			sum += values[i];
			top = values[i] > top ? values[i] : top;
		}
		(void)printf("%s: %" PRIu64 ", at most %" PRIu64 " in %u min\n",
		    lines[l].name, sum, top, p->query.step);
		plot.colour = lines[l].colour;
		plot_bars(&plot, table_to_stdout, NULL);
		plot_axis(&plot, p->query.from_ms, p->query.step, s->zone,
		    table_to_stdout, NULL);
	}
	free(values);
}

static void
on_series(int rc, const struct series_count *points, size_t count, void *ctx)
{
	struct series *p = ctx;
	struct stats *s = p->stats;
	char time[REPORT_TIME_MAX];

	s->rc = rc;
	s->over = true;
	if (rc < 0)
		return;
	if (!s->json && !s->csv) {
		put_plots(p, points, count);
		return;
	}
	if (s->csv)
		(void)series_point_csv_titles(&s->line);
	for (size_t i = 0; i < count; i++) {
		int64_t at_ms = p->query.from_ms +
				(int64_t)i * p->query.step * STATS_MINUTE_MS;
		struct slice text = { time,
			report_time_format_full(at_ms, s->zone, time) };

		if (s->csv)
			(void)series_point_csv(text, &points[i], &s->line);
		else if (series_point_json(at_ms, &points[i], &s->line) == 0)
			(void)buf_add_char(&s->line, '\n');
		stats_put_line(s);
	}
}

static int
run_series(struct stats *s, struct cli_store *store)
{
	struct series p = { .stats = s, .query = stats_series_of(s, 60) };
	unsigned columns = s->screen.width > 0 ? s->screen.width : PLOT_COLUMNS;

	if (p.query.minutes > SERIES_MINUTES_MAX)
		return ERR_LIMIT;
	p.query.step = s->step;
	if (s->step == 0)
		p.query.step = s->json || s->csv ? 1
						 : plot_step(p.query.minutes,
						       columns - PLOT_LABEL);
	series_read(store->store, &p.query, clock_deadline_ms(STATS_WAIT_MS),
	    on_series, &p);
	cli_store_wait(store, &s->over);
	return s->rc;
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	struct stats s = { .tenant = SLICE(SETTINGS_DEFAULT_TENANT),
		.now_ms = clock_wall_us() / 1000 };
	struct cli_store store = { .base = NULL };
	const struct host_config *config;
	int rc = take_options(&s, argc, argv);

	if (rc != 0)
		return rc;
	s.screen = screen_look();
	if ((config = cli_config(cli)) == NULL)
		return EX_CONFIG;
	if ((rc = cli_store_open(config, &store)) < 0)
		return cli_exit(rc);
	buf_init(&s.line, LINE_MAX_OCTETS);
	rc = s.what == STATS_DAYS     ? run_days(&s, &store)
	     : s.what == STATS_SERIES ? run_series(&s, &store)
				      : stats_shares(&s, &store);
	buf_done(&s.line);
	cli_store_close(&store);
	if (rc < 0)
		cli_error("%s", rc == ERR_LIMIT
				    ? "too long: at most 400 days, or 41 days "
				      "of minutes"
				    : err_text(rc));
	return cli_exit(rc);
}

const struct command command_stats = {
	.name = "stats",
	.summary = "how much was sent and failed: days, plots, shares",
	.usage = usage_text,
	.run = run,
};
