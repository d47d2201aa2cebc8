/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICYD_QUEUE_OUTPUT_H
#define POLICYD_QUEUE_OUTPUT_H

#include <stddef.h>

#include "policyd/queue_client.h"
#include "util/buf.h"
#include "util/slice.h"

/* What Postfix's queue commands print, understood.  Pure. */

/*
 * The number that postsuper(1) reports at its end ("postsuper: Deleted: 3
 * messages") for this verb; 0 where it reports none.  It prints nothing for
 * RETRY, which it does not do.
 */
size_t queue_output_changed(enum queue_verb verb, struct slice errors);

/*
 * What is worth telling of standard error: the lines that are warnings and
 * worse ("postsuper: fatal: ..."), or the last one; without line ends.
 */
void queue_output_trouble(struct slice errors, struct buf *out);

/*
 * "postcat -e" as queue_read() hands it out: "S sender", then "R recipient"
 * for each, and an empty line.  ERR_SYNTAX: no envelope; ERR_LIMIT, ERR_NOMEM.
 */
int queue_output_envelope(struct slice printed, struct buf *out);

#endif /* POLICYD_QUEUE_OUTPUT_H */
