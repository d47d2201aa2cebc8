/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_HOLD_H
#define MILTER_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "milter/message.h"
#include "store/hold_store.h"

/* When a message may leave: what its tenant's rules say, and its mark. */

/* Whether recipients of one message may have to wait for different times. */
bool hold_by_recipient(const struct message *msg);
/* Whether the order of messages is looked at: enum hold_request's gate. */
bool hold_gated(const struct message *msg);

struct hold_choice {
	int64_t free_ms; /* of prohibited times; msg->arrived_ms: now */
	struct slice rule;
	unsigned priority;
	uint32_t caps; /* a bit for each day cap that it counts for */
};
/* 0; ERR_LIMIT: a rule can not be decided; ERR_NOMEM. */
int hold_choose(struct message *msg, struct slice recipient,
    struct hold_choice *ret_choice);
/* Equal for recipients that may share one message. */
uint64_t hold_treatment(const struct message *msg,
    const struct hold_choice *choice);

/*
 * It is listed (msg->hold): asks the MTA to hold it, with the field that says
 * so behind the signature.  ERR_NOMEM.
 */
int hold_mark(struct message *msg);

#endif /* MILTER_HOLD_H */
