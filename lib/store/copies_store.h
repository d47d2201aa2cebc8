/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_COPIES_STORE_H
#define STORE_COPIES_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * For whom the MTA has copies of a message already, for the case that the
 * client is told to come back after all: its next try does not send them
 * again.  Under a stable identity of the message: recipient -> state.
 */
struct store;

#define COPIES_TTL_S (5 * 86400) /* as long as clients try */

struct copies_entry {
	struct slice recipient;
	struct slice state; /* empty: forget this one */
};

/* None is known: count is 0.  entries: valid inside the call only. */
typedef void copies_got(int rc, const struct copies_entry *entries,
    size_t count, void *ctx);
void copies_get(struct store *s, struct slice tenant, struct slice identity,
    int64_t deadline_us, copies_got *got, void *ctx);

typedef void copies_done(int rc, void *ctx);
void copies_put(struct store *s, struct slice tenant, struct slice identity,
    const struct copies_entry *entries, size_t count, int64_t deadline_us,
    copies_done *done, void *ctx);
void copies_forget(struct store *s, struct slice tenant, struct slice identity,
    int64_t deadline_us, copies_done *done, void *ctx);

/*
 * Has the MTA's log told that this message, whose facts were left here, is in
 * the queue?
 */
typedef void copies_seen(int rc, bool seen, void *ctx);
void copies_look(struct store *s, struct slice host, struct slice queue_id,
    int64_t deadline_us, copies_seen *seen, void *ctx);

#endif /* STORE_COPIES_STORE_H */
