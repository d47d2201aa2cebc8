/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates that end soon. */
#include "milter/smime_expiry.h"

#include "proto/settings.h"
#include "util/cms.h"
#include "util/log.h"

#define DAY_S (24 * 3600)

static size_t
warn_of(const struct tenant *t, const struct smime_certificate *c,
    int64_t now_s)
{
	int64_t left_s;

	if (!c->enabled || c->signer == NULL)
		return 0;
	left_s = cms_signer_not_after(c->signer) - now_s;
	if (left_s < 0)
		log_warning("smime: tenant=%.*s, for=%.*s: the certificate "
			    "has expired: mail goes without signature",
		    SLICE_F(t->name), SLICE_F(c->address));
	else if (left_s < (int64_t)t->smime.warn_days * DAY_S)
		log_warning("smime: tenant=%.*s, for=%.*s: the certificate "
			    "expires in %d days",
		    SLICE_F(t->name), SLICE_F(c->address),
		    (int)(left_s / DAY_S));
	else
		return 0;
	return 1;
}

size_t
smime_expiry_warn(const struct settings *s, int64_t now_s)
{
	size_t count = 0;

	for (size_t i = 0; i < settings_tenant_count(s); i++) {
		const struct tenant *t = settings_tenant_at(s, i);

		for (size_t n = 0; n < t->smime.certificate_count; n++)
			count += warn_of(t, &t->smime.certificates[n], now_s);
	}
	return count;
}
