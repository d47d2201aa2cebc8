/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

/*
 * The postern program: "postern [-f FILE] COMMAND ...".  A command is a file
 * cmd_NAME.c with one struct command, and a row in commands.c.
 */
struct host_config;

struct cli {
	const char *config_file; /* -f, or the default */
};

struct command {
	const char *name;
	const char *summary; /* one line for "postern help" */
	const char *usage;   /* what stands behind the name; lines for more */
	/* argv[0] is the command's name.  Returns an exit status of
	 * sysexits.h; EX_USAGE makes main print the usage. */
	int (*run)(struct cli *cli, int argc, char *argv[]);
};

/* All commands, in the order of "postern help"; the last one is NULL. */
extern const struct command *const commands[];

/*
 * The host's configuration, loaded at the first call; its errors go to
 * stderr, and then the result is NULL: return EX_CONFIG.
 */
const struct host_config *cli_config(struct cli *cli);
void cli_done(void);

/* "postern: text" to stderr. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The exit status that says the same as an ERR_* code (0: EX_OK). */
int cli_exit(int rc);

#endif /* CLI_COMMAND_H */
