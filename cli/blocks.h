/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_BLOCKS_H
#define CLI_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli_store.h"
#include "proto/address.h"
#include "proto/block_import.h"
#include "util/slice.h"

struct block;
enum export_format { EXPORT_CSV, EXPORT_JSON, EXPORT_SES };

struct blocks_run;
typedef void blocks_print(const struct blocks_run *r, struct slice address,
    const struct block *b);

/* One run of "postern blocks", and what its callbacks leave. */
struct blocks_run {
	struct cli_store store;
	const struct host_config *config;
	struct slice tenant, note, contains, stream; /* absent: not given */
	int64_t expires_s;                           /* as in block_put */
	/* import, export */
	const char *file, *report;
	enum import_format format;
	enum export_format export;
	bool dry_run, events, any_fault;
	char room[ADDRESS_MAX];
	struct slice address;
	blocks_print *print;
	bool over, changed, json, exempt;
	int gone_status; /* of the block that was lifted */
	uint64_t gone_count;
	int rc;
	char cursor[4096];
	size_t cursor_len;
};

/* Until a callback has set over; its rc. */
int blocks_wait(struct blocks_run *r);
/* Every entry of the list to print(), in the order of pages. */
int blocks_each(struct blocks_run *r, blocks_print *print);
/* One entry of the audit log. */
int blocks_audit(struct blocks_run *r, const char *action, struct slice target,
    struct slice detail);

/* The verbs with a file of their own. */
int blocks_import(struct blocks_run *r);
int blocks_export(struct blocks_run *r);

#endif /* CLI_BLOCKS_H */
