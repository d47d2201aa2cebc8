/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy server put together: sockets, store, settings, pipeline. */
#include "policyd/server.h"

#include <string.h>
#include <unistd.h>

#include "net/loop.h"
#include "policyd/clients.h"
#include "policyd/interval.h"
#include "policyd/map_transport.h"
#include "policyd/part.h"
#include "policyd/pipeline.h"
#include "policyd/policyd.h"
#include "policyd/refusals.h"
#include "policyd/report.h"
#include "policyd/seen.h"
#include "policyd/sockets.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "service/metrics.h"
#include "store/event_store.h"
#include "store/limit_store.h"
#include "store/metrics_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"
#include "util/secret_file.h"

/* How often a revision that no publish told is looked for. */
#define SETTINGS_POLL_MS 5000
/* How often the hosts are counted, for the local shares of limits. */
#define HOSTS_MS (5 * 60 * 1000)
/* Counted keys kept while Redis is away: some 700 octets each. */
#define LOCAL_KEYS 20000
/* Tenants, and clients of them, with an interval between messages. */
#define INTERVAL_KEYS 20000
/* Messages whose recipients are still arriving: 4 marks of 8 octets a set. */
#define SEEN_SETS 16384

static struct server {
	struct policyd shared;
	struct sockets sockets;
	struct clients *clients;
	struct pipeline *pipeline;
	struct loop_timer *hosts_timer;
	struct metrics_feed *metrics;
	bool started; /* the parts are, too */
	char password[SECRET_FILE_MAX];
} server;

#define EACH_PART(p) \
	for (const struct policyd_part *const *p = policyd_parts; *p != NULL; \
	     p++)

