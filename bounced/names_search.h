/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_NAMES_SEARCH_H
#define BOUNCED_NAMES_SEARCH_H

#include <stdint.h>

#include "proto/event.h"
#include "proto/returned_names.h"
#include "util/arena.h"

/*
 * The message that a mail is about, by names that nobody signed: an event of
 * ours must have them and the recipient.  What is found so is told, but never
 * counted.
 */
struct store;

#define NAMES_TENANTS_MAX 8

struct names_query {
	/* Who may have sent it; these outlive the search. */
	struct slice tenants[NAMES_TENANTS_MAX];
	size_t tenant_count;
	struct slice recipient; /* canonical */
	/* By Message-ID; where there is none, by queue ids, each with its
	 * host. */
	const struct returned_names *names;
};
/*
 * e   the queued event, valid during the call; NULL: there is none
 * by  "message-id", "queue-id"
 * Called exactly once; rc < 0: Redis trouble.
 */
typedef void names_found(int rc, const struct event *e, const char *by,
    void *ctx);
/* What q's slices point to must live until found(). */
void names_search(struct store *s, const struct names_query *q,
    struct arena *arena, names_found *found, void *ctx);
/* Is there anything to search by? */
bool names_enough(const struct returned_names *names);

#endif /* BOUNCED_NAMES_SEARCH_H */
