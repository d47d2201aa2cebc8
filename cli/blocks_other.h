/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_BLOCKS_OTHER_H
#define CLI_BLOCKS_OTHER_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli_store.h"
#include "proto/settings.h"
#include "util/slice.h"

/*
 * What of "postern blocks" is not about one address: outbreaks, releasing
 * many, trying a condition.
 */
struct cli;
struct host_config;

/* -1: the verb is none of these. */
int blocks_other(struct cli *cli, int argc, char *argv[]);
/* Lines of the usage, for command_blocks. */
#define BLOCKS_OTHER_USAGE \
	"[-t TENANT] outbreaks [--json]\n" \
	"[-t TENANT] outbreaks release ID\n" \
	"[-t TENANT] lift [--status N] [--origin WORD] [--from TIME] " \
	"[--to TIME] [--dry-run] [--yes]\n" \
	"[-t TENANT] would --status N|--complaints --count N [--days N] " \
	"[--once-per-day] [--forget-days N] [--watch-days N] " \
	"[--lift-on-success] [--any-fault] [--json]"

struct blocks_other {
	const struct host_config *config;
	struct cli_store store;
	struct slice tenant;
	const char *words[3];
	int word_count;
	/* options */
	bool json, dry_run, yes, complaints;
	int status; /* -1: not given */
	struct slice origin;
	int64_t from_s, to_s;
	unsigned days;
	bool any_fault;                      /* given */
	struct blocking_condition condition; /* of would */
	/* of the callbacks */
	bool over;
	int rc;
};
/* Waits until a callback has set over; what it left in rc. */
int blocks_other_wait(struct blocks_other *b);

int blocks_outbreaks(struct blocks_other *b);
int blocks_lift(struct blocks_other *b);
int blocks_would(struct blocks_other *b);

#endif /* CLI_BLOCKS_OTHER_H */
