/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_REPORT_SCAN_H
#define CLI_REPORT_SCAN_H

#include "cli/report_args.h"

/*
 * All rows of a query, page by page, in bounded memory; how far it has come is
 * shown on stderr when that takes long and a person looks at it.
 */
struct cli_store;

/* 0 or ERR_*; ERR_IO: nobody reads our output any more. */
int report_scan(struct cli_store *s, const struct report_args *a,
    event_row *row, void *ctx);
/* Rows as they come, from now on, until interrupted; ERR_*. */
int report_follow(struct cli_store *s, const struct report_args *a,
    event_row *row, void *ctx);
/* Whether an event is one that the query asks for. */
bool report_asks_for(const struct report_args *a, const struct event *e);

#endif /* CLI_REPORT_SCAN_H */
