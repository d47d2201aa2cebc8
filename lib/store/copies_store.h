/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_COPIES_STORE_H
#define STORE_COPIES_STORE_H

#include <stdint.h>

#include "util/slice.h"

/*
 * Which copies of a message the MTA has already, for the case that the client
 * is told to come back after all: its next try does not send them again.  One
 * octet for each copy, '1' or '0', under a stable identity of the message.
 */
struct store;

#define COPIES_TTL_S (5 * 86400) /* as long as clients try */

/* ERR_NOTFOUND: none is known.  done: valid inside the call only. */
typedef void copies_got(int rc, struct slice done, void *ctx);
void copies_get(struct store *s, struct slice tenant, struct slice identity,
    int64_t deadline_us, copies_got *got, void *ctx);
typedef void copies_set_done(int rc, void *ctx);
/* done absent: forget it. */
void copies_set(struct store *s, struct slice tenant, struct slice identity,
    struct slice done, int64_t deadline_us, copies_set_done *set, void *ctx);

#endif /* STORE_COPIES_STORE_H */
