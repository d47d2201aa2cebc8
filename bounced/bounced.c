/* SPDX-License-Identifier: BSD-2-Clause */
/* The bounce reader put together: store, log follower, counting, LMTP. */
#include "bounced/bounced.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bounced/alarms.h"
#include "bounced/consumer.h"
#include "bounced/correlate.h"
#include "bounced/follower.h"
#include "bounced/forward.h"
#include "bounced/inbound.h"
#include "bounced/intake.h"
#include "bounced/lmtp_server.h"
#include "bounced/log_source.h"
#include "bounced/returns.h"
#include "bounced/submit.h"
#include "net/listener.h"
#include "net/loop.h"
#include "proto/address.h"
#include "proto/bounce_rules.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "service/metrics.h"
#include "store/event_store.h"
#include "store/metrics_store.h"
#include "store/retention_store.h"
#include "store/settings_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"
#include "util/secret_file.h"

#define SETTINGS_POLL_MS 5000
#define REGISTER_MS (3600 * 1000) /* this host among those that have events */

static struct bounced {
	char *host, *names, *checkpoint, *state_directory, *submit_to;
	struct master_key master;
	struct correlate_keys keys;
	uint8_t copy_key[CRYPTO_SHA256_LEN];
	char password[SECRET_FILE_MAX];
	int fds[LISTENER_MAX];
	size_t fd_count;
	struct store *store;
	struct settings_watch *settings;
	bool sweeping;
	unsigned swept_days; /* that were set; 0: none yet */
	int64_t swept_on;    /* day since 1970 */
	struct follower *follower;
	struct consumer *consumer;
	struct submit *submit;
	struct returns *returns;
	struct alarms *alarms;
	struct forward *forward;
	struct intake *intake;
	struct inbound *inbound;
	struct lmtp_server *server;
	struct loop_timer *register_timer;
	struct metrics_feed *metrics;
} bounced;

static int
read_keys(const char *path)
{
	int rc = crypto_master_load(path, &bounced.master);

	if (rc == 0)
		rc = crypto_derive(&bounced.master, "verp", bounced.keys.verp);
	if (rc == 0)
		rc =
		    crypto_derive(&bounced.master, "trace", bounced.keys.trace);
	if (rc == 0)
		rc = crypto_derive(&bounced.master, "copy", bounced.copy_key);
	if (rc < 0)
		log_error("%s: %s", path, err_text(rc));
	return rc;
}

int
bounced_open(const struct host_config *config)
{
	char error[256];
	int rc;

	rc = secret_file_read(config->redis_password_file, bounced.password);
	if (rc < 0) {
		log_error("%s: %s", config->redis_password_file,
		    secret_file_error(rc));
		return rc;
	}
	if ((rc = read_keys(config->master_key_file)) < 0)
		return rc;
	tzset(); /* the zone of traditional time stamps */
	rc = listener_open(config->bounced_listen, config->socket_group,
	    bounced.fds, error, sizeof(error));
	if (rc < 0) {
		log_error("%s", error);
		return rc;
	}
	bounced.fd_count = (size_t)rc;
	return 0;
}

static void
store_turned(bool up, const char *why, void *ctx)
{
	(void)ctx;
	if (!up) {
		log_warning("redis: away: %s", why);
	} else {
		log_info("redis: connected");
		loop_timer_set(bounced.register_timer, 0);
	}
	if (bounced.follower != NULL)
		follower_store_changed(bounced.follower, up);
}

static void
swept(int rc, unsigned days, void *ctx)
{
	(void)ctx;
	(void)days;
	bounced.sweeping = false;
	if (rc == 0)
		return;
	/* Tried again with the next registration. */
	bounced.swept_days = 0;
	log_debug("retention: %s", err_text(rc));
}

