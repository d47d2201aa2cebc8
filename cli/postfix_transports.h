/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_POSTFIX_TRANSPORTS_H
#define CLI_POSTFIX_TRANSPORTS_H

#include "postfix-conf/plan.h"
#include "util/arena.h"

/* Services of shaping filters, for "postern postfix": what policyd left in the
 * state directory, or none. */
struct host_config;

enum postfix_transports_what { TRANSPORTS_WANTED, TRANSPORTS_NONE };

/*
 * Adds what is to be changed for them to edits.  A state directory without a
 * list asks for none.  ERR_SYNTAX: a list that can not be read, which is told
 * on stderr; ERR_IO, ERR_LIMIT, ERR_NOMEM.
 */
int postfix_transports_edits(struct arena *arena,
    const struct host_config *config, const char *folder,
    const struct postfix_now *now, enum postfix_transports_what what,
    struct postfix_edits *edits);
/* Removes the files of their passwords. */
void postfix_transports_forget(const char *folder);

#endif /* CLI_POSTFIX_TRANSPORTS_H */
