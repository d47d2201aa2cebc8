/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_MESSAGE_SPOOL_H
#define STORE_MESSAGE_SPOOL_H

#include <stdbool.h>

/*
 * The files in the host's state directory where the milter keeps message facts
 * while Redis is away: lines are added to the first, which is renamed to the
 * second to be replayed, and removed at its end.
 */
#define MESSAGE_SPOOL_ADDING "milter-facts"
#define MESSAGE_SPOOL_REPLAYING "milter-facts.replay"

/*
 * Whether facts wait there.  A message's facts are in the spool before Postfix
 * logs that it has it: a log line read before this answers "no" has its facts
 * in Redis.
 */
bool message_spool_waits(const char *state_directory);

#endif /* STORE_MESSAGE_SPOOL_H */
