/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_SUBPROCESS_H
#define CLI_SUBPROCESS_H

#include <stdint.h>

#include "util/buf.h"

/*
 * Run a program, without a shell, found in PATH or in /usr/sbin, with an empty
 * standard input.  Its standard error is ours.
 * out      what it writes to standard output is added; NULL: thrown away
 * Returns its exit status (128 + signal when one ended it), or ERR_NOTFOUND,
 * ERR_TIMEOUT (it is killed), ERR_LIMIT (more output than out may hold),
 * ERR_IO.
 */
enum subprocess_errors { SUBPROCESS_SHOW, SUBPROCESS_HIDE };
int subprocess_run(const char *const argv[], int64_t timeout_ms,
    enum subprocess_errors errors, struct buf *out);

#endif /* CLI_SUBPROCESS_H */
