/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may connect, log in and send. */
#include "proto/relay_access.h"

#include "proto/schema.h"

struct relay_access
relay_access(const struct relay_settings *r, bool listed, bool logged_in)
{
	switch (r->authentication) {
	case RELAY_NETWORK_OR_AUTH:
		if (!r->refuse_others)
			return (struct relay_access){ true, true,
				listed || logged_in };
		return (struct relay_access){ listed, true, listed };
	case RELAY_AUTH_OPTIONAL:
		return (struct relay_access){ listed, true, listed };
	case RELAY_NETWORK_AND_AUTH:
		return (
		    struct relay_access){ listed, true, listed && logged_in };
	case RELAY_NETWORK:
		return (struct relay_access){ listed, false, listed };
	case RELAY_OFF:
		break;
	}
	return (struct relay_access){ true, true, true };
}

bool
relay_lists(const struct relay_settings *r, const struct schema_network *client)
{
	for (size_t i = 0; client != NULL && i < r->network_count; i++)
		if (schema_network_holds(&r->networks[i], client))
			return true;
	return false;
}
