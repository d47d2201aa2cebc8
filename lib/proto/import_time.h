/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_IMPORT_TIME_H
#define PROTO_IMPORT_TIME_H

#include <stdint.h>

#include "util/slice.h"

/*
 * A point in time as the exports of mail services have it, to seconds since
 * 1970:
 *	2026-10-06T23:47:56.678Z, 2026-10-06   RFC 3339
 *	2026-10-06 23:47:56 UTC                the same with blanks; UTC
 *	Fri, 21 Oct 2011 11:02:55 GMT          RFC 5322, the zone as it may be
 *	1443651125, 1443651125000              seconds, or milliseconds
 * ERR_SYNTAX.
 */
int import_time_parse(struct slice text, int64_t *ret_s);

#endif /* PROTO_IMPORT_TIME_H */
