/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_PART_H
#define POLICYD_PART_H

/*
 * A part of the daemon beside the access policy: the tables' server, SMTP
 * AUTH, the scheduler, ...  server.c runs them in the order of parts.c, and
 * stops them in the opposite one.  What parts share is in struct policyd.
 * Any function may be NULL.
 */
struct event_base;
struct host_config;
struct policyd;

struct policyd_part {
	const char *name;
	/* Privileged: sockets, the queue helper.  < 0: the daemon does not
	 * start; the log says why. */
	int (*open)(struct policyd *d, const struct host_config *config);
	/* Store and settings are there (maybe the last good ones). */
	int (*start)(struct policyd *d, const struct host_config *config,
	    struct event_base *base);
	/* SIGHUP with a good file; cannot fail. */
	void (*reload)(struct policyd *d, const struct host_config *config);
	/* A revision of the settings is in force. */
	void (*settings)(struct policyd *d);
	/* No new clients; how many are still served. */
	unsigned (*drain)(struct policyd *d);
	/* Undoes start and open, as far as they came.  The store is open: what
	 * it has to call back comes after this, so let go of nothing that a
	 * callback still needs before closed(). */
	void (*stop)(struct policyd *d);
	/* Behind the last callback of the store. */
	void (*closed)(struct policyd *d);
	void (*state)(struct policyd *d); /* SIGUSR1: to the log */
};

/* In the order of their start; ends with NULL. */
extern const struct policyd_part *const policyd_parts[];
extern const struct policyd_part part_auth, part_map, part_pace;
extern const struct policyd_part part_providers, part_queue, part_retry;
extern const struct policyd_part part_scheduler, part_sending;
extern const struct policyd_part part_transports;

#endif /* POLICYD_PART_H */
