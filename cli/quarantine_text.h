/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_QUARANTINE_TEXT_H
#define CLI_QUARANTINE_TEXT_H

#include "store/quarantine_store.h"

/*
 * A refused message as text for a terminal: whatever it holds, no octet of it
 * is a control character.
 */

/* One line of a list, with its line end. */
void quarantine_line(const struct quarantine_record *r, struct buf *out);
/* All facts, one a line. */
void quarantine_facts(const struct quarantine_record *r, struct buf *out);
/*
 * The message's header, decoded, and its parts with type, name and size; not
 * what is in them.  ERR_NOMEM; what does not fit into out is left out.
 */
int quarantine_structure(struct slice message, struct buf *out);

#endif /* CLI_QUARANTINE_TEXT_H */
