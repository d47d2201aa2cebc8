/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "service/host_config.h"

struct event_base;

/* Which system calls and files a daemon still needs once it serves. */
enum sandbox_role {
	SANDBOX_MILTER,
	SANDBOX_POLICYD,
	SANDBOX_BOUNCED,
	SANDBOX_APID,
	SANDBOX_SCAN,         /* postern-scan: makes processes, */
	SANDBOX_SCAN_ENGINE,  /* which read files, */
	SANDBOX_SCAN_WORKER,  /* and make others, which make none */
	SANDBOX_QUEUE_HELPER, /* runs Postfix's commands */
	SANDBOX_NONE
};

/* "-x WORD" beside "-x params": what a lower layer knows about itself. */
struct service_print {
	const char *word; /* "keys", "acl"; NULL ends the table */
	void (*print)(FILE *out);
};

/*
 * What one daemon tells the skeleton about itself.  service_main() does the
 * rest, in this order, the same in all four: options, log, configuration,
 * open() - still privileged: bind sockets, read keys - then user, limits,
 * sandbox, start() - from here on untrusted octets may come in - "READY=1",
 * the loop, drain() on SIGTERM with a deadline, stop().
 *
 * config stays valid until reload() has returned 0 for a newer one.
 */
struct service {
	const char *name;    /* "policyd": program postern-policyd, log tag */
	const char *summary; /* one line for --help and the manual */
	enum sandbox_role role;
	/* Whom to become; NULL: the parameter user. */
	const char *(*user)(const struct host_config *config);

	int (*open)(const struct host_config *config);
	int (*start)(const struct host_config *config, struct event_base *base);
	/* SIGHUP, new file is good.  < 0: the old configuration stays. */
	int (*reload)(const struct host_config *config);
	/*
	 * NULL: there is the event loop only.  Else this runs, too, in a thread
	 * of its own (libmilter), started after start() and joined before
	 * stop().  It has to return once drain() was called; when it returns
	 * before that, the daemon ends with an error.  Signals are always
	 * handled on the loop, which is the main thread; sigwait(3) never
	 * returns in a service, so that libmilter's signal thread, which would
	 * end it at SIGHUP, does not get them.
	 */
	int (*run)(void);
	/* Stop accepting; returns clients still being served.  Called again
	 * every 100 ms until 0 or drain_timeout.  NULL: nothing to wait for. */
	unsigned (*drain)(void);
	/* Undoes start and open, as far as they came before one failed. */
	void (*stop)(void);
	void (*state)(void); /* SIGUSR1: counters and state to the log */
	const struct service_print *prints; /* NULL: none */
};

/*
 * Returns the exit status, from sysexits.h.  open, start and reload say in the
 * log what went wrong; any of the functions may be NULL.
 */
int service_main(const struct service *svc, int argc, char *argv[]);

/* Ends the loop as SIGTERM does; any thread, from start() on. */
void service_terminate(void);
/*
 * The same because of a failure, so that the service manager starts the daemon
 * again: its exit status is EX_SOFTWARE.  The caller has logged why.
 */
void service_fail(void);
/* Whether the end has begun; any thread. */
bool service_stopping(void);

#endif /* SERVICE_SERVICE_H */
