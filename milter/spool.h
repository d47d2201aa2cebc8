/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SPOOL_H
#define MILTER_SPOOL_H

#include <stddef.h>

#include "util/slice.h"

/*
 * Facts of messages that were accepted while Redis was away: lines in
 * state_directory/milter-facts, written to Redis when it is back.  Storing a
 * line twice does no harm, so a crash loses nothing: what is left in the
 * files is stored at the next start.
 */
struct spool;
struct store;

/* max_kb: 0 keeps nothing.  ERR_IO, ERR_NOMEM. */
int spool_open(const char *directory, unsigned max_kb, struct store *store,
    struct spool **ret_spool);
void spool_close(struct spool *s); /* takes NULL; the store is closed */
void spool_set_max(struct spool *s, unsigned max_kb); /* any thread */

/* Any thread.  ERR_LIMIT: full; ERR_IO. */
int spool_add(struct spool *s, struct slice line);
/* Any thread: store what is there, now that Redis answers. */
void spool_kick(struct spool *s);
/* Octets waiting. */
size_t spool_size(struct spool *s);

#endif /* MILTER_SPOOL_H */
