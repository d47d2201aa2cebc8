/* SPDX-License-Identifier: BSD-2-Clause */
/* The look-up tables, one row each. */
#include "policyd/map_server.h"

const struct map_table *const map_tables[] = {
	&map_ehlo,
	&map_ehlo_port,
	&map_network,
	&map_network_port,
	&map_pace,
	&map_transport,
	&map_transport_last,
	NULL,
};
