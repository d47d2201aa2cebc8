/* SPDX-License-Identifier: BSD-2-Clause */
/* postern-policyd: Postfix access policy server. */
#include "policyd/server.h"
#include "service/service.h"
#include "store/keys.h"

static const struct service_print prints[] = { { "keys", keys_print_mdoc },
	{ "acl", keys_print_acl }, { NULL, NULL } };

static const struct service policyd = {
	.name = "policyd",
	.summary = "Postfix access policy server",
	.role = SANDBOX_POLICYD,
	.open = server_open,
	.start = server_start,
	.reload = server_reload,
	.drain = server_drain,
	.stop = server_stop,
	.state = server_state,
	.prints = prints,
};

int
main(int argc, char *argv[])
{
	return service_main(&policyd, argc, argv);
}
