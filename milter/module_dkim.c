/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DKIM signatures (RFC 6376, RFC 8463) with every active key of the domain in
 * From, and of the operator's domain, over the message as it will leave.  Mail
 * without exactly one From field is not signed.  Where signing is set up but
 * fails, the message is put off: it never leaves unsigned.
 */
#include "milter/dkim_header.h"
#include "milter/milter.h"
#include "milter/module.h"
#include "proto/line_break.h"
#include "proto/mailbox.h"
#include "service/metrics.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"

#define VALUE_MAX (64 * 1024) /* of a signature field */
#define NAMES_MAX 500         /* of signatures, on the log line */

/* One hash for each canonical form of the body that is asked for. */
struct body_hash {
	struct crypto_hash *hash; /* NULL: not asked for */
	struct dkim_body body;
	uint8_t octets[CRYPTO_SHA256_LEN];
};

struct dkim_work {
	bool failed;
	const struct settings_domain *domain,
	    *own;              /* the operator's; NULL: none */
	struct slice identity; /* i=, or absent */
	struct line_break lines;
	struct body_hash bodies[2]; /* by enum dkim_canon */
};

static enum dkim_canon
header_canon(const struct settings_domain *d)
{
	return d->simple_header ? DKIM_SIMPLE : DKIM_RELAXED;
}

static enum dkim_canon
body_canon(const struct settings_domain *d)
{
	return d->simple_body ? DKIM_SIMPLE : DKIM_RELAXED;
}

static bool
signs(const struct settings_domain *domain)
{
	for (size_t i = 0; domain != NULL && i < domain->selector_count; i++)
		if (domain->selectors[i].state == DKIM_ACTIVE)
			return true;
	return false;
}

/* ---- whose signature ---- */

static const struct settings_domain *
domain_of(const struct message *msg, struct slice address)
{
	return settings_signing_domain(msg->tenant, address_domain(address));
}

/* The domain of the only mailbox of the only Sender field; or NULL. */
static const struct settings_domain *
sender_domain(const struct message *msg)
{
	const struct message_field *sender = message_find(msg, "Sender", 0);
	char room[ADDRESS_MAX];
	struct slice rest, address;
	const struct settings_domain *domain;

	if (sender == NULL || message_find(msg, "Sender", 1) != NULL)
		return NULL;
	rest = sender->field.value;
	if (!mailbox_next(&rest, room, &address))
		return NULL;
	domain = domain_of(msg, address);
	return mailbox_next(&rest, room, &address) ? NULL : domain;
}

/* RFC 6376, 3.5, i=: tells the reader which sub-domain it is. */
static struct slice
identity_of(struct message *msg, const struct settings_domain *domain,
    struct slice address)
{
	struct slice name = address_domain(address);

	if (domain == NULL || slice_eq_nocase(name, domain->name) ||
	    !address_domain_ok(name))
		return (struct slice){ NULL, 0 };
	/* With its "@". */
	return message_keep(msg, (struct slice){ name.at - 1, name.len + 1 });
}

/*
 * Who signs, from the one From field.  RFC 5322, 3.6.2: with several authors
 * Sender must say who sent it.  Where the authors are not all of one domain of
 * ours, the Sender's domain signs if one of the authors is of it; else none
 * does: a signature would vouch for authors that it knows nothing of.
 * False: there is no author.
 */
static bool
choose_domain(struct message *msg, struct dkim_work *s)
{
	struct slice rest = message_find(msg, "From", 0)->field.value, address;
	const struct settings_domain *first = NULL, *sender, *d;
	char room[ADDRESS_MAX];
	bool same = true, has_sender = false;
	size_t count = 0;

	sender = sender_domain(msg);
	while (mailbox_next(&rest, room, &address)) {
		d = domain_of(msg, address);
		if (count++ == 0) {
			first = d;
			s->identity = identity_of(msg, d, address);
		}
		same = same && d == first;
		has_sender = has_sender || (d != NULL && d == sender);
	}
	if (count > 1)
		s->identity = (struct slice){ NULL, 0 };
	s->domain = same ? first : has_sender ? sender : NULL;
	if (!same && s->domain == NULL)
		message_note(msg, "unsigned",
		    SLICE("authors of several "
			  "domains"));
	return count > 0;
}

