/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_FACTS_H
#define MILTER_FACTS_H

#include "milter/message.h"
#include "proto/status.h"

/*
 * What the log follower, and so the application, is to know of a message.
 * Called from the message's thread; waits for Redis no longer than the
 * store's deadline, and then uses the spool.
 */

/* A field's value as a person reads it; absent if there is no such field. */
struct slice facts_decoded(struct message *msg, const char *name);
/*
 * The facts of a message that goes on, and the events of recipients that were
 * taken off.  A negative code: neither Redis nor the spool has them.
 */
int facts_keep(struct message *msg);
/*
 * A message that is refused: a failed event for each recipient, as no log line
 * will tell of it.  origin: which module; reason: "550 5.7.1 TEXT".  As
 * facts_keep; told once in the log.
 */
int facts_refused(struct message *msg, enum status status, struct slice origin,
    struct slice reason);
/*
 * What a module would have done, was it to do more than observe: one event.
 * No spool: where Redis is away, only the log tells.
 */
void facts_observed(struct message *msg, struct slice origin,
    struct slice reason);

#endif /* MILTER_FACTS_H */