/* Once a day, and when events are to be kept longer or shorter. */
static void
sweep_days(void)
{
	unsigned days = store_events_days(bounced.store);
	int64_t today = clock_wall_us() / 1000000 / 86400;
	struct settings *settings = settings_current(bounced.settings);
	size_t count = settings != NULL ? settings_tenant_count(settings) : 0;
	struct slice *tenants = calloc(count + 1, sizeof(*tenants));

	if (settings != NULL && tenants != NULL && !bounced.sweeping &&
	    (days != bounced.swept_days || today != bounced.swept_on)) {
		bounced.sweeping = true;
		bounced.swept_days = days;
		bounced.swept_on = today;
		for (size_t i = 0; i < count; i++)
			tenants[i] = settings_tenant_at(settings, i)->name;
		retention_sweep(bounced.store, slice_of(bounced.host), tenants,
		    count, swept, NULL);
	}
	free(tenants);
	settings_unref(settings);
}

static void
register_host(void *ctx)
{
	(void)ctx;
	host_register(bounced.store, slice_of(bounced.host));
	sweep_days();
	loop_timer_set(bounced.register_timer, REGISTER_MS);
}

static void
settings_turned(int rc, const char *text, void *ctx)
{
	(void)ctx;
	if (rc < 0)
		log_warning("settings: %s", text);
	else
		log_info("settings: %s", text);
	/* Perhaps with another retention. */
	loop_timer_set(bounced.register_timer, 0);
}

static int
start_store(const struct host_config *config, struct event_base *base)
{
	struct store_options options = {
		.address = config->redis,
		.user = config->redis_user,
		.password = bounced.password,
		.database = config->redis_database,
		.timeout_ms = config->redis_timeout_ms,
	};
	char error[256];

	bounced.register_timer = loop_timer_new(base, register_host, NULL);
	if (bounced.register_timer == NULL)
		return ERR_NOMEM;
	int rc =
	    store_open(base, &options, &bounced.store, error, sizeof(error));
	crypto_wipe(bounced.password, sizeof(bounced.password));
	if (rc < 0) {
		log_error("redis: %s", error);
		return rc;
	}
	store_on_change(bounced.store, store_turned, NULL);
	rc = settings_watch_start(base, bounced.store, config->state_directory,
	    NULL, SETTINGS_POLL_MS, settings_turned, NULL, &bounced.settings);
	if (rc < 0)
		return rc;
	/* Whose mailbox a recipient's is: by the filters of that file, too. */
	(void)settings_watch_providers(bounced.settings, config->provider_file);
	settings_watch_wait(bounced.settings, SETTINGS_WAIT_MS);
	return 0;
}

/* Events were written: their errors are counted at once. */
static void
events_written(void *ctx)
{
	(void)ctx;
	consumer_kick(bounced.consumer);
}

/* What Postfix hands to this daemon is nobody's delivery. */
static bool
comes_back(struct slice recipient, void *ctx)
{
	struct settings *s = settings_current(bounced.settings);
	bool back =
	    settings_return_domain(s, address_domain(recipient)) != NULL;

	(void)ctx;
	settings_unref(s);
	return back;
}

static int
start_follower(const struct host_config *config, struct event_base *base)
{
	struct follower_options options = {
		.host = slice_of(bounced.host),
		.names = slice_of(bounced.names),
		.settings = bounced.settings,
		.source = bounced.checkpoint,
		.state_directory = bounced.state_directory,
		.comes_back = comes_back,
		.committed = events_written,
	};
	struct log_source *source;

	if (strcmp(config->maillog, "journal") == 0) {
		source = log_journal_new();
		if (source == NULL) {
			log_error("maillog: the journal can not be read, or "
				  "this program was built without it");
			return ERR_CONFIG;
		}
	} else if ((source = log_file_new(config->maillog)) == NULL) {
		return ERR_NOMEM;
	}
	return follower_start(base, bounced.store, source, &options,
	    &bounced.follower);
}

