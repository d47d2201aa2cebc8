/* SPDX-License-Identifier: BSD-2-Clause */
/* postern-scan: looks for viruses in messages that the milter hands over. */
#include "milter/scan_server.h"
#include "service/service.h"

static const char *
scan_user(const struct host_config *config)
{
	return config->scan_user;
}

static const struct service scan = {
	.name = "scan",
	.summary = "virus scanner",
	.role = SANDBOX_SCAN,
	.user = scan_user,
	.open = scan_server_open,
	.start = scan_server_start,
	.reload = scan_server_reload,
	.drain = scan_server_drain,
	.stop = scan_server_stop,
	.state = scan_server_state,
};

int
main(int argc, char *argv[])
{
	return service_main(&scan, argc, argv);
}
