/* SPDX-License-Identifier: BSD-2-Clause */
/* What the milter daemon opens, starts and ends. */
#include "milter/milter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "milter/dmarc.h"
#include "milter/keeper.h"
#include "milter/meeting.h"
#include "milter/mlfi.h"
#include "milter/scan_client.h"
#include "milter/smime_expiry.h"
#include "milter/spool.h"
#include "net/loop.h"
#include "service/host_config.h"
#include "service/metrics.h"
#include "service/service.h"
#include "store/metrics_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"
#include "util/secret_file.h"

#define POLL_MS 5000 /* of the settings, should a publish be lost */
#define EXPIRY_MS (24 * 3600 * INT64_C(1000)) /* certificates are looked at */
#define SPOOL_MS 1000 /* when Redis has refused what waits in the spool */

static struct {
	struct milter host;
	struct master_key master;
	char redis_password[SECRET_FILE_MAX];
	char *host_name, *reinject;
	struct loop_timer *spool_timer, *expiry_timer, *nudge_timer;
	struct metrics_feed *metrics;
	bool stopping;
} daemon_state;

#define D daemon_state

static int
read_keys(const struct host_config *config)
{
	int rc = crypto_master_load(config->master_key_file, &D.master);

	if (rc < 0) {
		log_error("%s: %s", config->master_key_file,
		    rc == ERR_NOTFOUND ? "not there: make it with postern init"
		    : rc == ERR_DENIED ? "must be readable by its owner only"
				       : err_text(rc));
		return rc;
	}
	if ((rc = crypto_derive(&D.master, "verp", D.host.verp_key)) < 0 ||
	    (rc = crypto_derive(&D.master, "copy", D.host.copy_key)) < 0 ||
	    (rc = crypto_derive(&D.master, "trace", D.host.trace_key)) < 0 ||
	    (rc = crypto_derive(&D.master, "unsubscribe",
		 D.host.unsubscribe_key)) < 0)
		return rc;
	D.host.master = &D.master;
	rc = secret_file_read(config->redis_password_file, D.redis_password);
	if (rc < 0)
		log_error("%s: %s", config->redis_password_file,
		    secret_file_error(rc));
	return rc;
}

int
milter_open(const struct host_config *config)
{
	char error[300];
	int rc;

	if ((rc = read_keys(config)) < 0)
		return rc;
	rc =
	    mlfi_open(config->milter_listen, config->user, config->socket_group,
		config->milter_timeout_ms, error, sizeof(error));
	if (rc < 0)
		log_error("milter_listen: %s", error);
	return rc;
}

static void
on_store(bool up, const char *why, void *ctx)
{
	(void)ctx;
	if (up) {
		log_info("redis: connected");
		if (D.host.spool != NULL)
			spool_kick(D.host.spool);
	} else {
		log_warning("redis: away: %s", why);
	}
}

static void
look_at_certificates(void *ctx)
{
	struct settings *s = settings_current(D.host.watch);

	(void)ctx;
	metrics_set(METRIC_MILTER_SMIME_EXPIRING,
	    smime_expiry_warn(s, clock_wall_us() / 1000000));
	settings_unref(s);
	loop_timer_set(D.expiry_timer, EXPIRY_MS);
}

static void
on_settings(int rc, const char *text, void *ctx)
{
	(void)ctx;
	if (rc < 0) {
		log_error("settings: %s", text);
		return;
	}
	log_info("settings: %s", text);
	/* Not now: the first ones are told before the watcher is known. */
	loop_timer_set(D.expiry_timer, 0);
}

static int
start_store(const struct host_config *config, struct event_base *base)
{
	struct store_options options = { .address = config->redis,
		.user = config->redis_user,
		.password = D.redis_password,
		.database = config->redis_database,
		.timeout_ms = config->redis_timeout_ms };
	char error[300];
	int rc =
	    store_open(base, &options, &D.host.store, error, sizeof(error));

	if (rc < 0)
		log_error("redis: %s", error);
	crypto_wipe(D.redis_password, sizeof(D.redis_password));
	if (rc == 0)
		store_on_change(D.host.store, on_store, NULL);
	return rc;
}

static void
nudge(void *ctx)
{
	(void)ctx;
	mlfi_nudge();
	loop_timer_set(D.nudge_timer, MLFI_NUDGE_MS);
}

static void
kick_again(void *ctx)
{
	(void)ctx;
	spool_kick(D.host.spool);
	loop_timer_set(D.spool_timer, SPOOL_MS);
}

static void
set_gauges(void)
{
	metrics_set(METRIC_MILTER_IN_PROGRESS, mlfi_messages());
	metrics_set(METRIC_MILTER_SPOOL_OCTETS, spool_size(D.host.spool));
	metrics_set(METRIC_MILTER_REDIS_UP, store_is_up(D.host.store));
}

static int
print_metrics(const char *daemon, struct buf *out)
{
	set_gauges();
	return metrics_print(daemon, out);
}

static struct keeper_limits
keeper_limits(const struct host_config *config)
{
	return (struct keeper_limits){
		.message_octets =
		    (size_t)config->milter_quarantine_message_kb * 1024,
		.tenant_octets = (uint64_t)config->milter_quarantine_kb * 1024,
	};
}

