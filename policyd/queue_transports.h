/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_TRANSPORTS_H
#define POLICYD_QUEUE_TRANSPORTS_H

#include "postfix-conf/transports.h"
#include "util/arena.h"
#include "util/buf.h"

/* Putting transports in force, as root: a part of the queue helper. */

/*
 * Has Postfix use these transports and no others of ours.  Both of its files
 * are as they were, to the octet, where "postfix check" or "postfix reload"
 * fails.
 * key_file  the master key; read where a password is to be opened
 * why       what went wrong, for a person
 * ret_done  edits made; 0: all was there
 * ERR_UNAVAIL: Postern's hooks are not in main.cf, so no mail would come;
 * ERR_IO, ERR_TIMEOUT, ERR_NOTFOUND: a command, a file; ERR_CRYPTO: a
 * password; ERR_LIMIT, ERR_NOMEM.
 */
int queue_transports_apply(struct arena *arena, const char *config_directory,
    const char *key_file, const struct postfix_transports *wanted,
    struct buf *why, size_t *ret_done);

#endif /* POLICYD_QUEUE_TRANSPORTS_H */
