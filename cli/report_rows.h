/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_REPORT_ROWS_H
#define CLI_REPORT_ROWS_H

#include "cli/report_args.h"
#include "cli/table.h"
#include "util/buf.h"

/* Rows of a report on standard output: a table, JSON lines or CSV. */
struct report_rows {
	const struct report_args *args;
	struct table *table; /* NULL: JSON or CSV */
	struct buf line;
	uint64_t count;
};

/* ERR_NOMEM. */
int report_rows_begin(struct report_rows *r, const struct report_args *a);
/* An event_row: ctx is the struct report_rows. */
void report_rows_put(const struct event *e, void *ctx);
void report_rows_end(struct report_rows *r);

/* The whole of "postern deliveries" and "postern bounces", without sums: 0 or
 * an exit status. */
struct cli;
int report_rows_run(struct cli *cli, const struct report_args *a);
/* Opens the store for a report, runs it, and tells what went wrong. */
struct cli_store;
typedef int report_run(struct cli_store *s, const struct report_args *a,
    void *ctx);
int report_with_store(struct cli *cli, const struct report_args *a,
    report_run *run, void *ctx);

#endif /* CLI_REPORT_ROWS_H */
