/* SPDX-License-Identifier: BSD-2-Clause */
/* postern-milter: one pass over each message. */
#include "milter/milter.h"
#include "service/service.h"
#include "store/keys.h"

static const struct service_print prints[] = { { "keys", keys_print_mdoc },
	{ "acl", keys_print_acl }, { NULL, NULL } };

static const struct service milter = {
	.name = "milter",
	.summary = "suppression, return path, Received, DKIM and message facts",
	.role = SANDBOX_MILTER,
	.open = milter_open,
	.start = milter_start,
	.reload = milter_reload,
	.run = milter_run,
	.drain = milter_drain,
	.stop = milter_stop,
	.state = milter_state,
	.prints = prints,
};

int
main(int argc, char *argv[])
{
	return service_main(&milter, argc, argv);
}
