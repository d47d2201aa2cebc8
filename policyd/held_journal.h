/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_HELD_JOURNAL_H
#define POLICYD_HELD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "util/slice.h"

/*
 * Messages that this daemon itself has put into the hold queue, because a
 * prohibited time stops their retries.  They bear no mark of the milter, so
 * that when Redis loses its list nothing else tells them from those that an
 * administrator holds.  Queue ids, one a line, in state_directory/held-ids;
 * with
 * "-" in front: it has left.
 */
struct held_journal;

#define HELD_JOURNAL_MAX 200000

/* What is no queue id in the file is skipped.  ERR_IO (errno says why),
 * ERR_LIMIT, ERR_NOMEM. */
int held_journal_open(const char *folder, struct held_journal **ret_journal);
void held_journal_free(struct held_journal *j); /* takes NULL */
/* Before Postfix is asked.  In the file when this returns 0; ERR_IO,
 * ERR_LIMIT, ERR_NOMEM: do not ask. */
int held_journal_add(struct held_journal *j, const struct slice *ids,
    size_t count);
/* They have left.  Those that are not in it do not matter; ERR_IO: they will be
 * in it again after a restart. */
int held_journal_drop(struct held_journal *j, const struct slice *ids,
    size_t count);
bool held_journal_has(const struct held_journal *j, struct slice id);
size_t held_journal_count(const struct held_journal *j);
/* Only those that keep() wants stay; the file is written anew.  ERR_IO: it
 * stays as it was. */
int held_journal_keep(struct held_journal *j,
    bool (*keep)(struct slice id, void *ctx), void *ctx);

#endif /* POLICYD_HELD_JOURNAL_H */
