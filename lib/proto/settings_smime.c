/* SPDX-License-Identifier: BSD-2-Clause */
/* The section smime of a tenant's settings: judged, compiled, looked up. */
#include <stdlib.h>

#include "proto/address.h"
#include "proto/json.h"
#include "proto/settings_check.h"
#include "proto/settings_work.h"
#include "util/arena.h"
#include "util/cms.h"
#include "util/crypto.h"
#include "util/err.h"

#define KEY_MAX 16384

/* ---- compiling ---- */

/* "user@example.com" or "@example.com", as addresses are compared. */
static struct slice
keep_owner(struct work *w, struct slice text)
{
	if (text.len > 0 && text.at[0] == '@')
		return work_keep_lower(w, text);
	return work_keep_address(w, text);
}

static void
compile_certificate(struct work *w, struct view v, struct smime_certificate *c)
{
	struct slice key =
	    work_open_secret(w, view_get(v, "key"), SETTINGS_WHERE_SMIME);
	struct cms_signer *signer = NULL;
	struct owned *o;
	int rc;

	c->address = keep_owner(w, view_string(view_get(v, "for")));
	c->enabled = view_bool(view_get(v, "enabled"));
	if (key.at == NULL || w->master == NULL || w->rc < 0)
		return;
	o = work_own(w);
	if (o == NULL)
		return;
	rc = cms_signer_parse(view_string(view_get(v, "chain")), key, &signer);
	if (rc < 0) {
		w->rc = rc;
		return;
	}
	o->signer = signer;
	c->signer = signer;
}

static int
compare_slices(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.at, b.at, len) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_certificates(const void *a, const void *b)
{
	const struct smime_certificate *x = a, *y = b;

	return compare_slices(x->address, y->address);
}

static int
compare_domains(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	return compare_slices(*x, *y);
}

void
work_smime(struct work *w, struct view v)
{
	struct view list = view_get(v, "certificates"),
		    excluded = view_get(v, "exclude_domains");
	size_t count = view_count(list), domains = view_count(excluded);
	struct smime_certificate *c = work_take(w, count, sizeof(*c));
	struct slice *d = work_take(w, domains, sizeof(*d));
	struct smime_settings *s = &w->t->smime;

	for (size_t i = 0; w->rc == 0 && i < count; i++)
		compile_certificate(w, view_at(list, i), &c[i]);
	for (size_t i = 0; w->rc == 0 && i < domains; i++)
		d[i] = work_keep_lower(w, view_string(view_at(excluded, i)));
	s->warn_days = (unsigned)view_integer(view_get(v, "warn_days"));
	if (w->rc < 0)
		return;
	qsort(c, count, sizeof(*c), compare_certificates);
	qsort(d, domains, sizeof(*d), compare_domains);
	s->certificates = c;
	s->certificate_count = count;
	s->exclude_domains = d;
	s->exclude_domain_count = domains;
}

/* ---- looking up ---- */

static const struct smime_certificate *
certificate_for(const struct smime_settings *s, struct slice owner)
{
	const struct smime_certificate want = { .address = owner }, *c;

	if (s->certificate_count == 0)
		return NULL;
	c = bsearch(&want, s->certificates, s->certificate_count,
	    sizeof(*s->certificates), compare_certificates);
	return c != NULL && c->enabled ? c : NULL;
}

const struct smime_certificate *
settings_smime_certificate(const struct tenant *t, struct slice address)
{
	const struct smime_certificate *c = certificate_for(&t->smime, address);
	struct slice domain = address_domain(address);

	if (c != NULL || domain.len == 0)
		return c;
	/* With the "@" before it. */
	return certificate_for(&t->smime,
	    (struct slice){ domain.at - 1, domain.len + 1 });
}

bool
settings_smime_excluded(const struct tenant *t, struct slice recipient)
{
	struct slice domain = address_domain(recipient);

	return t->smime.exclude_domain_count > 0 &&
	       bsearch(&domain, t->smime.exclude_domains,
		   t->smime.exclude_domain_count, sizeof(domain),
		   compare_domains) != NULL;
}

/* ---- judging ---- */

static void
check_signer(struct check *c, size_t i, struct slice owner,
    const struct cms_signer *signer)
{
	if (!cms_signer_names(signer, owner))
		check_wrong(c,
		    check_place("/smime/certificates/%zu/for", i).text,
		    "the certificate does not name \"%.*s\"", SLICE_F(owner));
	if (!cms_signer_for_mail(signer))
		check_wrong(c,
		    check_place("/smime/certificates/%zu/chain", i).text,
		    "the certificate is not for signing mail");
}

static void
told(struct check *c, size_t i, const char *member, const char *text)
{
	check_wrong(c,
	    check_place("/smime/certificates/%zu/%s", i, member).text, "%s",
	    text);
}

static void
check_pair(struct check *c, size_t i, struct slice owner, struct slice chain,
    struct slice key)
{
	struct cms_signer *signer = NULL;
	int rc = cms_signer_look(chain, &signer);

	if (rc < 0) {
		told(c, i, "chain",
		    rc == ERR_LIMIT ? "has more than 10 certificates"
				    : "is no certificate in PEM form");
		return;
	}
	check_signer(c, i, owner, signer);
	cms_signer_free(signer);
	if (key.at == NULL)
		return;
	signer = NULL;
	rc = cms_signer_parse(chain, key, &signer);
	if (rc == ERR_CONFLICT)
		told(c, i, "key", "is not the key of the certificate");
	else if (rc == ERR_LIMIT)
		told(c, i, "key",
		    "is too short or too long: RSA has 2048 to 8192 bits, EC "
		    "256 or more");
	else if (rc < 0)
		told(c, i, "key",
		    "is no private key in PEM form, RSA or EC, not encrypted");
	cms_signer_free(signer);
}

static void
check_owner(struct check *c, size_t i, struct slice owner)
{
	struct slice address, domain = slice_skip(owner, 1);
	char room[ADDRESS_MAX];

	if (owner.at[0] == '@' ? !address_domain_ok(domain)
			       : address_canonical(owner, room, &address) < 0 ||
				     address_domain(address).len == 0)
		told(c, i, "for", "is no mail address, and no \"@domain\"");
}

static void
check_certificate(struct check *c, size_t i, struct view v)
{
	struct slice owner = view_string(view_get(v, "for")),
		     chain = view_string(view_get(v, "chain")),
		     sealed = view_string(view_get(v, "key"));
	struct buf key;
	bool open =
	    sealed.len > 0 && (c->master != NULL || !crypto_is_sealed(sealed));

	if (owner.len == 0 || chain.len == 0)
		return; /* the schema has told */
	buf_init(&key, KEY_MAX);
	/* One that does not open is told of where all secrets are judged. */
	if (open && settings_open_secret(c->master, c->name,
			SETTINGS_WHERE_SMIME, sealed, &key) < 0)
		open = false;
	check_owner(c, i, owner);
	check_pair(c, i, owner, chain,
	    open ? buf_slice(&key) : (struct slice){ NULL, 0 });
	if (key.at != NULL)
		crypto_wipe(key.at, key.cap);
	buf_done(&key);
}

void
check_smime(struct check *c, struct view v)
{
	struct view list = view_get(v, "certificates");

	check_unique(c, list, "/smime/certificates", "for");
	for (size_t i = 0; i < view_count(list); i++)
		check_certificate(c, i, view_at(list, i));
}
