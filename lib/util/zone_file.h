/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_ZONE_FILE_H
#define UTIL_ZONE_FILE_H

#include "util/buf.h"
#include "util/slice.h"

/* The system's time zone database, one small file a zone; TZDIR is not asked,
 * so that all of a host's programs see the same. */
#define ZONE_FILE_DIRECTORY "/usr/share/zoneinfo"

/*
 * The file of a zone: "Europe/Berlin".  A name that could lead elsewhere is not
 * looked for.  ERR_NOTFOUND, ERR_LIMIT (larger than out may be), ERR_IO,
 * ERR_NOMEM.
 */
int zone_file_read(struct slice name, struct buf *out);

#endif /* UTIL_ZONE_FILE_H */
