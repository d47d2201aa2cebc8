/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_DAY_CAP_STORE_H
#define STORE_DAY_CAP_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "util/slice.h"

/*
 * Day caps: how many messages of a tenant go on each day of its calendar, over
 * all hosts.  Checking and booking are one script, so that parallel takers
 * never overshoot.
 */
struct store;

#define DAY_CAPS_MAX 32      /* of a message */
#define DAY_CAP_DAYS_MAX 100 /* that are looked at for room */

struct day_cap_request {
	struct slice tenant;
	const struct slice *names;
	const uint64_t *quantities;
	size_t count;         /* 1..DAY_CAPS_MAX */
	const unsigned *days; /* yyyymmdd, the first one wanted most */
	size_t day_count;     /* 1..DAY_CAP_DAYS_MAX */
};
/*
 * rc 0: booked with every cap on days[day].  ERR_LIMIT: none of the days has
 * room with all of them, nothing is booked.  Else Redis trouble; after
 * ERR_TIMEOUT it may have been booked, and counts one message too many.
 */
typedef void day_cap_answer(int rc, size_t day, void *ctx);
void day_cap_take(struct store *s, const struct day_cap_request *request,
    int64_t deadline_us, day_cap_answer *answer, void *ctx);
/* The message did not go after all: gives back what days[day] booked. */
typedef void day_cap_done(int rc, void *ctx);
void day_cap_return(struct store *s, const struct day_cap_request *request,
    size_t day, int64_t deadline_us, day_cap_done *done, void *ctx);

#endif /* STORE_DAY_CAP_STORE_H */
