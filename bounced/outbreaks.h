/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_OUTBREAKS_H
#define BOUNCED_OUTBREAKS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Looks after outbreaks that go on: ends those that are over, and writes the
 * alarm that says so, once over all hosts.
 */
struct event_base;
struct outbreaks;
struct settings_watch;
struct store;

/* going: how many go on, after each round.  NULL: no memory. */
struct outbreaks *outbreaks_start(struct event_base *base, struct store *s,
    struct settings_watch *settings, struct slice host, uint64_t *going);
/* Begins nothing new; true: nothing is on its way. */
bool outbreaks_drain(struct outbreaks *o);
void outbreaks_stop(struct outbreaks *o); /* takes NULL */

#endif /* BOUNCED_OUTBREAKS_H */
