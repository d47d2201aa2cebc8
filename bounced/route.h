/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOUNCED_ROUTE_H
#define BOUNCED_ROUTE_H

#include "proto/settings.h"
#include "util/slice.h"

/*
 * Which of the daemon's readers a mail is for, by its envelope recipient alone.
 * Signatures are not looked at: a forged tag is the intake's to drop.
 */
enum route {
	ROUTE_NONE,      /* not an address of ours: 550 5.1.1 */
	ROUTE_RETURN,    /* a return path of ours, tagged, or an address that
			    envelope senders become: intake.h */
	ROUTE_COMPLAINT, /* a feedback address of a tenant: intake.h */
	ROUTE_INBOUND,   /* a domain that a tenant takes mail for: inbound.h */
};
/*
 * recipient   canonical
 * ret_tenant  whose address it is; NULL for ROUTE_RETURN (the tag says) and
 *             ROUTE_NONE; lives as long as the snapshot
 */
enum route route_of(const struct settings *s, struct slice recipient,
    const struct tenant **ret_tenant);

#endif /* BOUNCED_ROUTE_H */
