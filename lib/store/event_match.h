/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_EVENT_MATCH_H
#define STORE_EVENT_MATCH_H

#include "store/event_store.h"
#include "util/arena.h"

/*
 * Does an event answer a query?  First by its packed text, where most are
 * told apart with a few comparisons and without a copy; then by the event;
 * then, where the query asks for what only the facts of its message tell, by
 * the event with them joined.
 */
struct event_match {
	const struct event_query *q;
	/* parts in lower case, in the arena */
	struct slice to, from, subject, api_data;
	bool facts; /* the query asks for them */
};

/* q and the arena must live as long.  ERR_NOMEM. */
int event_match_init(struct event_match *m, const struct event_query *q,
    struct arena *arena);
/* False: it can not match. */
bool event_match_packed(const struct event_match *m, struct slice text);
/* All but the facts. */
bool event_match_event(const struct event_match *m, const struct event *e);
/* And the facts. */
bool event_match_facts(const struct event_match *m, const struct event *e);

#endif /* STORE_EVENT_MATCH_H */
