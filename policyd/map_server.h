/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_MAP_SERVER_H
#define POLICYD_MAP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/socketmap.h"
#include "util/slice.h"

/*
 * Look-up tables for Postfix, by the socketmap protocol (socketmap_table(5)):
 * netstrings "NAME KEY" in, "OK VALUE", "NOTFOUND ", "TEMP text" or
 * "PERM text" out.  One request at a time on each connection; an idle one is
 * never closed from this side.
 */
struct event_base;
struct map_server;
struct policyd;

/* Postfix waits 100 s for a reply; by then it has one. */
#define MAP_CALL_MAX_MS 90000

/* One look-up under way. */
struct map_call {
	struct policyd *daemon;
	struct slice name; /* "transport", "pace-google", ... */
	struct slice key;  /* both valid until it is answered */
	uint64_t client;   /* number of the connection, never used again */
	void *state;       /* the table's own, for gone() */
	/* What a table remembers of the connection: from malloc(), freed with
	 * it; NULL at first.  One table only does. */
	void *kept;
};
/*
 * Exactly once; from inside look() or later.  The value is copied.  It may not
 * have control octets: then the client is told that there is temporary
 * trouble.
 */
void map_answer(struct map_call *call, enum map_code code, struct slice value);

/* A table; the rows of map_tables.c. */
struct map_table {
	const char *name; /* the whole name, or what stands before a '-' where
			     prefix is true */
	bool prefix;
	void (*look)(struct map_call *call);
	/* The call ends without an answer of the table: forget it.  The daemon
	 * stops, or it took longer than MAP_CALL_MAX_MS.  May be NULL for
	 * tables that always answer from inside look(). */
	void (*gone)(struct map_call *call);
	/* What the client is told in the second case: temporary trouble, or
	 * (false) that nothing was found. */
	bool late_is_trouble;
};
extern const struct map_table *const map_tables[]; /* ends with NULL */
extern const struct map_table map_transport, map_transport_last;
extern const struct map_table map_pace;
/* Of any listener, and of the one whose port stands behind a "-". */
extern const struct map_table map_network, map_network_port, map_ehlo,
    map_ehlo_port;

/*
 * tables  ends with NULL; the most special prefix comes first
 * full    called when the maximum is reached (true) and when there is room
 *         again (false)
 * NULL: no memory.
 */
struct map_server *map_server_new(struct event_base *base,
    struct policyd *daemon, const struct map_table *const *tables,
    unsigned max_clients, void (*full)(bool full));
void map_server_free(struct map_server *m); /* closes all; takes NULL */
void map_server_set_max(struct map_server *m, unsigned max_clients);
void map_server_add(struct map_server *m, int fd); /* owns fd */
unsigned map_server_count(const struct map_server *m);
/* End the calls that took too long; a timer does it, a test may. */
void map_server_expire(struct map_server *m);
/* Close those with nothing under way, now and later; how many are left. */
unsigned map_server_drain(struct map_server *m);

#endif /* POLICYD_MAP_SERVER_H */
