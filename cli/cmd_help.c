/* SPDX-License-Identifier: BSD-2-Clause */
/* postern help: which commands there are, and how one is used. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "service/host_config.h"

static void
print_usage(const struct command *command)
{
	const char *line = command->usage;

	(void)printf("%s\n\n", command->summary);
	do {
		const char *end = strchrnul(line, '\n');

		(void)printf("%s postern %s %.*s\n",
		    line == command->usage ? "usage:" : "      ", command->name,
		    (int)(end - line), line);
		line = *end != '\0' ? end + 1 : NULL;
	} while (line != NULL);
}

static int
help_run(struct cli *cli, int argc, char *argv[])
{
	(void)cli;
	if (argc > 2)
		return EX_USAGE;
	if (argc < 2) {
		(void)printf("usage: postern [-f FILE] COMMAND ...\n"
			     "       postern COMMAND --help\n\n"
			     "  -f FILE    configuration, instead of\n"
			     "             %s\n"
			     "  -h         this text\n"
			     "  -V         the version\n\n",
		    HOST_CONFIG_FILE);
		for (size_t i = 0; commands[i] != NULL; i++)
			(void)printf("  %-10s %s\n", commands[i]->name,
			    commands[i]->summary);
		return EX_OK;
	}
	for (size_t i = 0; commands[i] != NULL; i++) {
		if (strcmp(commands[i]->name, argv[1]) != 0)
			continue;
		print_usage(commands[i]);
		return EX_OK;
	}
	cli_error("no command \"%s\"", argv[1]);
	return EX_USAGE;
}

const struct command command_help = {
	.name = "help",
	.summary = "list the commands, or show how one is used",
	.usage = "[COMMAND]",
	.run = help_run,
};
