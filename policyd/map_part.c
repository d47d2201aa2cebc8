/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables' server as a part of the daemon. */
#include "policyd/map_server.h"
#include "policyd/part.h"
#include "policyd/policyd.h"
#include "policyd/seen.h"
#include "policyd/sockets.h"
#include "service/host_config.h"
#include "util/err.h"
#include "util/log.h"

/* Domains whose route is not logged again: 4 marks of 8 octets a set. */
#define ROUTES_SETS 8192

static struct {
	struct sockets sockets;
	struct map_server *server; /* NULL: no socket is configured */
} maps;

static int
open_maps(struct policyd *d, const struct host_config *config)
{
	(void)d;
	return sockets_open(&maps.sockets, config->policyd_map_listen,
	    config->socket_group);
}

static void
turned_full(bool full)
{
	if (full)
		log_warning("policyd_max_clients (%u) reached: new clients of "
			    "tables wait",
		    map_server_count(maps.server));
	sockets_full(&maps.sockets, full);
}

static void
accepted(int fd, void *ctx)
{
	(void)ctx;
	map_server_add(maps.server, fd);
}

static int
start_maps(struct policyd *d, const struct host_config *config,
    struct event_base *base)
{
	if (maps.sockets.count == 0)
		return 0;
	d->routes = seen_new(ROUTES_SETS);
	if (d->routes == NULL)
		return ERR_NOMEM;
	maps.server = map_server_new(base, d, map_tables,
	    config->policyd_max_clients, turned_full);
	if (maps.server == NULL)
		return ERR_NOMEM;
	return sockets_start(&maps.sockets, base, accepted, NULL);
}

static void
reload_maps(struct policyd *d, const struct host_config *config)
{
	(void)d;
	if (maps.server != NULL)
		map_server_set_max(maps.server, config->policyd_max_clients);
}

static unsigned
drain_maps(struct policyd *d)
{
	(void)d;
	sockets_close(&maps.sockets);
	return maps.server != NULL ? map_server_drain(maps.server) : 0;
}

static void
stop_maps(struct policyd *d)
{
	sockets_close(&maps.sockets);
	map_server_free(maps.server);
	maps.server = NULL;
	seen_free(d->routes);
	d->routes = NULL;
}

const struct policyd_part part_map = {
	.name = "map",
	.open = open_maps,
	.start = start_maps,
	.reload = reload_maps,
	.drain = drain_maps,
	.stop = stop_maps,
};
