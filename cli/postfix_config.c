/* SPDX-License-Identifier: BSD-2-Clause */
/* Postfix's configuration by postconf(1): read as text, changed edit by edit.
 */
#include "cli/postfix_config.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli_settings.h"
#include "cli/cli_store.h"
#include "cli/command.h"
#include "cli/subprocess.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "util/buf.h"
#include "util/err.h"
#include "util/number.h"

#define OUTPUT_MAX ((size_t)4 * 1024 * 1024)
#define TIMEOUT_MS 30000

/* postconf -c FOLDER OPTION [NAME]; its output lives in the arena. */
static int
postconf_text(struct arena *arena, const char *folder, const char *option,
    const char *name, struct slice *ret_text)
{
	const char *const argv[] = { "postconf", "-c", folder, option, name,
		NULL };
	struct slice text;
	struct buf out;
	int rc;

	buf_init(&out, OUTPUT_MAX);
	rc = subprocess_run(argv, TIMEOUT_MS, SUBPROCESS_SHOW, &out);
	if (rc == 0) {
		text = arena_dup(arena, buf_slice(&out));
		if (text.at == NULL)
			rc = ERR_NOMEM;
		else
			*ret_text = text;
	} else if (rc == ERR_NOTFOUND) {
		cli_error("postconf is not there: is Postfix installed?");
	}
	buf_done(&out);
	return rc > 0 ? ERR_CONFIG : rc;
}

int
postfix_config_value(struct arena *arena, const char *folder, const char *name,
    struct slice *ret_value)
{
	struct slice text;
	int rc = postconf_text(arena, folder, "-hx", name, &text);

	if (rc == 0)
		*ret_value = slice_trim(text);
	return rc;
}

static int
postconf_values(struct arena *arena, const char *folder, const char *option,
    struct postfix_values *ret_values)
{
	struct slice text;
	size_t line;
	int rc = postconf_text(arena, folder, option, NULL, &text);

	if (rc == 0)
		rc = postfix_values_parse(arena, text, ret_values, &line);
	return rc;
}

static int
postconf_entries(struct arena *arena, const char *folder,
    struct postfix_values *ret_values)
{
	struct slice text;
	size_t line;
	int rc = postconf_text(arena, folder, "-M", NULL, &text);

	if (rc == 0)
		rc = postfix_entries_parse(arena, text, ret_values, &line);
	return rc;
}

int
postfix_config_read(struct arena *arena, const char *folder,
    struct postfix_now *ret_now)
{
	struct postfix_now now = { .before = NULL };
	int rc = postconf_values(arena, folder, "-n", &now.main);

	if (rc == 0)
		rc = postconf_values(arena, folder, "-d", &now.defaults);
	if (rc == 0)
		rc = postconf_values(arena, folder, "-P", &now.services);
	if (rc == 0)
		rc = postconf_entries(arena, folder, &now.entries);
	if (rc == 0)
		*ret_now = now;
	return rc;
}

int
postfix_config_wanted(struct arena *arena, const struct host_config *config,
    const char *folder, struct postfix_wanted *ret_wanted)
{
	struct postfix_wanted w = { .return_domain_count = 0 };
	struct slice queue;
	int rc = postfix_config_value(arena, folder, "queue_directory", &queue);

	if (rc < 0)
		return rc;
	w.policyd =
	    postfix_endpoint(arena, slice_of(config->policyd_listen), queue);
	w.milter =
	    postfix_endpoint(arena, slice_of(config->milter_listen), queue);
	w.map = postfix_endpoint(arena, slice_of(config->policyd_map_listen),
	    queue);
	w.bounced =
	    postfix_endpoint(arena, slice_of(config->bounced_listen), queue);
	w.reinject = postfix_service(arena, slice_of(config->milter_reinject));
	w.auth = postfix_endpoint(arena, slice_of(config->policyd_auth_listen),
	    queue);
	if (slice_starts(w.auth, SLICE("unix:")))
		w.auth = slice_skip(w.auth, 5);
	if (w.policyd.at == NULL || w.milter.at == NULL || w.map.at == NULL ||
	    w.auth.at == NULL || w.bounced.at == NULL)
		return ERR_NOMEM;
	*ret_wanted = w;
	return 0;
}

static int
add_domain(struct arena *arena, struct slice domain,
    struct slice domains[POSTFIX_RETURN_DOMAINS_MAX], size_t *count)
{
	if (domain.len == 0)
		return 0;
	for (size_t i = 0; i < *count; i++)
		if (slice_eq_nocase(domains[i], domain))
			return 0;
	if (*count == POSTFIX_RETURN_DOMAINS_MAX)
		return ERR_LIMIT;
	domain = arena_dup(arena, domain);
	if (domain.at == NULL)
		return ERR_NOMEM;
	domains[(*count)++] = domain;
	return 0;
}

