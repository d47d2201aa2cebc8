/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_BLOCK_RELEASE_H
#define STORE_BLOCK_RELEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Releasing many blocked addresses: those of a status or origin, say, when the
 * condition that blocked them is turned off.  Each is told as an event of its
 * own, as if it were released by hand.
 */
struct store;

struct block_release {
	struct slice tenant;
	struct slice host;   /* whose stream gets the events */
	struct slice by;     /* origin of the events: "api", "cli" */
	int status;          /* -1: any; 0: blocks without one */
	struct slice origin; /* absent: any */
	int64_t since_from_s, since_to_s; /* 0: open; both included */
	bool dry_run;                     /* count them only */
	struct slice cursor;              /* as in block_page() */
};
struct block_released {
	uint64_t found;    /* that are meant */
	uint64_t released; /* of these, those that nobody released meanwhile */
	uint64_t untold;   /* released, but the event was lost */
	struct slice next_cursor; /* absent: that was all */
};
/* One page: up to a thousand of them.  done(): exactly one call. */
typedef void block_release_done(int rc, const struct block_released *result,
    void *ctx);
void block_release(struct store *s, const struct block_release *what,
    block_release_done *done, void *ctx);

#endif /* STORE_BLOCK_RELEASE_H */
