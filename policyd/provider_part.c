/* SPDX-License-Identifier: BSD-2-Clause */
/* The providers of recipient domains as a part of the daemon. */
#include "policyd/part.h"
#include "policyd/policyd.h"
#include "policyd/providers.h"
#include "service/host_config.h"
#include "util/err.h"
#include "util/log.h"

static int
start_providers(struct policyd *d, const struct host_config *config,
    struct event_base *base)
{
	struct providers_options options = {
		.base = base,
		.store = d->store,
		.dns_timeout_ms = config->dns_timeout_ms,
		.max_domains = config->provider_cache_domains,
	};
	int rc;

	if (config->dns_servers[0] != '\0')
		options.dns_servers = config->dns_servers;
	rc = providers_new(&options, &d->providers);
	if (rc == ERR_SYNTAX)
		log_error("dns_servers: not a list of addresses");
	else if (rc < 0)
		log_error("dns: %s", err_text(rc));
	return rc;
}

static void
reload_providers(struct policyd *d, const struct host_config *config)
{
	providers_set_timeout(d->providers, config->dns_timeout_ms);
	providers_settings(d->providers); /* the provider file */
}

static void
settings_turned(struct policyd *d)
{
	providers_settings(d->providers);
}

static void
stop_providers(struct policyd *d)
{
	providers_stop(d->providers);
}

static void
free_providers(struct policyd *d)
{
	providers_free(d->providers);
	d->providers = NULL;
}

static void
tell_state(struct policyd *d)
{
	providers_tell(d->providers);
}

const struct policyd_part part_providers = {
	.name = "providers",
	.start = start_providers,
	.reload = reload_providers,
	.settings = settings_turned,
	.stop = stop_providers,
	.closed = free_providers,
	.state = tell_state,
};
