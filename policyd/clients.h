/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_CLIENTS_H
#define POLICYD_CLIENTS_H

#include <stdint.h>

#include "policyd/policyd.h"

/*
 * The connections of Postfix's smtpd processes.  On each any number of
 * requests, answered in order; one is under way at a time, what is sent
 * meanwhile waits in the client's own socket.  An idle client is never sent
 * away: smtpd keeps its connection for its life.
 */
struct clients;
struct event_base;
struct pipeline;

/* full(): called when the maximum is reached (true) and when there is room
 * again (false). */
typedef void clients_full(bool full);
/* NULL: no memory. */
struct clients *clients_new(struct event_base *base, struct policyd *daemon,
    struct pipeline *pipeline, unsigned max, clients_full *full);
void clients_free(struct clients *c); /* closes all; takes NULL */
void clients_set_max(struct clients *c, unsigned max);
/* Owns fd. */
void clients_add(struct clients *c, int fd);
unsigned clients_count(const struct clients *c);
/* Close those that wait for nothing, now and as soon as they do; returns how
 * many are left. */
unsigned clients_drain(struct clients *c);

#endif /* POLICYD_CLIENTS_H */