int
server_open(const struct host_config *config)
{
	int rc;

	rc = secret_file_read(config->redis_password_file, server.password);
	if (rc < 0) {
		log_error("%s: %s", config->redis_password_file,
		    secret_file_error(rc));
		return rc;
	}
	rc = sockets_open(&server.sockets, config->policyd_listen,
	    config->socket_group);
	if (rc < 0)
		return rc;
	server.shared.hosts = 1;
	server.shared.host = slice_of(config->host_name);
	EACH_PART(p)
	{
		rc =
		    (*p)->open != NULL ? (*p)->open(&server.shared, config) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void
prepare(struct request *r)
{
	const struct slice *attr = r->attrs->attr;
	struct tenant_match match = {
		.listener_port = attr[POLICY_SERVER_PORT],
		.sasl_user = attr[POLICY_SASL_USER],
		.client = attr[POLICY_CLIENT],
		.sender = r->sender,
	};

	/* Not logged in is not a user with an empty name. */
	if (match.sasl_user.len == 0)
		match.sasl_user.at = NULL;
	r->settings = settings_current(r->daemon->watch);
	r->tenant = settings_tenant_for(r->settings, &match);
	r->stream = settings_stream_for(r->tenant, &match);
	if (r->recipient.len > 0)
		r->back = settings_comes_back(r->settings, r->tenant,
		    match.sasl_user, match.client, r->recipient);
	if (r->recipient.len > 0 && r->back == NULL)
		map_transport_warm(r->daemon, r->settings, r->recipient);
}

static void
release(struct request *r)
{
	settings_unref(r->settings);
}

static void
hosts_counted(int rc, const struct slice *hosts, size_t count, void *ctx)
{
	(void)hosts;
	(void)ctx;
	/* While Redis is away the number known last holds. */
	if (rc == 0)
		server.shared.hosts = count > 0 ? (unsigned)count : 1;
}

static void
count_hosts(void *ctx)
{
	struct store *s = server.shared.store;

	(void)ctx;
	host_register(s, server.shared.host);
	host_list(s, store_deadline(s), hosts_counted, NULL);
	loop_timer_set(server.hosts_timer, HOSTS_MS);
}

static void
store_turned(bool up, const char *why, void *ctx)
{
	(void)ctx;
	if (!up) {
		log_warning("redis: away: %s", why);
		return;
	}
	log_info("redis: connected");
	loop_timer_set(server.hosts_timer, 0);
}

static void
settings_turned(int rc, const char *text, void *ctx)
{
	(void)ctx;
	if (rc < 0) {
		log_warning("settings: %s", text);
		return;
	}
	log_info("settings: %s", text);
	if (!server.started)
		return;
	EACH_PART(p)
	{
		if ((*p)->settings != NULL)
			(*p)->settings(&server.shared);
	}
}

static int
start_store(const struct host_config *config, struct event_base *base)
{
	struct policyd *d = &server.shared;
	struct store_options options = {
		.address = config->redis,
		.user = config->redis_user,
		.password = server.password,
		.database = config->redis_database,
		.timeout_ms = config->redis_timeout_ms,
	};
	char error[256];
	int rc;

	server.hosts_timer = loop_timer_new(base, count_hosts, NULL);
	d->refusals = refusals_new(base, d);
	if (server.hosts_timer == NULL || d->refusals == NULL)
		return ERR_NOMEM;
	rc = store_open(base, &options, &d->store, error, sizeof(error));
	crypto_wipe(server.password, sizeof(server.password));
	if (rc < 0) {
		log_error("redis: %s", error);
		return rc;
	}
	store_on_change(d->store, store_turned, NULL);
	rc = settings_watch_start(base, d->store, config->state_directory, NULL,
	    SETTINGS_POLL_MS, settings_turned, NULL, &d->watch);
	if (rc < 0)
		return rc;
	/* One that can not be used is no reason to serve nobody. */
	(void)settings_watch_providers(d->watch, config->provider_file);
	settings_watch_wait(d->watch, SETTINGS_WAIT_MS);
	return 0;
}

static void
accepted(int fd, void *ctx)
{
	(void)ctx;
	clients_add(server.clients, fd);
}

/* At policyd_max_clients the rest waits in the kernel's queue. */
static void
clients_turned_full(bool full)
{
	if (full)
		log_warning("policyd_max_clients (%u) reached: new clients "
			    "wait",
		    clients_count(server.clients));
	sockets_full(&server.sockets, full);
}

static int
start_clients(const struct host_config *config, struct event_base *base)
{
	struct policyd *d = &server.shared;
	struct pipeline_options options = {
		.rules = rules,
		.timeout_us = config->policyd_timeout_ms * 1000,
		.daemon = d,
		.prepare = prepare,
		.release = release,
		.note = report_note,
	};

	d->inbound_max = (uint64_t)config->inbound_max_message_kb * 1024;
	server.pipeline = pipeline_new(&options);
	if (server.pipeline == NULL)
		return ERR_NOMEM;
	server.clients = clients_new(base, d, server.pipeline,
	    config->policyd_max_clients, clients_turned_full);
	if (server.clients == NULL)
		return ERR_NOMEM;
	return sockets_start(&server.sockets, base, accepted, NULL);
}

static int
print_metrics(const char *daemon, struct buf *out)
{
	report_metrics(&server.shared,
	    server.clients != NULL ? clients_count(server.clients) : 0);
	return metrics_print(daemon, out);
}

static int
start_parts(const struct host_config *config, struct event_base *base)
{
	EACH_PART(p)
	{
		int rc = (*p)->start != NULL
			     ? (*p)->start(&server.shared, config, base)
			     : 0;

		if (rc < 0)
			return rc;
	}
	server.started = true;
	return 0;
}

/* What has begun when this fails is undone by server_stop(). */
int
server_start(const struct host_config *config, struct event_base *base)
{
	struct policyd *d = &server.shared;
	int rc;

	d->local = limit_local_new(LOCAL_KEYS);
	d->seen = seen_new(SEEN_SETS);
	d->intervals = intervals_new(INTERVAL_KEYS);
	if (d->local == NULL || d->seen == NULL || d->intervals == NULL)
		return ERR_NOMEM;
	if ((rc = start_store(config, base)) < 0)
		return rc;
	server.metrics =
	    metrics_feed_new(base, d->store, d->host, "policyd", print_metrics);
	if (server.metrics == NULL)
		return ERR_NOMEM;
	rc = start_parts(config, base);
	return rc == 0 ? start_clients(config, base) : rc;
}

int
server_reload(const struct host_config *config)
{
	server.shared.host = slice_of(config->host_name);
	(void)settings_watch_providers(server.shared.watch,
	    config->provider_file);
	pipeline_set_timeout(server.pipeline,
	    config->policyd_timeout_ms * 1000);
	clients_set_max(server.clients, config->policyd_max_clients);
	EACH_PART(p)
	{
		if ((*p)->reload != NULL)
			(*p)->reload(&server.shared, config);
	}
	return 0;
}

unsigned
server_drain(void)
{
	unsigned left;

	sockets_close(&server.sockets);
	left = clients_drain(server.clients);
	EACH_PART(p)
	{
		if ((*p)->drain != NULL)
			left += (*p)->drain(&server.shared);
	}
	return left;
}

/* The last one first. */
static void
stop_parts(bool store_is_closed)
{
	size_t n = 0;

	while (policyd_parts[n] != NULL)
		n++;
	while (n-- > 0) {
		const struct policyd_part *p = policyd_parts[n];
		void (*stop)(struct policyd *) =
		    store_is_closed ? p->closed : p->stop;

		if (stop != NULL)
			stop(&server.shared);
	}
}

void
server_stop(void)
{
	struct policyd *d = &server.shared;

	sockets_close(&server.sockets);
	metrics_feed_free(server.metrics);
	clients_free(server.clients);
	stop_parts(false);
	settings_watch_stop(d->watch);
	/* Calls back for everything under way: rules let go of requests. */
	store_close(d->store);
	stop_parts(true);
	refusals_free(d->refusals);
	pipeline_free(server.pipeline);
	loop_timer_free(server.hosts_timer);
	seen_free(d->seen);
	intervals_free(d->intervals);
	limit_local_free(d->local);
	memset(&server, 0, sizeof(server));
}

void
server_state(void)
{
	report_state(&server.shared, clients_count(server.clients),
	    pipeline_waiting(server.pipeline));
	EACH_PART(p)
	{
		if ((*p)->state != NULL)
			(*p)->state(&server.shared);
	}
}
