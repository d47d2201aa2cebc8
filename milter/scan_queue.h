/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_SCAN_QUEUE_H
#define MILTER_SCAN_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

/* Who waits for a scan: first come, first served; and any may leave. */
struct scan_waiting {
	struct scan_waiting *prev, *next;
	bool waits;
};
struct scan_queue {
	struct scan_waiting *first, *last;
	size_t count;
};

/* At the end; w must not wait already. */
void scan_queue_add(struct scan_queue *q, struct scan_waiting *w);
/* Whether it waited or not. */
void scan_queue_remove(struct scan_queue *q, struct scan_waiting *w);

#endif /* MILTER_SCAN_QUEUE_H */
