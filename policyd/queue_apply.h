/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_APPLY_H
#define POLICYD_QUEUE_APPLY_H

#include <stdint.h>

#include "policyd/queue_protocol.h"
#include "util/buf.h"

/* The APPLY request: transports that policyd has rendered become Postfix's. */

#define QUEUE_APPLY_FILE "transports"
#define QUEUE_APPLY_MAX ((size_t)4 * 1024 * 1024)

/*
 * Reads the file of that name in state_directory, which must be a regular file
 * of that digest, and has Postfix use it.  A sentence about what went wrong is
 * added to why.  ret_done: services changed.
 * ERR_NOTFOUND: no such file; ERR_CONFLICT: of another digest; ERR_SYNTAX,
 * ERR_LIMIT; ERR_IO, ERR_TIMEOUT: one of Postfix's commands.
 */
int queue_apply_transports(const char *config_directory,
    const char *state_directory, const uint8_t digest[QUEUE_DIGEST_LEN],
    struct buf *why, size_t *ret_done);

#endif /* POLICYD_QUEUE_APPLY_H */
