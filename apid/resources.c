/* SPDX-License-Identifier: BSD-2-Clause */
/* All route tables. */
#include "apid/resources.h"

const struct route *const route_tables[] = {
	routes_blocks_file, /* before {address} */
	routes_blocks,
	routes_conditions,
	routes_events,
	routes_health,
	routes_held,
	routes_inbound,
	routes_limits,
	routes_messages,
	routes_outbreaks,
	routes_reports,
	routes_shaping,
	routes_statistics,
	routes_webhooks,
	NULL,
};
