/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of commands: one row each, in the order of "postern help". */
#include <stddef.h>

#include "cli/command.h"
#include "cli/commands.h"

const struct command *const commands[] = {
	&command_help,
	&command_init,
	&command_settings,
	&command_keys,
	&command_smime,
	&command_postfix,
	&command_doctor,
	&command_blocks,
	&command_quarantine,
	&command_held,
	&command_limits,
	&command_shaping,
	&command_classify,
	&command_filter,
	&command_trace,
	&command_deliveries,
	&command_bounces,
	&command_stats,
	&command_metrics,
	NULL,
};
