/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_SCHEDULER_H
#define POLICYD_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * The scheduler's own parts, for scheduler.c:
 *	release   what may go leaves, in order     scheduler.c
 *	asks      what people want of it           scheduler_asks.c
 *	sweep     the hold queue against the list  scheduler_sweep.c
 * Each is one chain of calls, with one under way at a time.  stop() comes
 * before the last callbacks of helper and store: they must find "stopping".
 */
struct event_base;
struct policyd;

int scheduler_asks_start(struct policyd *d, struct event_base *base);
void scheduler_asks_stop(void);

int scheduler_sweep_start(struct policyd *d, struct event_base *base);
void scheduler_sweep_stop(void);
/* Something may be amiss with the list: look soon. */
void scheduler_sweep_soon(void);

/* Has this daemon put it into the hold queue?  Only those that keep() wants
 * need to be known any longer. */
bool scheduler_has_put(struct slice queue_id);
size_t scheduler_put_count(void);
void scheduler_put_keep(bool (*keep)(struct slice id, void *ctx));

/* Look at once: something has changed. */
void scheduler_wake(void);
/*
 * Once a minute for each kind of trouble: "held mail: WHAT: why".  rc: ERR_*;
 * text: what Postfix said, or empty.
 */
enum scheduler_trouble {
	TROUBLE_REDIS,
	TROUBLE_HELPER,
	TROUBLE_JOURNAL,
	TROUBLE_KINDS
};
void scheduler_trouble(enum scheduler_trouble kind, const char *what, int rc,
    struct slice text);

#endif /* POLICYD_SCHEDULER_H */
