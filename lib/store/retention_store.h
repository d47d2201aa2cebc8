/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_RETENTION_STORE_H
#define STORE_RETENTION_STORE_H

#include <stdint.h>

#include "util/slice.h"

/*
 * How long what happened is kept: whole days, each gone as a whole.  Writers
 * set the end of a day's stream, index and counters when they begin them; the
 * sweep sets it again for days that are there, after the setting changed, and
 * gives back the room that the growing index of yesterday had to spare.
 */
struct store;

/*
 * The days of one host, with the counters of these tenants.  May be repeated,
 * and cut off anywhere.  Slow on purpose: a few hundred keys at a time.
 * days: that are there.
 */
typedef void retention_swept(int rc, unsigned days, void *ctx);
void retention_sweep(struct store *s, struct slice host,
    const struct slice *tenants, size_t count, retention_swept *swept,
    void *ctx);

#endif /* STORE_RETENTION_STORE_H */
