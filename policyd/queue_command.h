/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_COMMAND_H
#define POLICYD_QUEUE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * Postfix's commands, run by the queue helper: no shell, a fixed search path,
 * an environment of our own, and a deadline at which they are killed.
 */

/*
 * Where commands are told to look for main.cf; once, before the first one.
 * ERR_LIMIT: too long.
 */
int queue_command_init(const char *config_directory);

struct queue_command {
	const char *const *argv; /* a program's name first; ends with NULL */
	struct slice input;      /* its standard input */
	/* Where not empty (queue ids as queue_protocol.h packs them): once for
	 * each, which is added behind argv, some of them at a time. */
	struct slice packed_ids;
	bool ignores_sigpipe; /* and so does the program */
	int64_t deadline_us;
	/* What is printed: standard output until out is full, the rest is
	 * lost; the last that fits of standard error.  NULL: not wanted. */
	struct buf *out, *errors;
};

/*
 * An exit status (128 + signal, when one ended it), 0 if all had that;
 * ERR_NOTFOUND: no such program; ERR_TIMEOUT: what was left was killed;
 * ERR_IO, ERR_NOMEM.  ret_done (may be NULL): how many ended with 0, also on
 * failure.
 */
int queue_command_run(const struct queue_command *c, size_t *ret_done);

#endif /* POLICYD_QUEUE_COMMAND_H */
