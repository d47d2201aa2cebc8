/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_TRACE_FIND_H
#define CLI_TRACE_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/event.h"

/*
 * The events of a message, or of a recipient, of all hosts and, unless one is
 * named, all tenants; by the store's indices.
 */
struct arena;
struct cli_store;

#define TRACE_EVENTS_MAX 20000

struct trace_query {
	struct slice tenant; /* absent: all */
	/* One of them. */
	struct slice queue_id;
	struct slice message_id; /* with its angle brackets */
	struct slice recipient;  /* canonical */
};

struct trace_events {
	struct arena *arena; /* all of it lies there */
	struct event *at;    /* oldest first */
	size_t count, room;
	bool cut; /* there are more than TRACE_EVENTS_MAX */
};

/* arena: the caller's.  0 (also when nothing is found) or ERR_*. */
int trace_find(struct cli_store *s, const struct trace_query *q,
    struct arena *arena, struct trace_events *ret_events);

#endif /* CLI_TRACE_FIND_H */
