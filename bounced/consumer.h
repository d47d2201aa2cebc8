/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_CONSUMER_H
#define BOUNCED_CONSUMER_H

#include <stdbool.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Counts errors towards blocks: reads the host's events from a kept position,
 * hands each failure that counts to the tenant's condition, and writes the
 * blocks that follow together with the new position.  Everything may be done
 * again after a crash: counting is idempotent by event id.
 *
 * Not counted: what was told before (repeated), what has an origin (refused or
 * marked by Postern itself), addresses that Postern suppressed (10, 11),
 * statuses whose condition is off, classes that may not block where any_fault
 * is off, and answers of an outbreak.  Complaints count by the condition of
 * their own.  A success ends what lift_on_success says.
 */
struct alarms; /* are told of each alarm that is read */
struct consumer;
struct event_base;
struct settings_watch;
struct store;

int consumer_start(struct event_base *base, struct store *s,
    struct settings_watch *settings, struct slice host, struct alarms *alarms,
    struct consumer **ret_consumer);
/* There are new events: look now rather than at the next poll. */
void consumer_kick(struct consumer *c);
/* Begins nothing new; true: nothing is on its way. */
bool consumer_drain(struct consumer *c);
void consumer_stop(struct consumer *c); /* takes NULL */

struct consumer_counters {
	uint64_t events, counted, blocked, would, failures;
	uint64_t frozen;    /* errors of outbreaks, not counted */
	uint64_t lifted;    /* blocks ended by a success */
	uint64_t outbreaks; /* noticed here */
	uint64_t released;  /* blocks taken back because of them */
	uint64_t going;     /* outbreaks of all hosts that go on now */
};
const struct consumer_counters *consumer_counters(const struct consumer *c);

#endif /* BOUNCED_CONSUMER_H */
