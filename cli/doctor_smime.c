/* SPDX-License-Identifier: BSD-2-Clause */
/* postern doctor: do certificates that sign mail end soon? */
#include <inttypes.h>

#include "cli/doctor.h"
#include "proto/settings.h"
#include "util/clock.h"
#include "util/cms.h"

#define DAY_S (24 * 3600)

static void
check_certificate(struct doctor *d, const struct tenant *t,
    const struct smime_certificate *c)
{
	static const char remedy[] =
	    "get a new certificate, then \"postern smime import\"";
	int64_t left_s;

	if (!c->enabled || c->signer == NULL)
		return;
	left_s = cms_signer_not_after(c->signer) - clock_wall_us() / 1000000;
	if (left_s < 0)
		doctor_report(d, HEALTH_FAIL, remedy,
		    "S/MIME: tenant %.*s, %.*s: the certificate has expired: "
		    "mail goes without signature",
		    SLICE_F(t->name), SLICE_F(c->address));
	else
		doctor_report(d,
		    left_s < (int64_t)t->smime.warn_days * DAY_S ? HEALTH_WARN
								 : HEALTH_OK,
		    left_s < (int64_t)t->smime.warn_days * DAY_S ? remedy
								 : NULL,
		    "S/MIME: tenant %.*s, %.*s: %" PRId64 " days left",
		    SLICE_F(t->name), SLICE_F(c->address), left_s / DAY_S);
}

void
doctor_smime(struct doctor *d, const struct settings *settings)
{
	for (size_t i = 0; i < settings_tenant_count(settings); i++) {
		const struct tenant *t = settings_tenant_at(settings, i);

		for (size_t n = 0; n < t->smime.certificate_count; n++)
			check_certificate(d, t, &t->smime.certificates[n]);
	}
}
