/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_LOOKUP_H
#define MILTER_LOOKUP_H

#include "milter/message.h"

/* One recipient's answer; the texts are in the message's arena. */
struct lookup {
	size_t rcpt; /* index */
	bool blocked;
	struct slice reason; /* for the event: "blocked (ref)" */
};

/*
 * Asks the suppression list about count recipients in one round trip, or as
 * many as LOOKUP_BATCH allows at a time.  Waits, at most until the store's
 * deadline for each batch.  0, or the first error of the store.
 */
#define LOOKUP_BATCH 500
int lookup_recipients(struct message *msg, struct lookup *lookups,
    size_t count);

#endif /* MILTER_LOOKUP_H */
