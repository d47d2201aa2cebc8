/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How far a long command is, on standard error: a bar on a terminal, drawn a
 * few times a second; else a line now and then.
 */
struct progress {
	const char *what; /* "records" */
	uint64_t total;   /* octets; 0: not known */
	bool terminal;
	unsigned width;
	int64_t begun_us, next_us;
	bool drawn;
};
void progress_begin(struct progress *p, const char *what, uint64_t total);
void progress_step(struct progress *p, uint64_t octets, uint64_t count);
/* Takes the bar away. */
void progress_end(struct progress *p);

#endif /* CLI_PROGRESS_H */
