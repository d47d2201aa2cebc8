/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_MAP_SERVER_H
#define POLICYD_MAP_SERVER_H

#include <stddef.h>
#include <stdint.h>

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

#define MAP_REQUEST_MAX 10000 /* as Postfix has it */
#define MAP_REPLY_MAX 100000

enum map_code { MAP_OK, MAP_NOTFOUND, MAP_TEMP, MAP_PERM };

/* One look-up under way. */
struct map_call {
	struct policyd *daemon;
	struct slice name; /* "transport", "pace-google", ... */
	struct slice key;  /* both valid until it is answered */
	uint64_t client;   /* number of the connection, never used again */
	void *state;       /* the table's own, for gone() */
};
/* Exactly once; from inside look() or later.  The value is copied. */
void map_answer(struct map_call *call, enum map_code code, struct slice value);

/* A table; the rows of map_tables.c. */
struct map_table {
	const char *name; /* the whole name, or what stands before a '-' where
			     prefix is true */
	bool prefix;
	void (*look)(struct map_call *call);
	/* The client went away before the answer: forget call.  May be NULL
	 * for tables that always answer from inside look(). */
	void (*gone)(struct map_call *call);
};
extern const struct map_table *const map_tables[]; /* ends with NULL */
extern const struct map_table map_transport, map_pace, map_network, map_ehlo;

struct map_server *map_server_new(struct event_base *base,
    struct policyd *daemon, unsigned max_clients, void (*full)(bool full));
void map_server_free(struct map_server *m); /* takes NULL */
void map_server_add(struct map_server *m, int fd);
unsigned map_server_count(const struct map_server *m);
/* Close those with nothing under way; how many are left. */
unsigned map_server_drain(struct map_server *m);

#endif /* POLICYD_MAP_SERVER_H */
