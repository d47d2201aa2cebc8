/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_READ_ALL_H
#define UTIL_READ_ALL_H

#include "util/buf.h"

/* It is read in such pieces, each of which must fit into the buffer. */
#define READ_PIECE ((size_t)65536)
/*
 * Appends what is left of a file.  0; ERR_IO; ERR_LIMIT: with less than
 * READ_PIECE octets below out's maximum it is not at its end; ERR_NOMEM.
 */
int read_all(int fd, struct buf *out);

#endif /* UTIL_READ_ALL_H */
