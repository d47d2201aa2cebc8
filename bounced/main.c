/* SPDX-License-Identifier: BSD-2-Clause */
/* postern-bounced: reads what comes back, and the Postfix log. */
#include "bounced/bounced.h"
#include "service/service.h"
#include "store/keys.h"

static const struct service_print prints[] = { { "keys", keys_print_mdoc },
	{ "acl", keys_print_acl }, { NULL, NULL } };

static const struct service bounced = {
	.name = "bounced",
	.summary = "bounce reader and Postfix log follower",
	.role = SANDBOX_BOUNCED,
	.open = bounced_open,
	.start = bounced_start,
	.reload = bounced_reload,
	.drain = bounced_drain,
	.stop = bounced_stop,
	.state = bounced_state,
	.prints = prints,
};

int
main(int argc, char *argv[])
{
	return service_main(&bounced, argc, argv);
}
