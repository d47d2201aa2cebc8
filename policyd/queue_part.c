/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue helper as a part of the daemon. */
#include "policyd/part.h"
#include "policyd/policyd.h"
#include "policyd/queue_client.h"
#include "service/service.h"

static int
part_open(struct policyd *d, const struct host_config *config)
{
	return queue_client_open(config, &d->queue);
}

static void
lost(void *ctx)
{
	(void)ctx;
	service_fail();
}

static int
part_start(struct policyd *d, const struct host_config *config,
    struct event_base *base)
{
	(void)config;
	queue_client_on_lost(d->queue, lost, NULL);
	return queue_client_start(d->queue, base);
}

static unsigned
part_drain(struct policyd *d)
{
	return queue_client_drain(d->queue);
}

static void
part_stop(struct policyd *d)
{
	if (d->queue != NULL)
		queue_client_stop(d->queue);
}

/* Other parts may ask until the store has called back for all. */
static void
part_closed(struct policyd *d)
{
	queue_client_free(d->queue);
	d->queue = NULL;
}

const struct policyd_part part_queue = {
	.name = "queue",
	.open = part_open,
	.start = part_start,
	.drain = part_drain,
	.stop = part_stop,
	.closed = part_closed,
};
