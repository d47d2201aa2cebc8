/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_APPLY_H
#define POLICYD_QUEUE_APPLY_H

#include <stdint.h>

#include "policyd/queue_protocol.h"
#include "postfix-conf/transports.h"
#include "util/buf.h"

/* The APPLY request: transports that policyd has rendered become Postfix's. */

#define QUEUE_APPLY_FILE POSTFIX_TRANSPORTS_FILE
#define QUEUE_APPLY_MAX POSTFIX_TRANSPORTS_MAX

/*
 * Reads the file of that name in state_directory, which must be a regular file
 * of that digest, and has Postfix use it.  A sentence about what went wrong is
 * added to why.  ret_done: edits made.
 * ERR_NOTFOUND: no such file; ERR_CONFLICT: of another digest; ERR_SYNTAX,
 * ERR_LIMIT; what queue_transports_apply() says.
 */
int queue_apply_transports(const char *config_directory,
    const char *state_directory, const char *key_file,
    const uint8_t digest[QUEUE_DIGEST_LEN], struct buf *why, size_t *ret_done);

#endif /* POLICYD_QUEUE_APPLY_H */
