/* SPDX-License-Identifier: BSD-2-Clause */
/* Which reader gets a mail, by its envelope recipient. */
#include "bounced/route.h"

#include "proto/address.h"
#include "proto/verp.h"

enum route
route_of(const struct settings *s, struct slice recipient,
    const struct tenant **ret_tenant)
{
	const struct return_domain *d =
	    settings_return_domain(s, address_domain(recipient));
	const struct tenant *t;

	*ret_tenant = NULL;
	/* A tag may have left from a domain that is in the settings no more;
	 * but an application's own domain may have names that look like one. */
	if (verp_looks(address_local(recipient)) &&
	    (d == NULL || d->kinds != RETURN_INBOUND))
		return ROUTE_RETURN;
	if ((t = settings_complaint_address(s, recipient)) != NULL) {
		*ret_tenant = t;
		return ROUTE_COMPLAINT;
	}
	if (settings_is_envelope_sender(s, recipient))
		return ROUTE_RETURN;
	if (d != NULL && d->inbound != NULL) {
		*ret_tenant = d->inbound;
		return ROUTE_INBOUND;
	}
	return ROUTE_NONE;
}
