/* SPDX-License-Identifier: BSD-2-Clause */
/* postern doctor: does the DNS have the key that messages are signed with?
 * RFC 6376, 3.6. */
#include <stdio.h>

#include "cli/cli_settings.h"
#include "cli/cli_store.h"
#include "cli/doctor.h"
#include "net/dns.h"
#include "proto/settings.h"
#include "service/host_config.h"
#include "util/buf.h"
#include "util/crypto.h"
#include "util/err.h"

#define DNS_TIMEOUT_MS 10000
#define NAME_MAX_OCTETS 512
#define KEY_MAX_OCTETS 4096

/*
 * The tag's value in a record "v=DKIM1; k=rsa; p=..."; blanks inside do not
 * count (RFC 6376, 3.2), so they are left out.
 */
static void
record_tag(struct slice record, char tag, struct buf *out)
{
	struct slice part;

	buf_clear(out);
	while (slice_split(&record, ';', &part)) {
		part = slice_trim(part);
		if (part.len < 2 || part.at[0] != tag)
			continue;
		part = slice_trim(slice_skip(part, 1));
		if (part.len == 0 || part.at[0] != '=')
			continue;
		for (size_t i = 1; i < part.len; i++)
			if (part.at[i] != ' ' && part.at[i] != '\t')
				buf_add_char(out, part.at[i]);
		return;
	}
}

static bool
has_key(const struct slice *texts, size_t count, struct slice want)
{
	bool found = false;
	struct buf key;

	buf_init(&key, KEY_MAX_OCTETS);
	for (size_t i = 0; i < count && !found; i++) {
		record_tag(texts[i], 'p', &key);
		found = slice_eq(buf_slice(&key), want);
	}
	buf_done(&key);
	return found;
}

static void
report_record(struct doctor *d, const char *name, int rc,
    const struct slice *texts, size_t count, struct slice want)
{
	if (rc == ERR_NOTFOUND)
		doctor_report(d, HEALTH_FAIL,
		    "publish the record that \"postern keys\" shows, or set"
		    " the key's state to prepared",
		    "DKIM: %s is not in the DNS", name);
	else if (rc < 0)
		doctor_report(d, HEALTH_WARN,
		    "try again; see that this host's DNS servers answer",
		    "DKIM: %s: %s", name, err_text(rc));
	else if (has_key(texts, count, want))
		doctor_report(d, HEALTH_OK, NULL, "DKIM: %s", name);
	else
		doctor_report(d, HEALTH_FAIL,
		    "publish the record that \"postern keys\" shows: receivers"
		    " take our signatures for forged",
		    "DKIM: %s holds another key", name);
}

static void
check_selector(struct doctor *d, const struct settings_domain *domain,
    const struct dkim_selector *selector)
{
	struct slice texts[DNS_TEXTS_MAX];
	char name[NAME_MAX_OCTETS];
	size_t count = 0;
	struct buf want;
	int rc;

	if (selector->state != DKIM_ACTIVE || selector->key == NULL)
		return;
	(void)snprintf(name, sizeof(name), "%.*s._domainkey.%.*s",
	    SLICE_F(selector->selector), SLICE_F(domain->name));
	buf_init(&want, KEY_MAX_OCTETS);
	rc = sign_key_public(selector->key, &want);
	if (rc == 0)
		rc = dns_txt_wait(d->dns_servers, name, DNS_TIMEOUT_MS,
		    d->arena, texts, DNS_TEXTS_MAX, &count);
	report_record(d, name, rc, texts, count, buf_slice(&want));
	buf_done(&want);
}

static void
check_tenants(struct doctor *d, const struct settings *settings)
{
	for (size_t i = 0; i < settings_tenant_count(settings); i++) {
		const struct tenant *t = settings_tenant_at(settings, i);

		for (size_t j = 0; j < t->domain_count; j++)
			for (size_t k = 0; k < t->domains[j].selector_count;
			     k++)
				check_selector(d, &t->domains[j],
				    &t->domains[j].selectors[k]);
	}
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
	settings_unref(settings);
}
