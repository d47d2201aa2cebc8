/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_RELAY_ACCESS_H
#define PROTO_RELAY_ACCESS_H

#include <stdbool.h>

#include "proto/relay.h"

/*
 * Who may connect, log in and send, by a tenant's section "relay".  Pure.
 *
 *	authentication    refuse_others  connect  AUTH offered  send
 *	network-or-auth   no             all      yes           listed or login
 *	network-or-auth   yes            listed   yes           listed
 *	auth-optional     any            listed   yes           listed
 *	network-and-auth  any            listed   yes           listed and login
 *	network           any            listed   no            listed
 *	off               any            as Postfix's own rules say
 */
struct relay_access {
	bool connect, auth, send;
};
/*
 * listed     the client's address is in a permitted network
 * logged_in  as a user who may send for this tenant
 * Without settings of its own (RELAY_OFF) nothing is refused here.
 */
struct relay_access relay_access(const struct relay_settings *r, bool listed,
    bool logged_in);

/* client: of schema_client_parse; NULL: not known, which is not listed. */
bool relay_lists(const struct relay_settings *r,
    const struct schema_network *client);

#endif /* PROTO_RELAY_ACCESS_H */
