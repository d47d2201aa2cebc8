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
	SANDBOX_NONE
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

	int (*open)(const struct host_config *config);
	int (*start)(const struct host_config *config, struct event_base *base);
	/* SIGHUP, new file is good.  < 0: the old configuration stays. */
	int (*reload)(const struct host_config *config);
	/* NULL: the libevent loop in this thread.  Else this runs, and the
	 * loop has a thread of its own; service_stopping() says when. */
	int (*run)(void);
	/* Stop accepting; returns clients still being served.  Called again
	 * every 100 ms until 0 or drain_timeout. */
	unsigned (*drain)(void);
	void (*stop)(void);  /* undoes start and open */
	void (*state)(void); /* SIGUSR1: counters and state to the log */
};

/* Returns the exit status, from sysexits.h. */
int service_main(const struct service *svc, int argc, char *argv[]);

/* Ends the loop as SIGTERM does; any thread. */
void service_terminate(void);

#endif /* SERVICE_SERVICE_H */