/* The header does not change what is decided here: no module edits From. */
static void
choose(struct message *msg, struct dkim_work *s)
{
	size_t from_count = message_count(msg, "From");

	if (from_count != 1) {
		message_note(msg, "unsigned",
		    from_count == 0 ? SLICE("no From") : SLICE("several From"));
		return;
	}
	if (!choose_domain(msg, s))
		return;
	if (msg->settings != NULL)
		s->own = settings_operator_domain(msg->settings);
	if (!signs(s->domain))
		s->domain = NULL;
	if (!signs(s->own) ||
	    (s->domain != NULL &&
		slice_eq_nocase(s->own->name, s->domain->name)))
		s->own = NULL;
}

/* ---- the body ---- */

static int
hash_octets(void *ctx, const void *octets, size_t len)
{
	return crypto_hash_add(ctx, octets, len);
}

static int
begin_bodies(struct dkim_work *s, size_t line_max)
{
	int rc = 0;

	s->lines = (struct line_break){ .max = line_max };
	for (size_t i = 0; i < 2 && rc == 0; i++) {
		struct body_hash *b = &s->bodies[i];

		if (b->hash == NULL)
			continue;
		rc = crypto_hash_begin(b->hash);
		dkim_body_begin(&b->body, (enum dkim_canon)i, hash_octets,
		    b->hash);
	}
	return rc;
}

static int
open_bodies(const struct message *msg, struct dkim_work *s)
{
	const struct settings_domain *const domains[] = { s->domain, s->own };

	for (size_t i = 0; i < 2; i++) {
		if (domains[i] == NULL)
			continue;
		struct body_hash *b = &s->bodies[body_canon(domains[i])];

		if (b->hash == NULL && (b->hash = crypto_hash_new()) == NULL)
			return ERR_NOMEM;
	}
	return begin_bodies(s, msg->host != NULL ? msg->host->line_max : 0);
}

/* Octets with their lines as they leave, into each canonical form. */
static int
to_bodies(void *ctx, const void *octets, size_t len)
{
	struct dkim_work *s = ctx;
	int rc = 0;

	for (size_t i = 0; i < 2 && rc == 0; i++)
		if (s->bodies[i].hash != NULL)
			rc = dkim_body_add(&s->bodies[i].body, octets, len);
	return rc;
}

static enum body_want
dkim_module_begin(struct message *msg, void *state)
{
	struct dkim_work *s = state;

	choose(msg, s);
	if (s->domain == NULL && s->own == NULL)
		return BODY_NOT;
	s->failed = open_bodies(msg, s) < 0;
	/* Not hashed twice. */
	return msg->body_may_change ? BODY_NOT : BODY_STREAM;
}

static enum verdict
dkim_module_body(struct message *msg, void *state, struct slice octets)
{
	struct dkim_work *s = state;

	(void)msg;
	if (!s->failed && line_break_add(&s->lines, octets, to_bodies, s) < 0)
		s->failed = true;
	return VERDICT_NEXT;
}

/* What was not hashed while it came by. */
static int
add_whole(struct message *msg, struct dkim_work *s)
{
	struct slice body;
	int rc = 0;

	if (msg->new_body != NULL)
		body = buf_slice(msg->new_body);
	else
		rc = message_kept_body(msg, &body);
	if (rc == 0)
		rc = begin_bodies(s, s->lines.max);
	return rc == 0 ? line_break_add(&s->lines, body, to_bodies, s) : rc;
}

/* Of the body as it leaves. */
static int
end_bodies(struct message *msg, struct dkim_work *s)
{
	int rc = s->failed ? ERR_CRYPTO : 0;

	if (rc == 0 && (msg->new_body != NULL || msg->body_may_change))
		rc = add_whole(msg, s);
	if (rc == 0)
		rc = line_break_end(&s->lines, to_bodies, s);
	for (size_t i = 0; i < 2 && rc == 0; i++) {
		struct body_hash *b = &s->bodies[i];

		if (b->hash == NULL)
			continue;
		if ((rc = dkim_body_end(&b->body)) == 0)
			rc = crypto_hash_end(b->hash, b->octets);
	}
	return rc;
}

/* ---- signing ---- */

struct signing {
	struct dkim_header header;
	struct dkim_signature signature; /* algorithm and selector left open */
	struct buf value, names;
};

