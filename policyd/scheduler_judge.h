/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_SCHEDULER_JUDGE_H
#define POLICYD_SCHEDULER_JUDGE_H

#include <stdint.h>

#include "util/slice.h"

/*
 * A message that lies in the hold queue and is not on the list: whose is it,
 * and when may it leave?  One at a time.
 */
struct policyd;

enum judgement {
	JUDGED_LISTED,  /* ours: it is on the list again */
	JUDGED_FOREIGN, /* the administrator's: left alone */
	JUDGED_GONE,    /* not in the hold queue any more */
};
/* rc < 0: it could not be read or listed; later. */
typedef void scheduler_judged(int rc, enum judgement judgement, void *ctx);
void scheduler_judge(struct policyd *d, struct slice queue_id, int64_t since_ms,
    scheduler_judged *judged, void *ctx);

#endif /* POLICYD_SCHEDULER_JUDGE_H */