static int
start_own_mail(struct event_base *base)
{
	struct returns_options options = { .host = slice_of(bounced.host),
		.copy_key = bounced.copy_key };

	bounced.submit = submit_new(base, bounced.submit_to, bounced.host);
	if (bounced.submit == NULL)
		return ERR_NOMEM;
	bounced.returns = returns_new(bounced.store, bounced.settings,
	    bounced.submit, &options);
	bounced.alarms = alarms_new(bounced.submit, slice_of(bounced.host),
	    bounced.copy_key);
	bounced.forward = forward_new(bounced.submit, bounced.copy_key);
	return bounced.returns != NULL && bounced.alarms != NULL &&
		       bounced.forward != NULL
		   ? 0
		   : ERR_NOMEM;
}

static int
start_intake(const struct host_config *config, struct event_base *base)
{
	struct lmtp_options options = {
		.fds = bounced.fds,
		.fd_count = bounced.fd_count,
		.host = slice_of(bounced.host),
		.max_clients = config->bounced_max_clients,
		.max_message = (size_t)config->bounced_max_message_kb * 1024,
		.max_inbound = (size_t)config->inbound_max_message_kb * 1024,
	};
	const struct inbound_options inbound = {
		.host = slice_of(bounced.host),
		.master = &bounced.master,
		.octets_max = (uint64_t)config->inbound_max_kb * 1024,
	};

	bounced.intake = intake_new(bounced.store, bounced.settings,
	    slice_of(bounced.host), &bounced.keys, events_written);
	bounced.inbound = inbound_new(bounced.store, &inbound);
	if (bounced.intake == NULL || bounced.inbound == NULL)
		return ERR_NOMEM;
	intake_set_returns(bounced.intake, bounced.returns);
	return lmtp_server_start(base, bounced.store,
	    &(struct readers){ bounced.settings, bounced.intake,
		bounced.inbound, bounced.forward },
	    &options, &bounced.server);
}