static int
add_signature(struct message *msg, struct signing *g,
    const struct dkim_selector *selector)
{
	uint8_t hash[CRYPTO_SHA256_LEN], raw[SIGN_MAX];
	size_t len = 0;
	int rc;

	if (selector->key == NULL)
		return ERR_CRYPTO;
	g->signature.selector = selector->selector;
	g->signature.algorithm =
	    sign_key_algorithm(selector->key) == SIGN_RSA_SHA256
		? "rsa-sha256"
		: "ed25519-sha256";
	buf_clear(&g->value);
	(void)buf_add_char(&g->value, ' '); /* behind the colon */
	if ((rc = dkim_signature_begin(&g->signature, &g->value)) < 0)
		return rc;
	rc = dkim_header_hash(&g->header, g->signature.header,
	    buf_slice(&g->value), hash);
	if (rc == 0)
		rc = sign_key_sign(selector->key, hash, raw, &len);
	if (rc == 0)
		rc =
		    dkim_signature_end((struct slice){ (const char *)raw, len },
			&g->value);
	if (rc == 0)
		rc = message_add_top(msg, "DKIM-Signature",
		    slice_skip(buf_slice(&g->value), 1));
	return rc;
}

static void
note_signature(struct signing *g)
{
	(void)buf_addf(&g->names, "%s%.*s._domainkey.%.*s",
	    g->names.len > 0 ? " " : "", SLICE_F(g->signature.selector),
	    SLICE_F(g->signature.domain));
}

/* With every active key of a domain. */
static int
sign_for(struct message *msg, const struct dkim_work *s,
    const struct settings_domain *domain, struct signing *g)
{
	int rc = 0;

	if (domain == NULL)
		return 0;
	g->signature = (struct dkim_signature){ .header = header_canon(domain),
		.body = body_canon(domain),
		.domain = domain->name,
		.identity = domain == s->domain ? s->identity : SLICE(""),
		.time_s = msg->arrived_ms / 1000,
		.picks = g->header.picks,
		.pick_count = g->header.pick_count,
		.body_hash = s->bodies[body_canon(domain)].octets };
	for (size_t i = 0; i < domain->selector_count && rc == 0; i++) {
		if (domain->selectors[i].state != DKIM_ACTIVE)
			continue;
		rc = add_signature(msg, g, &domain->selectors[i]);
		if (rc == 0)
			note_signature(g);
	}
	return rc;
}

static bool
is_exact(const struct settings_domain *d)
{
	return d != NULL && d->simple_header;
}

static int
sign(struct message *msg, const struct dkim_work *s)
{
	struct signing g;
	int rc;

	buf_init(&g.value, VALUE_MAX);
	buf_init(&g.names, NAMES_MAX);
	rc = dkim_header_begin(&g.header, msg,
	    is_exact(s->domain) || is_exact(s->own));
	if (rc == 0)
		rc = sign_for(msg, s, s->domain, &g);
	if (rc == 0)
		rc = sign_for(msg, s, s->own, &g);
	if (rc == 0)
		msg->signatures = message_keep(msg, buf_slice(&g.names));
	dkim_header_done(&g.header);
	buf_done(&g.value);
	buf_done(&g.names);
	return rc;
}

static enum verdict
dkim_module_eom(struct message *msg, void *state)
{
	struct dkim_work *s = state;
	int rc;

	if (s->domain == NULL && s->own == NULL) {
		metrics_add(METRIC_MILTER_DKIM_UNSIGNED, 1);
		return VERDICT_NEXT;
	}
	if ((rc = end_bodies(msg, s)) == 0 && (rc = sign(msg, s)) == 0) {
		metrics_add(METRIC_MILTER_DKIM_SIGNED, 1);
		return VERDICT_NEXT;
	}
	metrics_add(METRIC_MILTER_DKIM_FAILED, 1);
	const struct settings_domain *d =
	    s->domain != NULL ? s->domain : s->own;
	log_error("%.*s: can not sign for %.*s: %s", SLICE_F(msg->queue_id),
	    SLICE_F(d->name), err_text(rc));
	message_reply(msg, "4.7.0", "Can not sign the message, try later");
	return VERDICT_TEMPFAIL;
}

static void
dkim_module_release(void *state)
{
	struct dkim_work *s = state;

	crypto_hash_free(s->bodies[DKIM_SIMPLE].hash);
	crypto_hash_free(s->bodies[DKIM_RELAXED].hash);
}

const struct module module_dkim = {
	.name = "dkim",
	.state_size = sizeof(struct dkim_work),
	.kinds = KIND_ALL,
	.begin = dkim_module_begin,
	.body = dkim_module_body,
	.eom = dkim_module_eom,
	.release = dkim_module_release,
};
