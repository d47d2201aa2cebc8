/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_REDIS_DIAL_H
#define STORE_REDIS_DIAL_H

#include "store/redis_link.h"

/*
 * From an address to a link that may be used: asks the sentinels in turn where
 * the master is, connects, logs in, selects the database, checks that the data
 * is loaded and (with sentinels) that it is a master, loads the scripts.
 */
#define REDIS_SHA_LEN 40
struct dial_options {
	struct redis_address address;
	char *user, *password; /* NULL: none */
	unsigned database;
	int64_t timeout_us; /* for one attempt: connecting and logging in */
	/* Where to note the names of the loaded scripts; NULL: load none. */
	char (*shas)[REDIS_SHA_LEN];
};

struct dial;
/*
 * Called once, from the loop; the dial is gone then.
 * link   for the caller, who sets its events at once; NULL: why says why not
 */
typedef void dial_done(struct link *link, const char *why, void *ctx);
/* options live until the end.  NULL: no memory. */
struct dial *dial_start(struct event_base *base,
    const struct dial_options *options, dial_done *done, void *ctx);
void dial_cancel(struct dial *d); /* takes NULL; done is not called */

#endif /* STORE_REDIS_DIAL_H */
