/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

/* One for each cmd_NAME.c. */
extern const struct command command_blocks;
extern const struct command command_bounces;
extern const struct command command_classify;
extern const struct command command_deliveries;
extern const struct command command_doctor;
extern const struct command command_filter;
extern const struct command command_held;
extern const struct command command_help;
extern const struct command command_init;
extern const struct command command_keys;
extern const struct command command_limits;
extern const struct command command_metrics;
extern const struct command command_postfix;
extern const struct command command_quarantine;
extern const struct command command_settings;
extern const struct command command_shaping;
extern const struct command command_smime;
extern const struct command command_stats;
extern const struct command command_trace;

#endif /* CLI_COMMANDS_H */
