/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Timers and descriptors on the event loop, for the daemons' own code, which
 * does not include libevent.  All on the loop's thread.
 */
struct event_base;

/*
 * A loop for a program that has none yet, such as a command that waits for an
 * answer or two.  NULL: no memory.
 */
struct event_base *loop_new(void);
void loop_free(struct event_base *base); /* takes NULL */
/* Until *over is true, or nothing is left that could happen. */
void loop_run_until(struct event_base *base, const bool *over);

struct loop_timer;
typedef void loop_fired(void *ctx);
struct loop_timer *loop_timer_new(struct event_base *base, loop_fired *fired,
    void *ctx); /* NULL: no memory; not running yet */
/* Fires once, ms from now (0: in the next turn); a second call replaces it. */
void loop_timer_set(struct loop_timer *t, int64_t ms);
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_pending(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* takes NULL */

struct loop_watch;
/* Calls readable() for as long as there is something to read from fd. */
typedef void loop_readable(int fd, void *ctx);
struct loop_watch *loop_watch_new(struct event_base *base, int fd,
    loop_readable *readable, void *ctx);    /* NULL: no memory */
void loop_watch_free(struct loop_watch *w); /* takes NULL; fd stays open */

#endif /* NET_LOOP_H */
