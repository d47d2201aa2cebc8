/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_MAILBOX_H
#define PROTO_MAILBOX_H

#include "proto/address.h"
#include "util/slice.h"

/*
 * The address in a From, To or Reply-To field: RFC 5322, 3.4 and 4.4, with
 * comments, quoted strings, display names, groups and folding.
 */

/*
 * Takes the next mailbox off the head of *rest (begin with the whole value).
 * ret_address   its canonical form in room, empty if it is not an address
 * False: there is none left.
 */
bool mailbox_next(struct slice *rest, char room[ADDRESS_MAX],
    struct slice *ret_address);

#endif /* PROTO_MAILBOX_H */
