/* SPDX-License-Identifier: BSD-2-Clause */
/* postern: the administrator's command. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/command.h"
#include "service/host_config.h"

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const struct command *
find(const char *name)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int
usage(const struct command *command)
{
	if (command == NULL) {
		(void)fputs("usage: postern [-f FILE] COMMAND ...\n"
			    "Try \"postern help\".\n",
		    stderr);
		return EX_USAGE;
	}
	(void)fprintf(stderr, "Try \"postern help %s\".\n", command->name);
	return EX_USAGE;
}

static int
run(struct cli *cli, int argc, char *argv[])
{
	const struct command *command = find(argv[0]);
	int status;

	if (command == NULL) {
		cli_error("no command \"%s\"", argv[0]);
		return usage(NULL);
	}
	if (argc == 2 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		char *words[] = { (char[]){ "help" }, argv[0], NULL };

		command = find(words[0]);
		return command->run(cli, 2, words);
	}
	optind = 0; /* glibc: the command may use getopt anew */
	status = command->run(cli, argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		cli_error("standard output: can not be written");
		status = EX_IOERR;
	}
	return status == EX_USAGE ? usage(command) : status;
}

int
main(int argc, char *argv[])
{
	struct cli cli = { .config_file = HOST_CONFIG_FILE };
	int c, status;

	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	while (
	    (c = getopt_long(argc, argv, "+f:hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'f':
			cli.config_file = optarg;
			break;
		case 'V':
			(void)puts("postern " VERSION_TEXT);
			return EX_OK;
		case 'h':
			return run(&cli, 1,
			    (char *[]){ (char[]){ "help" }, NULL });
		default:
			return usage(NULL);
		}
	}
	if (optind >= argc)
		return usage(NULL);
	status = run(&cli, argc - optind, argv + optind);
	cli_done();
	return status;
}
