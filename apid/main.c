/* SPDX-License-Identifier: BSD-2-Clause */
/* postern-apid: REST API and webhooks. */
#include "apid/daemon.h"
#include "service/service.h"
#include "store/keys.h"

static const struct service_print prints[] = { { "keys", keys_print_mdoc },
	{ "acl", keys_print_acl }, { NULL, NULL } };

static const struct service service = {
	.name = "apid",
	.summary = "REST API and webhooks",
	.role = SANDBOX_APID,
	.open = daemon_open,
	.start = daemon_start,
	.reload = daemon_reload,
	.drain = daemon_drain,
	.stop = daemon_stop,
	.state = daemon_state,
	.prints = prints,
};

int
main(int argc, char *argv[])
{
	return service_main(&service, argc, argv);
}
