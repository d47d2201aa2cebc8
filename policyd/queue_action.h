/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_ACTION_H
#define POLICYD_QUEUE_ACTION_H

#include "policyd/queue_protocol.h"

/* What the queue helper does for each kind of request; its only state is how
 * far the list of held mail was read. */

/* From the START request, which was checked.  ERR_LIMIT, ERR_NOMEM. */
int queue_action_init(const struct queue_request *start);

/*
 * Does it, and says so: one or more packets by say(), the last one without
 * .more (LIST and MORE: one, with .more where there may be another to ask for).
 * Their number is filled in.
 */
typedef void queue_action_say(const struct queue_answer *answer);
void queue_action_do(const struct queue_request *r, queue_action_say *say);

#endif /* POLICYD_QUEUE_ACTION_H */
