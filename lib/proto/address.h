/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_ADDRESS_H
#define PROTO_ADDRESS_H

#include "util/slice.h"

/*
 * Mail addresses as this field meets them: RFC 5321 4.1.2 mailboxes, and what
 * real carriers use beside them (dots anywhere in the local part, "_" in a
 * domain).  spec: docomo-style "a..b@" is legal in quotes, so it is accepted
 * bare and means the same as its quoted form.
 */

#define ADDRESS_MAX 1000 /* the SMTP line, not 256: RFC 5321 4.5.3.1.6 */

/*
 * The canonical form, by which addresses are compared and stored: no angle
 * brackets, no source route, ASCII lower case throughout, local part unquoted
 * where the quotes are not needed (as atext and dots anywhere), quoted
 * otherwise; trailing dot of the domain dropped; UTF-8 kept as it is.
 * in       "<a@b>", "a@b" or "\"a b\"@c"; blanks round it are skipped
 * room     ADDRESS_MAX octets; ret_address points into it
 * Postfix's internal form (no quotes, whatever the local part holds) gives the
 * same as the quoted form that stands in its log.  An address without a domain
 * ("postmaster", RFC 5321 4.1.1.3) is one: who needs a domain asks for it.
 * A domain may be an address literal.
 * ERR_SYNTAX: not an address (control octets, bad UTF-8, bad domain, no local
 * part); ERR_LIMIT: longer than ADDRESS_MAX.
 * The null reverse-path "<>" and "" give an empty, present slice.
 */
int address_canonical(struct slice in, char room[ADDRESS_MAX],
    struct slice *ret_address);

/*
 * The same address as it stands in SMTP commands: Mailbox of RFC 5321, 4.1.2,
 * without angle brackets.  Case is kept, and the local part is in quotes unless
 * it is a Dot-string, so that "a..b@c" becomes "\"a..b\"@c".
 */
int address_mailbox(struct slice in, char room[ADDRESS_MAX],
    struct slice *ret_address);

/* What stands behind the last "@"; empty if there is none. */
struct slice address_domain(struct slice address);
/* What stands before it. */
struct slice address_local(struct slice address);

/* A domain name: labels of letters, digits, "-", "_"; 253 octets. */
bool address_domain_ok(struct slice domain);

#endif /* PROTO_ADDRESS_H */