static int
start_scan(const struct host_config *config)
{
	const struct keeper_limits limits = keeper_limits(config);
	int rc = 0;

	D.host.scan_timeout_ms = config->milter_scan_timeout_ms;
	if (*config->milter_scanner != '\0')
		rc = scan_client_new(config->milter_scanner, &D.host.scan);
	if (rc < 0) {
		log_error("milter_scanner: %s", err_text(rc));
		return rc;
	}
	return keeper_new(&D.host, &limits, &D.host.keeper);
}

int
milter_start(const struct host_config *config, struct event_base *base)
{
	int rc;

	D.host_name = strdup(config->host_name);
	if (D.host_name == NULL)
		return ERR_NOMEM;
	D.host.host_name = slice_of(D.host_name);
	D.host.inbound_max = (uint64_t)config->inbound_max_message_kb * 1024;
	D.host.line_max = config->smtp_line_length_limit;
	D.reinject = strdup(config->milter_reinject);
	if (D.reinject == NULL)
		return ERR_NOMEM;
	D.host.reinject = D.reinject;
	meeting_set_seats(config->milter_max_copies);
	if ((rc = start_store(config, base)) < 0)
		return rc;
	if ((D.host.dmarc = dmarc_new(base, D.host.store)) == NULL)
		return ERR_NOMEM;
	rc = spool_open(config->state_directory, config->milter_max_spool_kb,
	    D.host.store, &D.host.spool);
	if (rc < 0) {
		log_error("%s: %s", config->state_directory, err_text(rc));
		return rc;
	}
	if (spool_size(D.host.spool) > 0)
		log_info("facts of messages wait for Redis: %zu octets",
		    spool_size(D.host.spool));
	D.spool_timer = loop_timer_new(base, kick_again, NULL);
	if (D.spool_timer == NULL)
		return ERR_NOMEM;
	loop_timer_set(D.spool_timer, SPOOL_MS);
	D.nudge_timer = loop_timer_new(base, nudge, NULL);
	if (D.nudge_timer == NULL)
		return ERR_NOMEM;
	loop_timer_set(D.nudge_timer, MLFI_NUDGE_MS);
	D.expiry_timer = loop_timer_new(base, look_at_certificates, NULL);
	if (D.expiry_timer == NULL)
		return ERR_NOMEM;
	loop_timer_set(D.expiry_timer, EXPIRY_MS);
	D.metrics = metrics_feed_new(base, D.host.store, D.host.host_name,
	    "milter", print_metrics);
	if (D.metrics == NULL)
		return ERR_NOMEM;
	rc = settings_watch_start(base, D.host.store, config->state_directory,
	    &D.master, POLL_MS, on_settings, NULL, &D.host.watch);
	if (rc == 0)
		settings_watch_wait(D.host.watch, SETTINGS_WAIT_MS);
	return rc < 0 ? rc : start_scan(config);
}

int
milter_reload(const struct host_config *config)
{
	const struct keeper_limits limits = keeper_limits(config);

	spool_set_max(D.host.spool, config->milter_max_spool_kb);
	keeper_set_limits(D.host.keeper, &limits);
	return 0;
}

int
milter_run(void)
{
	return mlfi_run(&D.host);
}

unsigned
milter_drain(void)
{
	if (!D.stopping)
		mlfi_stop();
	D.stopping = true;
	/* The last messages may leave work for the keeper. */
	unsigned left = mlfi_messages();
	return left > 0 ? left : keeper_drain(D.host.keeper);
}

void
milter_stop(void)
{
	loop_timer_free(D.spool_timer);
	loop_timer_free(D.expiry_timer);
	loop_timer_free(D.nudge_timer);
	D.spool_timer = D.expiry_timer = D.nudge_timer = NULL;
	metrics_feed_free(D.metrics);
	D.metrics = NULL;
	keeper_free(D.host.keeper);
	scan_client_free(D.host.scan);
	settings_watch_stop(D.host.watch);
	store_close(D.host.store);
	dmarc_free(D.host.dmarc);
	spool_close(D.host.spool);
	mlfi_close();
	free(D.host_name);
	free(D.reinject);
	crypto_wipe(&D.master, sizeof(D.master));
	crypto_wipe(D.host.verp_key, sizeof(D.host.verp_key));
	crypto_wipe(D.host.copy_key, sizeof(D.host.copy_key));
	crypto_wipe(D.host.trace_key, sizeof(D.host.trace_key));
	crypto_wipe(D.host.unsubscribe_key, sizeof(D.host.unsubscribe_key));
	D.host = (struct milter){ .store = NULL };
	D.host_name = D.reinject = NULL;
}

void
milter_state(void)
{
	uint64_t accepted = metrics_get(METRIC_MILTER_ACCEPTED),
		 refused = metrics_get(METRIC_MILTER_REFUSED),
		 put_off = metrics_get(METRIC_MILTER_PUT_OFF),
		 discarded = metrics_get(METRIC_MILTER_DISCARDED);

	set_gauges();
	log_info("state: connections=%" PRIu64 ", messages=%" PRIu64
		 ", refused=%" PRIu64 ", put_off=%" PRIu64
		 ", discarded=%" PRIu64 ", in_progress=%" PRIu64
		 ", spool=%" PRIu64 ", redis=%s",
	    metrics_get(METRIC_MILTER_CONNECTIONS),
	    accepted + refused + put_off + discarded, refused, put_off,
	    discarded, metrics_get(METRIC_MILTER_IN_PROGRESS),
	    metrics_get(METRIC_MILTER_SPOOL_OCTETS),
	    metrics_get(METRIC_MILTER_REDIS_UP) > 0 ? "up" : "down");
	metrics_log("milter");
}
