/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_PROVIDER_NAME_H
#define PROTO_PROVIDER_NAME_H

#include <stdbool.h>

#include "proto/shaping.h"
#include "util/slice.h"

/*
 * Whose mailbox a recipient's is, as series and the outbreak guard count it:
 * the shaping filter that matches (also where shaping is off: filters of the
 * provider file are always there), else the domain.
 */
struct provider_name {
	struct slice name; /* of the filter, or the domain in lower case */
	bool filter;
};
#define PROVIDER_NAME_ROOM 256

/*
 * recipient  canonical
 * mx         hosts of its domain, as in shaping_match(); count 0: not known
 * relay      "HOST[ADDRESS]:PORT" of the log, which stands in where the hosts
 *            are not known; "none" and absent: nobody answered
 * room       for a domain; a filter's name lives as long as the snapshot.
 *            What is no domain, or too long, has the name "other".
 */
struct provider_name provider_name_of(const struct shaping *s,
    struct slice recipient, const struct slice *mx, size_t mx_count,
    struct slice relay, char room[PROVIDER_NAME_ROOM]);

/*
 * The host of a relay in lower case, without final dot; absent: there is none
 * ("none", an address without a name, a socket or a command of this host).
 */
struct slice provider_relay_host(struct slice relay,
    char room[PROVIDER_NAME_ROOM]);

#endif /* PROTO_PROVIDER_NAME_H */
