/* SPDX-License-Identifier: BSD-2-Clause */
/* The API daemon put together: store, settings, HTTP server, webhooks. */
#include "apid/daemon.h"

#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apid/apid.h"
#include "apid/auth.h"
#include "apid/http.h"
#include "apid/inbound_load.h"
#include "apid/webhooks.h"
#include "net/listener.h"
#include "net/loop.h"
#include "service/host_config.h"
#include "service/metrics.h"
#include "store/event_store.h"
#include "store/metrics_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/buf.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"
#include "util/secret_file.h"

#define SETTINGS_POLL_MS 5000
#define REGISTER_MS (3600 * 1000) /* this host among those that have events */
#define PEM_MAX ((size_t)256 * 1024)

static struct {
	int fds[LISTENER_MAX];
	size_t fd_count;
	char password[SECRET_FILE_MAX];
	struct buf certificate, key;
	struct master_key master;
	char *host;
	struct metrics_feed *metrics;
	struct loop_timer *register_timer;
} own;

/* A small file whole; a path that is not set reads as empty. */
static int
read_file(const char *path, size_t max, struct buf *out)
{
	char block[4096];
	ssize_t n;
	int fd;

	buf_init(out, max);
	if (path == NULL || *path == '\0')
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		log_error("%s: %m", path);
		return ERR_IO;
	}
	while ((n = read(fd, block, sizeof(block))) > 0)
		if (buf_add(out, block, (size_t)n) < 0)
			break;
	close(fd);
	crypto_wipe(block, sizeof(block));
	if (n == 0 && out->rc == 0)
		return 0;
	log_error("%s: can not be read, or too large", path);
	return ERR_IO;
}

static void
wipe(struct buf *b)
{
	if (b->at != NULL)
		crypto_wipe(b->at, b->len);
	buf_done(b);
}

