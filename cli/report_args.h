/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_REPORT_ARGS_H
#define CLI_REPORT_ARGS_H

#include "cli/screen.h"
#include "proto/address.h"
#include "proto/report.h"
#include "store/event_store.h"

/*
 * The options that the reports' commands share, made a query.
 */
enum report_format { REPORT_TABLE, REPORT_JSON, REPORT_CSV };

struct report_args {
	enum report_kind kind;
	struct event_query query; /* tenant, times, parts, types, order */
	struct report_match match;
	const struct zone *zone;
	struct screen screen;
	enum report_format format;
	uint64_t limit; /* of rows; 0: none */
	bool follow;
	const char *by; /* sums in place of rows: "class", ...; NULL: rows */
	int64_t now_ms;
	bool exact, part; /* what is asked of texts */
	char to_room[ADDRESS_MAX], from_room[ADDRESS_MAX];
};

/*
 * kind     which options there are, and what is looked for
 * Wrong values are told on stderr.  0 or EX_USAGE.
 */
int report_args_parse(struct report_args *a, enum report_kind kind, int argc,
    char *argv[]);

/*
 * "a@b.example" is an address, to be found whole by the index; "*a@b.example"
 * (a star at either end), "a@b" and "b.example" are parts of one.
 */
bool report_is_address(struct slice text, char room[ADDRESS_MAX],
    struct slice *ret_address);
/* Without the stars at its ends. */
struct slice report_part(struct slice text);

#endif /* CLI_REPORT_ARGS_H */
