/* SPDX-License-Identifier: BSD-2-Clause */
/* postern deliveries: the delivery log. */
#include "cli/commands.h"
#include "cli/report_rows.h"

static int
run(struct cli *cli, int argc, char *argv[])
{
	struct report_args a;
	int status = report_args_parse(&a, REPORT_DELIVERIES, argc, argv);

	return status != 0 ? status : report_rows_run(cli, &a);
}

const struct command command_deliveries = {
	.name = "deliveries",
	.summary = "the delivery log: what happened to which mail",
	.usage = "[-t TENANT] [--to TEXT] [--from TEXT] [--subject TEXT]\n"
		 "[--api-data TEXT] [--message-id ID] [--queue-id ID]\n"
		 "[--status STATUS,...] [--class CLASS] [--fault FAULT]\n"
		 "[--domain DOMAIN] [--exact | --part]\n"
		 "[--since TIME] [--until TIME]\n"
		 "[--day DAY] [--hour N [--minute N]]\n"
		 "[--oldest] [-n LIMIT] [--utc] [--json | --csv] [--follow]",
	.run = run,
};
