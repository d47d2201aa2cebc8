/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_TRANSPORTS_FILE_H
#define POLICYD_TRANSPORTS_FILE_H

#include "util/buf.h"
#include "util/slice.h"

/* Lists of transports in the state directory. */
#define TRANSPORTS_IN_FORCE "transports.applied"

/* Whole or not at all; mode 0600.  ERR_IO, ERR_LIMIT. */
int transports_file_write(const char *directory, const char *name,
    struct slice text);
/* ERR_NOTFOUND, ERR_IO, ERR_LIMIT, ERR_NOMEM. */
int transports_file_read(const char *directory, const char *name,
    struct buf *out);

#endif /* POLICYD_TRANSPORTS_FILE_H */
