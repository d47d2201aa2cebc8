/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_REFUSALS_H
#define POLICYD_REFUSALS_H

#include "proto/event.h"

/*
 * The events of refused recipients, on their way to Redis.  Those that Redis
 * does not take now (no memory, no connection) are kept, and offered again
 * each second.  All on the loop's thread.
 */
struct event_base;
struct policyd;
struct refusals;

struct refusals *refusals_new(struct event_base *base,
    struct policyd *daemon); /* NULL: no memory */
/* The event is copied. */
void refusals_write(struct refusals *r, const struct event *e);
/* Takes NULL.  Behind store_close(), which calls back. */
void refusals_free(struct refusals *r);

#endif /* POLICYD_REFUSALS_H */