/* Keys must not cross a network in the clear. */
static bool
is_local(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	memset(&a, 0, sizeof(a));
	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return false;
	if (a.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&a;

		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	if (a.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 =
		    (const struct sockaddr_in6 *)&a;

		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	}
	return a.ss_family == AF_UNIX;
}

static int
open_sockets(const struct host_config *config)
{
	char error[256];
	int rc = listener_open(config->apid_listen, config->socket_group,
	    own.fds, error, sizeof(error));

	if (rc < 0) {
		log_error("%s", error);
		return rc;
	}
	own.fd_count = (size_t)rc;
	for (size_t i = 0; i < own.fd_count; i++) {
		if (own.certificate.len > 0 || is_local(own.fds[i]))
			continue;
		log_error("apid_listen: %s: other than loopback and unix: "
			  "needs apid_tls_certificate and apid_tls_key",
		    config->apid_listen);
		return ERR_CONFIG;
	}
	return 0;
}

int
daemon_open(const struct host_config *config)
{
	int rc;

	rc = secret_file_read(config->redis_password_file, own.password);
	if (rc < 0) {
		log_error("%s: %s", config->redis_password_file,
		    secret_file_error(rc));
		return rc;
	}
	if ((rc = read_file(config->apid_tls_certificate, PEM_MAX,
		 &own.certificate)) < 0 ||
	    (rc = read_file(config->apid_tls_key, PEM_MAX, &own.key)) < 0)
		return rc;
	rc = crypto_master_load(config->master_key_file, &own.master);
	if (rc < 0) {
		log_error("%s: %s", config->master_key_file, err_text(rc));
		return rc;
	}
	own.host = strdup(config->host_name);
	if (own.host == NULL)
		return ERR_NOMEM;
	apid.host = slice_of(own.host);
	return open_sockets(config);
}

static void
register_host(void *ctx)
{
	(void)ctx;
	host_register(apid.store, apid.host);
	loop_timer_set(own.register_timer, REGISTER_MS);
}

static void
store_turned(bool up, const char *why, void *ctx)
{
	(void)ctx;
	if (up) {
		log_info("redis: connected");
		loop_timer_set(own.register_timer, 0);
		if (apid.webhooks != NULL)
			webhooks_look(apid.webhooks);
	} else {
		log_warning("redis: away: %s", why);
	}
}

static void
settings_turned(int rc, const char *text, void *ctx)
{
	struct settings *settings;

	(void)ctx;
	if (rc < 0) {
		log_warning("settings: %s", text);
		return;
	}
	log_info("settings: %s", text);
	if (apid.watch == NULL || apid.webhooks == NULL)
		return; /* start: they follow */
	settings = settings_current(apid.watch);
	webhooks_settings(apid.webhooks, settings);
	settings_unref(settings);
}

static int
start_store(const struct host_config *config, struct event_base *base)
{
	struct store_options options = {
		.address = config->redis,
		.user = config->redis_user,
		.password = own.password,
		.database = config->redis_database,
		.timeout_ms = config->redis_timeout_ms,
	};
	char error[256];
	int rc;

	own.register_timer = loop_timer_new(base, register_host, NULL);
	if (own.register_timer == NULL)
		return ERR_NOMEM;
	rc = store_open(base, &options, &apid.store, error, sizeof(error));
	crypto_wipe(own.password, sizeof(own.password));
	if (rc < 0) {
		log_error("redis: %s", error);
		return rc;
	}
	store_on_change(apid.store, store_turned, NULL);
	rc = settings_watch_start(base, apid.store, config->state_directory,
	    &own.master, SETTINGS_POLL_MS, settings_turned, NULL, &apid.watch);
	if (rc == 0)
		settings_watch_wait(apid.watch, SETTINGS_WAIT_MS);
	return rc;
}

static int
start_http(const struct host_config *config, struct event_base *base)
{
	bool tls = own.certificate.len > 0;
	struct http_options options = {
		.fds = own.fds,
		.fd_count = own.fd_count,
		.max_clients = config->apid_max_clients,
		.max_body = (size_t)config->apid_max_body_kb * 1024,
	};
	int rc;

	if (tls && buf_text(&own.certificate)[0] != '\0' &&
	    buf_text(&own.key)[0] != '\0') {
		options.tls_certificate = own.certificate.at;
		options.tls_key = own.key.at;
	}
	rc = http_start(base, &options, api_handle, NULL, &apid.http);
	if (rc == ERR_CONFIG)
		log_error("http: certificate and key do not fit, or "
			  "libmicrohttpd has no TLS");
	return rc;
}

static int
print_metrics(const char *daemon, struct buf *out)
{
	const struct webhooks *w = apid.webhooks;

	metrics_set(METRIC_APID_WEBHOOKS_DELIVERED, w->delivered);
	metrics_set(METRIC_APID_WEBHOOKS_FAILED, w->failed);
	metrics_set(METRIC_APID_WEBHOOKS_DEAD, w->dead);
	metrics_set(METRIC_APID_WEBHOOKS_SENDING, w->sending);
	metrics_set(METRIC_APID_CLIENTS, http_clients(apid.http));
	metrics_set(METRIC_APID_REDIS_UP, store_is_up(apid.store));
	return metrics_print(daemon, out);
}

int
daemon_start(const struct host_config *config, struct event_base *base)
{
	struct settings *settings;
	int rc;

	if ((rc = start_store(config, base)) < 0)
		return rc;
	apid.auth = auth_new();
	if (apid.auth == NULL)
		return ERR_NOMEM;
	inbound_load_start(apid.store, &own.master);
	rc = webhooks_start(base, apid.store, config->webhook_private_addresses,
	    &apid.webhooks);
	if (rc < 0)
		return rc;
	settings = settings_current(apid.watch);
	webhooks_settings(apid.webhooks, settings);
	settings_unref(settings);
	if ((rc = start_http(config, base)) < 0)
		return rc;
	own.metrics = metrics_feed_new(base, apid.store, apid.host, "apid",
	    print_metrics);
	return own.metrics != NULL ? 0 : ERR_NOMEM;
}

int
daemon_reload(const struct host_config *config)
{
	/* All that apid reads there needs a restart. */
	(void)config;
	return 0;
}

unsigned
daemon_drain(void)
{
	unsigned owed = 0;

	if (apid.http != NULL)
		owed += http_drain(apid.http);
	if (apid.webhooks != NULL)
		owed += webhooks_drain(apid.webhooks);
	return owed;
}

void
daemon_stop(void)
{
	metrics_feed_free(own.metrics);
	webhooks_stop(apid.webhooks);
	settings_watch_stop(apid.watch);
	store_close(apid.store); /* all callbacks come */
	webhooks_free(apid.webhooks);
	http_stop(apid.http);
	auth_free(apid.auth);
	loop_timer_free(own.register_timer);
	for (size_t i = 0; i < own.fd_count; i++)
		listener_close(own.fds[i]);
	own.fd_count = 0;
	wipe(&own.key);
	crypto_wipe(own.password, sizeof(own.password));
	buf_done(&own.certificate);
	crypto_wipe(&own.master, sizeof(own.master));
	free(own.host);
}

void
daemon_state(void)
{
	log_info(
	    "state: clients=%u, webhooks_sending=%u, webhooks_delivered=%" PRIu64
	    ", webhooks_failed=%" PRIu64 ", webhooks_dead=%" PRIu64,
	    http_clients(apid.http), apid.webhooks->sending,
	    apid.webhooks->delivered, apid.webhooks->failed,
	    apid.webhooks->dead);
}
