/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_DELIVERY_LINE_H
#define BOUNCED_DELIVERY_LINE_H

#include "proto/postfix_log.h"
#include "store/delivery_store.h"
#include "util/arena.h"

/*
 * What one log line means for a message.
 *
 * The recipient is the one the message was addressed to: orig_to when Postfix
 * rewrote it, else to; canonical.  A failure of an address it was rewritten to
 * is status 6.  A deferral has the status it would end with: 5 when it says
 * full, else 3 (1 when the name is not in the DNS).  The reason is the remote's
 * own words where there are some, cut at DELIVERY_REASON_MAX octets.
 *
 * rules  of this site; NULL: those that come with the program
 *
 * The operation's slices are copies in the arena.  False: the line is of no
 * use (not an address, no room).
 */
#define DELIVERY_REASON_MAX 500
#define DELIVERY_LINE_MAX 2000 /* octets of arena one operation may take */

struct bounce_rules;

bool delivery_line_op(const struct postfix_log *log,
    const struct bounce_rules *rules, struct arena *arena,
    struct delivery_op *ret_op);

#endif /* BOUNCED_DELIVERY_LINE_H */
