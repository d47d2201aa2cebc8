/* SPDX-License-Identifier: BSD-2-Clause */
/* postern doctor: is everything there that mail needs, and does it work? */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/doctor.h"

#define ARENA_MAX ((size_t)32 * 1024 * 1024)

static void (*const checks[])(struct doctor *d) = {
	doctor_master_key,
	doctor_redis,
	doctor_sockets,
	doctor_postfix,
	doctor_queue_helper,
	doctor_maillog,
	doctor_held,
	doctor_outbreaks,
	doctor_dkim,
};

void
doctor_report(struct doctor *d, enum health health, const char *remedy,
    const char *format, ...)
{
	static const char *const words[] = {
		[HEALTH_OK] = "OK",
		[HEALTH_WARN] = "WARN",
		[HEALTH_FAIL] = "FAIL",
	};
	va_list ap;

	d->seen[health]++;
	(void)printf("%-5s ", words[health]);
	va_start(ap, format);
	(void)vprintf(format, ap);
	va_end(ap);
	if (remedy != NULL)
		(void)printf("\n      -> %s", remedy);
	(void)putchar('\n');
	(void)fflush(stdout);
}

static int
doctor_run(struct cli *cli, int argc, char *argv[])
{
	struct doctor d = { .cli = cli };

	if (argc == 3 && strcmp(argv[1], "-s") == 0)
		d.dns_servers = argv[2];
	else if (argc != 1)
		return EX_USAGE;
	d.config = cli_config(cli);
	if (d.config == NULL)
		return EX_CONFIG;
	doctor_report(&d, HEALTH_OK, NULL, "configuration: %s",
	    cli->config_file);
	d.arena = arena_new(ARENA_MAX);
	if (d.arena == NULL)
		return EX_OSERR;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&d);
	arena_free(d.arena);
	(void)printf("%u well, %u to look at, %u broken\n", d.seen[HEALTH_OK],
	    d.seen[HEALTH_WARN], d.seen[HEALTH_FAIL]);
	return d.seen[HEALTH_FAIL] > 0 ? 1 : 0;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "check this host, and say what to do where it is not well",
	.usage = "[-s DNS-SERVER]",
	.run = doctor_run,
};
