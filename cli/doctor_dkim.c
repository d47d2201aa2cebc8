/* SPDX-License-Identifier: BSD-2-Clause */
/* postern doctor: does the DNS have the key that messages are signed with?
 * RFC 6376, 3.6. */
#include "cli/cli_settings.h"
#include "cli/cli_store.h"
#include "cli/dkim_dns.h"
#include "cli/doctor.h"
#include "proto/dkim_record.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "util/crypto.h"
#include "util/err.h"

static void
report_key(struct doctor *d, const char *name, int rc)
{
	const char *text = rc >= 0 ? dkim_match_text((enum dkim_match)rc) : "";

	if (rc < 0)
		doctor_report(d, HEALTH_WARN,
		    "try again; see that this host's DNS servers answer",
		    "DKIM: %s: %s", name, err_text(rc));
	else if (rc == DKIM_MATCH_OK)
		doctor_report(d, HEALTH_OK, NULL, "DKIM: %s", name);
	else if (rc == DKIM_MATCH_NONE)
		doctor_report(d, HEALTH_FAIL,
		    "publish the record that \"postern keys\" shows, or set"
		    " the key's state to prepared",
		    "DKIM: %s %s", name, text);
	else
		doctor_report(d, HEALTH_FAIL,
		    "publish the record that \"postern keys\" shows, and no"
		    " other: receivers take our signatures for forged",
		    "DKIM: %s %s", name, text);
}

static void
check_selector(struct doctor *d, const struct settings_domain *domain,
    const struct dkim_selector *selector)
{
	char name[DKIM_DNS_NAME_MAX];

	if (selector->state != DKIM_ACTIVE || selector->key == NULL)
		return;
	dkim_dns_name(domain->name, selector->selector, name);
	report_key(d, name,
	    dkim_dns_look(d->dns_servers, name, selector->key,
		domain->subdomains, d->arena));
}

static void
check_domain(struct doctor *d, const struct settings_domain *domain)
{
	for (size_t i = 0; i < domain->selector_count; i++)
		check_selector(d, domain, &domain->selectors[i]);
}

static void
check_tenants(struct doctor *d, const struct settings *settings)
{
	for (size_t i = 0; i < settings_tenant_count(settings); i++) {
		const struct tenant *t = settings_tenant_at(settings, i);

		for (size_t j = 0; j < t->domain_count; j++)
			check_domain(d, &t->domains[j]);
	}
	if (settings_operator_domain(settings) != NULL)
		check_domain(d, settings_operator_domain(settings));
}

void
doctor_dkim(struct doctor *d)
{
	struct settings *settings;
	struct master_key master;
	struct cli_store s;
	int rc;

	/* Both were told of before. */
	if (crypto_master_load(d->config->master_key_file, &master) < 0 ||
	    cli_store_open(d->config, &s) < 0)
		return;
	rc = cli_settings_load(&s, &master, &settings);
	crypto_wipe(&master, sizeof(master));
	cli_store_close(&s);
	if (rc < 0) {
		doctor_report(d, HEALTH_FAIL, "see \"postern help settings\"",
		    "settings: %s", err_text(rc));
		return;
	}
	doctor_report(d, HEALTH_OK, NULL, "settings: %zu tenants",
	    settings_tenant_count(settings));
	check_tenants(d, settings);
	doctor_smime(d, settings);
	settings_unref(settings);
}
