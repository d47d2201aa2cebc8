/* SPDX-License-Identifier: BSD-2-Clause */
/* What all commands use: configuration, messages, exit statuses. */
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "cli/command.h"
#include "service/host_config.h"
#include "util/err.h"

static struct host_config *config;

static void
config_error(void *ctx, const char *text)
{
	(void)ctx;
	cli_error("%s", text);
}

const struct host_config *
cli_config(struct cli *cli)
{
	if (config == NULL &&
	    host_config_load(cli->config_file, config_error, NULL, &config) < 0)
		return NULL;
	return config;
}

void
cli_done(void)
{
	host_config_free(config);
	config = NULL;
}

void
cli_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)fputs("postern: ", stderr);
	(void)vfprintf(stderr, format, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}

int
cli_exit(int rc)
{
	if (rc >= 0)
		return EX_OK;
	switch ((enum err)rc) {
	case ERR_NOMEM:
		return EX_OSERR;
	case ERR_SYNTAX:
	case ERR_LIMIT:
	case ERR_CRYPTO:
		return EX_DATAERR;
	case ERR_TIMEOUT:
	case ERR_CONFLICT:
	case ERR_CANCELED:
		return EX_TEMPFAIL;
	case ERR_UNAVAIL:
		return EX_UNAVAILABLE;
	case ERR_NOTFOUND:
		return EX_NOINPUT;
	case ERR_CONFIG:
		return EX_CONFIG;
	case ERR_IO:
		return EX_IOERR;
	case ERR_DENIED:
		return EX_NOPERM;
	}
	return EX_SOFTWARE;
}