static struct slice
seconds(struct arena *arena, int64_t n)
{
	char text[NUMBER_TEXT_MAX + 1];
	size_t len = number_format((uint64_t)n, text);

	text[len] = 's';
	return arena_dup(arena, (struct slice){ text, len + 1 });
}

static int
add_retry(struct arena *arena, const struct settings *s,
    struct postfix_wanted *w)
{
	struct retry_native n;

	w->retry_known = true;
	if (settings_retry_native(s, &n) == RETRY_BY_DEFAULT)
		return 0;
	w->minimal_backoff = seconds(arena, n.minimal_backoff_s);
	w->maximal_backoff = seconds(arena, n.maximal_backoff_s);
	w->queue_lifetime = seconds(arena, n.queue_lifetime_s);
	w->queue_run_delay = seconds(arena, n.queue_run_delay_s);
	return w->minimal_backoff.at != NULL && w->maximal_backoff.at != NULL &&
		       w->queue_lifetime.at != NULL &&
		       w->queue_run_delay.at != NULL
		   ? 0
		   : ERR_NOMEM;
}

/* What one tenant's relay access needs of Postfix. */
static unsigned
relay_of(const struct relay_settings *r)
{
	unsigned needs = POSTFIX_RELAY_ACCESS;

	if (r->authentication == RELAY_OFF)
		return 0;
	if (r->authentication != RELAY_NETWORK)
		needs |= POSTFIX_RELAY_AUTH;
	if (r->authentication != RELAY_NETWORK_OR_AUTH || r->refuse_others)
		needs |= POSTFIX_RELAY_CONNECT;
	return needs;
}

static void
add_relay(const struct settings *s, struct postfix_wanted *w)
{
	bool plain = false;

	w->relay_known = true;
	for (size_t i = 0; i < settings_tenant_count(s); i++) {
		const struct relay_settings *r =
		    &settings_tenant_at(s, i)->relay;
		unsigned needs = relay_of(r);

		w->relay |= needs;
		if ((needs & POSTFIX_RELAY_AUTH) != 0 && r->plain_text_auth)
			plain = true;
	}
	if ((w->relay & POSTFIX_RELAY_AUTH) != 0 && !plain)
		w->relay |= POSTFIX_RELAY_TLS;
	if (w->relay != 0 && settings_has_ports(s))
		w->relay |= POSTFIX_RELAY_PORTS;
}

int
postfix_config_settings(struct arena *arena, const struct host_config *config,
    struct slice domains[POSTFIX_RETURN_DOMAINS_MAX], size_t count,
    struct postfix_wanted *wanted)
{
	struct settings *settings;
	struct cli_store s;
	int rc = cli_store_open(config, &s);

	if (rc < 0)
		return rc;
	wanted->return_domains = domains;
	wanted->return_domain_count = count;
	rc = cli_settings_load(&s, NULL, &settings);
	cli_store_close(&s);
	if (rc < 0) {
		cli_error("what the settings want of Postfix is not known: %s",
		    err_text(rc));
		return 0;
	}
	for (size_t i = 0;
	     rc == 0 && i < settings_return_domain_count(settings); i++)
		rc = add_domain(arena,
		    settings_return_domain_at(settings, i)->name, domains,
		    &count);
	wanted->return_domain_count = count;
	if (rc == 0)
		rc = add_retry(arena, settings, wanted);
	add_relay(settings, wanted);
	wanted->shaping_known = true;
	wanted->shaping = settings_shaping(settings)->mode != MODE_OFF;
	settings_unref(settings);
	return rc;
}

/* One call of postconf for one edit: OPTION NAME or OPTION NAME=VALUE. */
static int
apply_one(const char *folder, const struct postfix_edit *e)
{
	static const char *const options[][2] = {
		[POSTFIX_MAIN_CF] = { "-X", "-e" },
		[POSTFIX_MASTER_CF] = { "-PX", "-P" },
		[POSTFIX_MASTER_ENTRY] = { "-MX", "-Me" },
	};
	const char *option = options[e->file][e->value.at != NULL];
	const char *argv[] = { "postconf", "-c", folder, option, NULL, NULL };
	struct buf text;
	int rc;

	buf_init(&text, OUTPUT_MAX);
	buf_add_slice(&text, e->name);
	if (e->value.at != NULL) {
		buf_add_char(&text, '=');
		buf_add_slice(&text, e->value);
	}
	argv[4] = buf_text(&text);
	rc = text.rc;
	if (rc == 0)
		rc = subprocess_run(argv, TIMEOUT_MS, SUBPROCESS_SHOW, NULL);
	if (rc != 0)
		cli_error("postconf %s %s failed", option, argv[4]);
	buf_done(&text);
	return rc > 0 ? ERR_CONFIG : rc;
}

int
postfix_config_apply(const char *folder, const struct postfix_edits *edits)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < edits->count; i++)
		rc = apply_one(folder, &edits->at[i]);
	return rc;
}
