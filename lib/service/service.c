/* SPDX-License-Identifier: BSD-2-Clause */
/* The skeleton of a daemon: what all of them do, in the order they do it. */
#include "service/service.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "service/notify.h"
#include "service/privilege.h"
#include "service/sandbox.h"
#include "service/service_loop.h"
#include "util/err.h"
#include "util/log.h"

enum action {
	SERVE,
	TEST,
	PRINT_CONFIG,
	PRINT_TABLE,
	PRINT_HELP,
	PRINT_VERSION,
	BAD_USAGE
};

struct options {
	enum action action;
	const char *file, *table;
	bool foreground, daemonize, verbose;
};

static const struct option long_options[] = {
	{ "check-config", no_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static void
print_help(const struct service *svc, FILE *out)
{
	fprintf(out,
	    "postern-%s: %s\n"
	    "usage: postern-%s [-dFv] [-f FILE] [-n | -t | -V | -x TABLE]\n"
	    "  -d        go into the background when the sockets are open\n"
	    "  -F        log to standard error unless log_target is set\n"
	    "  -f FILE   configuration, instead of\n"
	    "            %s\n"
	    "  -n        print the parameters that are not at their default\n"
	    "  -t        test the configuration: print all errors; 0 or 78\n"
	    "  -V        print the version\n"
	    "  -v        log everything\n"
	    "  -x TABLE  print a table for manuals and set-up: params",
	    svc->name, svc->summary, svc->name, HOST_CONFIG_FILE);
	for (const struct service_print *p = svc->prints;
	     p != NULL && p->word != NULL; p++)
		fprintf(out, ", %s", p->word);
	fprintf(out, "\n");
}

static void
parse_options(int argc, char *argv[], struct options *ret_options)
{
	struct options o = { .action = SERVE };
	int c;

	while ((c = getopt_long(argc, argv, "dFf:hntVvx:", long_options,
		    NULL)) != -1)
		switch (c) {
		case 'd':
			o.daemonize = true;
			break;
		case 'F':
			o.foreground = true;
			break;
		case 'f':
			o.file = optarg;
			break;
		case 'h':
			o.action = PRINT_HELP;
			break;
		case 'n':
			o.action = PRINT_CONFIG;
			break;
		case 't':
			o.action = TEST;
			break;
		case 'V':
			o.action = PRINT_VERSION;
			break;
		case 'v':
			o.verbose = true;
			break;
		case 'x':
			o.action = PRINT_TABLE;
			o.table = optarg;
			break;
		default:
			o.action = BAD_USAGE;
			break;
		}
	if (optind < argc)
		o.action = BAD_USAGE;
	*ret_options = o;
}

static int
print_table(const struct service *svc, const char *word)
{
	if (strcmp(word, "params") == 0) {
		param_print_mdoc(host_params, stdout);
		return EX_OK;
	}
	for (const struct service_print *p = svc->prints;
	     p != NULL && p->word != NULL; p++)
		if (strcmp(word, p->word) == 0) {
			p->print(stdout);
			return EX_OK;
		}
	fprintf(stderr, "postern-%s: -x %s: no such table\n", svc->name, word);
	return EX_USAGE;
}

static void
on_config_error(void *ctx, const char *text)
{
	const struct service *svc = ctx;

	if (svc != NULL) /* somebody reads the terminal */
		fprintf(stderr, "postern-%s: %s\n", svc->name, text);
	else
		log_error("%s", text);
}

static int
exit_status(int rc)
{
	switch (rc) {
	case 0:
		return EX_OK;
	case ERR_CONFIG:
	case ERR_NOTFOUND:
	case ERR_SYNTAX:
	case ERR_LIMIT:
		return EX_CONFIG;
	case ERR_DENIED:
		return EX_NOPERM;
	case ERR_CONFLICT:
	case ERR_UNAVAIL:
	case ERR_TIMEOUT:
		return EX_UNAVAILABLE;
	case ERR_CANCELED:
		return EX_SOFTWARE;
	default:
		return EX_OSERR;
	}
}

/* The last privileged steps, and those that give up the privileges. */
static int
open_and_drop(struct service_process *proc, bool daemonize)
{
	const struct service *svc = proc->svc;
	const struct host_config *config = proc->config;
	const char *user = svc->user != NULL ? svc->user(config) : config->user;
	char error[300];
	int rc;

	if (svc->open != NULL && (rc = svc->open(config)) < 0)
		return rc;
	/* Whatever can be wrong in the set-up was told on the terminal. */
	if (daemonize && daemon(0, 0) < 0)
		return ERR_IO;
	notify_open();
	if ((rc = privilege_drop(user, error, sizeof(error))) < 0) {
		log_error("%s", error);
		return rc;
	}
	if (!config->sandbox)
		log_warning("sandbox: off");
	else if ((rc = sandbox_enter(svc->role)) < 0)
		log_error("sandbox: %s", err_text(rc));
	return rc;
}

static int
serve(struct service_process *proc, bool daemonize)
{
	const struct service *svc = proc->svc;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	if ((rc = open_and_drop(proc, daemonize)) < 0)
		goto out;
	if (svc->run != NULL && evthread_use_pthreads() < 0) {
		rc = ERR_NOMEM;
		goto out;
	}
	if ((proc->base = event_base_new()) == NULL) {
		rc = ERR_NOMEM;
		goto out;
	}
	if (svc->start != NULL &&
	    (rc = svc->start(proc->config, proc->base)) < 0)
		goto out;
	rc = service_loop(proc);
	if (rc == ERR_TIMEOUT) {
		/* Threads still use what stop() would free. */
		log_warning("ended with work left over");
		_exit(EX_OK);
	}
out:
	if (rc < 0 && rc != ERR_CANCELED)
		log_error("could not start: %s", err_text(rc));
	if (svc->stop != NULL)
		svc->stop();
	if (proc->base != NULL)
		event_base_free(proc->base);
	if (rc == 0)
		log_info("ended");
	notify_close();
	return exit_status(rc);
}

static int
with_config(const struct service *svc, const struct options *o)
{
	struct service_process proc = {
		.svc = svc,
		.path = o->file,
		.foreground = o->foreground,
		.verbose = o->verbose,
	};
	union { /* the callback's context is not const */
		const struct service *in;
		void *out;
	} ctx = { svc };
	int status = EX_OK;

	if (host_config_load(o->file, on_config_error, ctx.out, &proc.config) <
	    0)
		return EX_CONFIG;
	if (o->action == PRINT_CONFIG) {
		host_config_print(proc.config, HOST_CONFIG_NON_DEFAULT, stdout);
	} else if (o->action == SERVE) {
		if (service_log(&proc, proc.config) < 0) {
			fprintf(stderr,
			    "postern-%s: log_target: can not be opened\n",
			    svc->name);
			status = EX_CONFIG;
		} else {
			status = serve(&proc, o->daemonize);
		}
	}
	host_config_free(proc.config);
	return status;
}

int
service_main(const struct service *svc, int argc, char *argv[])
{
	struct options o;
	char whole[PATH_MAX];

	parse_options(argc, argv, &o);
	/* A relative path is meant from where we were started. */
	if (o.file != NULL && realpath(o.file, whole) != NULL)
		o.file = whole;
	privilege_clean_start();
	switch (o.action) {
	case SERVE:
	case TEST:
	case PRINT_CONFIG:
		return with_config(svc, &o);
	case PRINT_TABLE:
		return print_table(svc, o.table);
	case PRINT_HELP:
		print_help(svc, stdout);
		return EX_OK;
	case PRINT_VERSION:
		printf("postern-%s %s, sandbox: %s\n", svc->name, VERSION_TEXT,
		    sandbox_kind);
		return EX_OK;
	case BAD_USAGE:
		break;
	}
	print_help(svc, stderr);
	return EX_USAGE;
}
