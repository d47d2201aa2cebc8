/* SPDX-License-Identifier: BSD-2-Clause */
/* The line in front of the scanner. */
#include "milter/scan_queue.h"

void
scan_queue_add(struct scan_queue *q, struct scan_waiting *w)
{
	w->prev = q->last;
	w->next = NULL;
	w->waits = true;
	if (q->last != NULL)
		q->last->next = w;
	else
		q->first = w;
	q->last = w;
	q->count++;
}

void
scan_queue_remove(struct scan_queue *q, struct scan_waiting *w)
{
	if (!w->waits)
		return;
	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		q->first = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	else
		q->last = w->prev;
	w->prev = w->next = NULL;
	w->waits = false;
	q->count--;
}
