/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_ZONE_H
#define PROTO_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Time zones of the IANA database, from its compiled files: RFC 9636, TZif.
 * Pure: the loader (util/zone_file.h) reads, this parses and computes.  Of a
 * file only the offsets from universal time are kept; names of zones, and
 * which time is daylight saving time, decide nothing here.  Files that count
 * leap seconds ("right/...") are refused, as the clock does not.
 *
 * "Local" seconds are what clocks on the wall show, counted as if they showed
 * universal time since 1970.
 */
struct arena;
struct zone;

/* Octets of a file; the largest one has less than 4 KiB. */
#define ZONE_FILE_MAX 65536

extern const struct zone *const zone_utc;

/* The zone lies in the arena.  ERR_SYNTAX: not such a file; ERR_NOMEM. */
int zone_parse(struct slice file, struct arena *arena,
    const struct zone **ret_zone);

/* Seconds east of Greenwich that clocks show. */
int32_t zone_offset(const struct zone *z, int64_t utc_s);
/* The next instant after this one at which that changes; false: none. */
bool zone_next(const struct zone *z, int64_t utc_s, int64_t *ret_utc_s);

/*
 * The first instant at which clocks show this time or a later one, and the
 * first one from which on they do so for good: the same, unless clocks are put
 * back over that time.  A time that they skip is the instant of the skip.
 */
int64_t zone_first(const struct zone *z, int64_t local_s);
int64_t zone_last(const struct zone *z, int64_t local_s);

#endif /* PROTO_ZONE_H */