static void
set_metrics(void)
{
	const struct follower_counters *f = follower_counters(bounced.follower);
	const struct consumer_counters *c = consumer_counters(bounced.consumer);
	const struct intake_counters *i = intake_counters(bounced.intake);
	const struct returns_counters *r = returns_counters(bounced.returns);
	const struct forward_counters *w = forward_counters(bounced.forward);
	const struct inbound_counters *in = inbound_counters(bounced.inbound);
	const struct {
		enum metric metric;
		uint64_t value;
	} rows[] = {
		{ METRIC_BOUNCED_LOG_LINES, f->lines },
		{ METRIC_BOUNCED_LOG_OPERATIONS, f->operations },
		{ METRIC_BOUNCED_LOG_BATCHES, f->batches },
		{ METRIC_BOUNCED_LOG_CONFLICTS, f->conflicts },
		{ METRIC_BOUNCED_LOG_FAILURES, f->failures },
		{ METRIC_BOUNCED_LOG_GAPS, f->gaps },
		{ METRIC_BOUNCED_EVENTS, c->events },
		{ METRIC_BOUNCED_COUNTED, c->counted },
		{ METRIC_BOUNCED_BLOCKED, c->blocked },
		{ METRIC_BOUNCED_WOULD_BLOCK, c->would },
		{ METRIC_BOUNCED_COUNTING_FAILURES, c->failures },
		{ METRIC_BOUNCED_FROZEN, c->frozen },
		{ METRIC_BOUNCED_LIFTED, c->lifted },
		{ METRIC_BOUNCED_RELEASED, c->released },
		{ METRIC_BOUNCED_OUTBREAKS, c->outbreaks },
		{ METRIC_BOUNCED_OUTBREAKS_GOING, c->going },
		{ METRIC_BOUNCED_RECORDED, i->recorded },
		{ METRIC_BOUNCED_DUPLICATE, i->duplicate },
		{ METRIC_BOUNCED_UNKNOWN, i->unknown },
		{ METRIC_BOUNCED_BAD_SIGNATURE, i->bad_signature },
		{ METRIC_BOUNCED_EXPIRED, i->expired },
		{ METRIC_BOUNCED_NO_ENVELOPE_ID, i->unsigned_mail },
		{ METRIC_BOUNCED_NO_FAILURE, i->no_failure },
		{ METRIC_BOUNCED_NOT_COUNTED, i->not_counted },
		{ METRIC_BOUNCED_TROUBLE, i->trouble },
		{ METRIC_BOUNCED_COMPLAINTS, i->complaints },
		{ METRIC_BOUNCED_NOT_SPAM, i->not_spam },
		{ METRIC_BOUNCED_NO_COMPLAINT, i->no_complaint },
		{ METRIC_BOUNCED_UNATTRIBUTED, i->unattributed },
		{ METRIC_BOUNCED_INBOUND_KEPT, in->kept },
		{ METRIC_BOUNCED_INBOUND_DUPLICATE, in->duplicate },
		{ METRIC_BOUNCED_INBOUND_DROPPED, in->dropped },
		{ METRIC_BOUNCED_INBOUND_FULL, in->full },
		{ METRIC_BOUNCED_INBOUND_TROUBLE, in->trouble },
		{ METRIC_BOUNCED_FORWARD_SENT, w->sent },
		{ METRIC_BOUNCED_FORWARD_REFUSED, w->refused },
		{ METRIC_BOUNCED_FORWARD_TROUBLE, w->trouble },
		{ METRIC_BOUNCED_PASSED_ON, r->passed_on },
		{ METRIC_BOUNCED_PASSED_REFUSED, r->refused },
		{ METRIC_BOUNCED_PASSED_TROUBLE, r->trouble },
		{ METRIC_BOUNCED_CLIENTS, lmtp_server_clients(bounced.server) },
		{ METRIC_BOUNCED_REDIS_UP, store_is_up(bounced.store) },
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
		metrics_set(rows[k].metric, rows[k].value);
}

static int
print_metrics(const char *daemon, struct buf *out)
{
	set_metrics();
	return metrics_print(daemon, out);
}

static void
bad_rule(unsigned line, const char *message, void *ctx)
{
	const char *const *path = ctx;

	log_error("bounce rules: %s:%u: %s", *path, line, message);
}

/* What is wrong with them is logged; then those in use stay. */
static int
use_rules(const struct host_config *config)
{
	const char *path = config->bounce_rules;
	struct slice none = { NULL, 0 };
	struct bounce_rules *rules;
	int rc = path[0] == '\0'
		     ? bounce_rules_make(none, bad_rule, &path, &rules)
		     : bounce_rules_load(path, bad_rule, &path, &rules);

	if (rc < 0)
		return rc;
	follower_use_rules(bounced.follower, rules);
	intake_use_rules(bounced.intake, rules);
	bounce_rules_unref(rules);
	return 0;
}

/* What has begun when this fails is undone by bounced_stop(). */
int
bounced_start(const struct host_config *config, struct event_base *base)
{
	int rc;

	bounced.host = strdup(config->host_name);
	bounced.names = strdup(config->maillog_names);
	bounced.state_directory = strdup(config->state_directory);
	bounced.submit_to = strdup(config->milter_reinject);
	if (asprintf(&bounced.checkpoint, "log:%.150s", config->maillog) < 0)
		bounced.checkpoint = NULL;
	if (bounced.host == NULL || bounced.names == NULL ||
	    bounced.state_directory == NULL || bounced.submit_to == NULL ||
	    bounced.checkpoint == NULL)
		return ERR_NOMEM;
	if ((rc = start_store(config, base)) < 0 ||
	    (rc = start_own_mail(base)) < 0 ||
	    (rc = consumer_start(base, bounced.store, bounced.settings,
		 slice_of(bounced.host), bounced.alarms, &bounced.consumer)) <
		0 ||
	    (rc = start_follower(config, base)) < 0)
		return rc;
	if ((rc = start_intake(config, base)) < 0 ||
	    (rc = use_rules(config)) < 0)
		return rc;
	bounced.metrics = metrics_feed_new(base, bounced.store,
	    slice_of(bounced.host), "bounced", print_metrics);
	return bounced.metrics != NULL ? 0 : ERR_NOMEM;
}

int
bounced_reload(const struct host_config *config)
{
	int rc = use_rules(config);

	if (rc < 0)
		return rc;
	lmtp_server_limits(bounced.server, config->bounced_max_clients,
	    (size_t)config->bounced_max_message_kb * 1024,
	    (size_t)config->inbound_max_message_kb * 1024);
	inbound_limit(bounced.inbound, (uint64_t)config->inbound_max_kb * 1024);
	(void)settings_watch_providers(bounced.settings, config->provider_file);
	return 0;
}

unsigned
bounced_drain(void)
{
	unsigned left = lmtp_server_drain(bounced.server);

	if (!follower_drain(bounced.follower))
		left++;
	if (!consumer_drain(bounced.consumer))
		left++;
	return left;
}

void
bounced_stop(void)
{
	/* First what is under way calls back, into what still stands. */
	if (bounced.follower != NULL)
		(void)follower_drain(bounced.follower);
	if (bounced.consumer != NULL)
		(void)consumer_drain(bounced.consumer);
	metrics_feed_free(bounced.metrics);
	settings_watch_stop(bounced.settings);
	store_close(bounced.store);
	submit_free(bounced.submit);
	lmtp_server_stop(bounced.server);
	intake_free(bounced.intake);
	returns_free(bounced.returns);
	alarms_free(bounced.alarms);
	forward_free(bounced.forward);
	inbound_free(bounced.inbound);
	follower_stop(bounced.follower);
	consumer_stop(bounced.consumer);
	loop_timer_free(bounced.register_timer);
	for (size_t i = 0; i < bounced.fd_count; i++)
		listener_close(bounced.fds[i]);
	free(bounced.host);
	free(bounced.names);
	free(bounced.state_directory);
	free(bounced.checkpoint);
	free(bounced.submit_to);
	crypto_wipe(&bounced, sizeof(bounced));
}

void
bounced_state(void)
{
	const struct follower_counters *f = follower_counters(bounced.follower);
	const struct consumer_counters *c = consumer_counters(bounced.consumer);
	const struct intake_counters *i = intake_counters(bounced.intake);
	const struct inbound_counters *in = inbound_counters(bounced.inbound);

	log_info("log: lines=%" PRIu64 ", operations=%" PRIu64
		 ", batches=%" PRIu64 ", conflicts=%" PRIu64
		 ", failures=%" PRIu64 ", gaps=%" PRIu64,
	    f->lines, f->operations, f->batches, f->conflicts, f->failures,
	    f->gaps);
	log_info("counting: events=%" PRIu64 ", counted=%" PRIu64
		 ", blocked=%" PRIu64 ", would=%" PRIu64 ", failures=%" PRIu64
		 ", frozen=%" PRIu64 ", lifted=%" PRIu64 ", released=%" PRIu64
		 ", outbreaks=%" PRIu64 ", going=%" PRIu64,
	    c->events, c->counted, c->blocked, c->would, c->failures, c->frozen,
	    c->lifted, c->released, c->outbreaks, c->going);
	log_info("intake: mails=%" PRIu64 ", recorded=%" PRIu64
		 ", duplicate=%" PRIu64 ", unknown=%" PRIu64
		 ", bad-signature=%" PRIu64 ", expired=%" PRIu64
		 ", no-envelope-id=%" PRIu64 ", no-failure=%" PRIu64
		 ", not-counted=%" PRIu64 ", trouble=%" PRIu64 ", clients=%u",
	    i->mails, i->recorded, i->duplicate, i->unknown, i->bad_signature,
	    i->expired, i->unsigned_mail, i->no_failure, i->not_counted,
	    i->trouble, lmtp_server_clients(bounced.server));
	log_info("complaints: recorded=%" PRIu64 ", not-spam=%" PRIu64
		 ", auth-failure=%" PRIu64 ", not-attributed=%" PRIu64,
	    i->complaints, i->not_spam, i->no_complaint, i->unattributed);
	log_info("inbound: kept=%" PRIu64 ", duplicate=%" PRIu64
		 ", dropped=%" PRIu64 ", full=%" PRIu64 ", trouble=%" PRIu64,
	    in->kept, in->duplicate, in->dropped, in->full, in->trouble);
}
