/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_KEEPER_H
#define MILTER_KEEPER_H

#include <stddef.h>

#include "milter/message.h"

/*
 * What follows the refusal of a message with a virus, and what no SMTP client
 * waits for: the message is kept, sealed, in Redis, and people are told by
 * mail.  One thread, with a bounded queue; nothing is written to a disk, where
 * it would lie in the open.
 */
struct keeper;
struct milter;

struct keeper_limits {
	size_t message_octets;  /* of the largest message that is kept */
	uint64_t tenant_octets; /* of all that are, of one tenant */
};
/*
 * What the message waits for is little; more at once have their content, and
 * then the rest of it, left out.
 */
#define KEEPER_JOBS_MAX 200
#define KEEPER_OCTETS_MAX ((size_t)256 * 1024 * 1024)

/* Starts the thread.  host stays until keeper_free.  ERR_NOMEM. */
int keeper_new(const struct milter *host, const struct keeper_limits *limits,
    struct keeper **ret_keeper);
/* Any thread; applies to what comes next. */
void keeper_set_limits(struct keeper *k, const struct keeper_limits *limits);
/* Any thread; takes copies and a descriptor of its own, and does not wait. */
void keeper_add(struct keeper *k, struct message *msg, struct slice virus);
/*
 * For the loop's thread, which must run on: what waits is tried once more, and
 * then the thread ends.  Returns how many wait; 0: it has ended.
 */
unsigned keeper_drain(struct keeper *k);
/* After the last keeper_drain; takes NULL. */
void keeper_free(struct keeper *k);

#endif /* MILTER_KEEPER_H */
