/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POSTFIX_CONF_PLAN_ENTRIES_H
#define POSTFIX_CONF_PLAN_ENTRIES_H

#include "postfix-conf/plan.h"

/* Whole entries of master.cf: for the files of the plan only. */

/* Is this service (NAME/TYPE) ours?  It has what it needs, and goes whole. */
bool postfix_entry_is_own(const struct postfix_values *services,
    struct slice service);
/* Adds the entries that are wanted, puts them right, removes others of ours.
 * ERR_NOMEM, ERR_LIMIT. */
int postfix_entries_enable(struct arena *arena, const struct postfix_now *now,
    const struct postfix_wanted *wanted, struct postfix_edits *edits);
/* Removes ours, but the listener of that name (absent: all).  ERR_LIMIT. */
int postfix_entries_remove(const struct postfix_now *now, struct slice but,
    struct postfix_edits *edits);

#endif /* POSTFIX_CONF_PLAN_ENTRIES_H */
