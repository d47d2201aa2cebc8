/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_RFC3339_H
#define PROTO_RFC3339_H

#include <stdint.h>

#include "util/slice.h"

/* Points in time as text: RFC 3339.  Microseconds since 1970, UTC. */

/*
 * "2026-01-31T12:00:00Z", a fraction of any length, "+09:00" for "Z", or a
 * date alone (its midnight, UTC).  ERR_SYNTAX: not that, or no such day;
 * years 1970 to 9999.
 */
int rfc3339_parse(struct slice text, int64_t *ret_us);

#define RFC3339_MAX 32
/* "2026-01-31T12:00:00.123Z"; returns its length. */
size_t rfc3339_format(int64_t us, char room[RFC3339_MAX]);

#endif /* PROTO_RFC3339_H */
