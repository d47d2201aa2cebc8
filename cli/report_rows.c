/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of a report on standard output: a table, JSON lines or CSV. */
#include "cli/report_rows.h"

#include <stdio.h>
#include <sysexits.h>

#include "cli/cli_store.h"
#include "cli/command.h"
#include "cli/report_scan.h"
#include "proto/csv.h"
#include "util/err.h"

#define LINE_MAX_OCTETS ((size_t)128 * 1024)

/* Lists of the console have these; the rest is in --json and --csv. */
static const struct table_column delivery_columns[] = {
	{ "TIME", TABLE_LEFT, 0 },
	{ "STATUS", TABLE_LEFT, 0 },
	{ "TO", TABLE_LEFT, 16 },
	{ "SUBJECT", TABLE_LEFT, 10 },
	{ "QUEUE ID", TABLE_LEFT, 0 },
	{ "REASON", TABLE_LEFT, 10 },
};
static const struct table_column bounce_columns[] = {
	{ "TIME", TABLE_LEFT, 0 },
	{ "ERR", TABLE_RIGHT, 0 },
	{ "CLASS", TABLE_LEFT, 0 },
	{ "FAULT", TABLE_LEFT, 0 },
	{ "TO", TABLE_LEFT, 16 },
	{ "SUBJECT", TABLE_LEFT, 8 },
	{ "REASON", TABLE_LEFT, 12 },
};
#define COLUMNS(list) (sizeof(list) / sizeof(list[0]))

static enum table_colour
colour_of(const struct event *e)
{
	if (e->type == EVENT_SUCCEEDED)
		return COLOUR_GOOD;
	if (e->type == EVENT_DEFERRED)
		return COLOUR_WARN;
	return e->type == EVENT_QUEUED ? COLOUR_NONE : COLOUR_BAD;
}

static void
put_delivery(struct report_rows *r, const struct event *e)
{
	const struct report_args *a = r->args;
	char time[REPORT_TIME_MAX];
	const struct table_cell cells[COLUMNS(delivery_columns)] = {
		{ { time, report_time_format(e->created_ms, a->zone, time) },
		    COLOUR_NONE },
		{ slice_of(event_type_word(e->type)), colour_of(e) },
		{ e->recipient, COLOUR_NONE },
		{ e->subject, COLOUR_NONE },
		{ e->queue_id, COLOUR_DIM },
		{ e->reason, COLOUR_NONE },
	};

	(void)table_add(r->table, cells);
}

static void
put_bounce(struct report_rows *r, const struct event *e)
{
	const struct report_args *a = r->args;
	char time[REPORT_TIME_MAX], status[REPORT_CELL_MAX];
	const struct table_cell cells[COLUMNS(bounce_columns)] = {
		{ { time, report_time_format(e->created_ms, a->zone, time) },
		    COLOUR_NONE },
		{ report_cell(e, COLUMN_STATUS, a->zone, status), COLOUR_BAD },
		{ report_cell(e, COLUMN_CLASS, a->zone, NULL), COLOUR_NONE },
		{ report_cell(e, COLUMN_FAULT, a->zone, NULL), COLOUR_NONE },
		{ e->recipient, COLOUR_NONE },
		{ e->subject, COLOUR_NONE },
		{ e->reason, COLOUR_NONE },
	};

	(void)table_add(r->table, cells);
}

static void
put_csv(struct report_rows *r, const struct event *e)
{
	(void)report_csv(r->args->kind, e, r->args->zone, &r->line);
}

void
report_rows_put(const struct event *e, void *ctx)
{
	struct report_rows *r = ctx;

	r->count++;
	if (r->table != NULL) {
		if (r->args->kind == REPORT_DELIVERIES)
			put_delivery(r, e);
		else
			put_bounce(r, e);
		if (r->args->follow)
			table_flush(r->table);
		return;
	}
	buf_clear(&r->line);
	if (r->args->format == REPORT_CSV)
		put_csv(r, e);
	else if (report_json(r->args->kind, e, &r->line) == 0)
		(void)buf_add_char(&r->line, '\n');
	(void)fwrite(r->line.at, 1, r->line.len, stdout);
}

int
report_rows_begin(struct report_rows *r, const struct report_args *a)
{
	bool deliveries = a->kind == REPORT_DELIVERIES;

	*r = (struct report_rows){ .args = a };
	buf_init(&r->line, LINE_MAX_OCTETS);
	if (a->format == REPORT_CSV) {
		(void)report_csv_titles(a->kind, &r->line);
		(void)fwrite(r->line.at, 1, r->line.len, stdout);
	}
	if (a->format != REPORT_TABLE)
		return 0;
	r->table = deliveries
		       ? table_new(delivery_columns, COLUMNS(delivery_columns),
			     &a->screen, table_to_stdout, NULL)
		       : table_new(bounce_columns, COLUMNS(bounce_columns),
			     &a->screen, table_to_stdout, NULL);
	return r->table != NULL ? 0 : ERR_NOMEM;
}

void
report_rows_end(struct report_rows *r)
{
	table_free(r->table);
	buf_done(&r->line);
}

int
report_with_store(struct cli *cli, const struct report_args *a, report_run *run,
    void *ctx)
{
	const struct host_config *config = cli_config(cli);
	struct cli_store s = { .base = NULL };
	int rc;

	if (config == NULL)
		return EX_CONFIG;
	if ((rc = cli_store_open(config, &s)) < 0)
		return cli_exit(rc);
	rc = run(&s, a, ctx);
	cli_store_close(&s);
	/* A pager that was left is no error. */
	if (rc < 0 && ferror(stdout) == 0)
		cli_error("%s", err_text(rc));
	return cli_exit(rc);
}

static int
list(struct cli_store *s, const struct report_args *a, void *ctx)
{
	struct report_rows r;
	int rc = report_rows_begin(&r, a);

	(void)ctx;
	if (rc == 0)
		rc = a->follow ? report_follow(s, a, report_rows_put, &r)
			       : report_scan(s, a, report_rows_put, &r);
	report_rows_end(&r);
	if (rc == 0 && r.count == 0 && a->format == REPORT_TABLE)
		(void)fputs("nothing found\n", stderr);
	return rc;
}

int
report_rows_run(struct cli *cli, const struct report_args *a)
{
	return report_with_store(cli, a, list, NULL);
}
