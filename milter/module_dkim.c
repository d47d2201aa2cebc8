/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DKIM signatures (RFC 6376, RFC 8463) with every active key of the domain in
 * From, over the message as it will leave.  Mail without exactly one From
 * field is not signed.  Where signing is set up but fails, the message is put
 * off: it never leaves unsigned.
 */
#include "milter/module.h"
#include "proto/dkim.h"
#include "proto/mailbox.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"

/* Canonical header and one signature field. */
#define TEXT_MAX (2 * MESSAGE_HEADER_MAX)

struct dkim_work {
	bool decided, failed;
	const struct settings_domain *domain; /* NULL: not signed */
	struct crypto_hash *hash;
	struct dkim_body body;
};

static int
hash_octets(void *ctx, const void *octets, size_t len)
{
	return crypto_hash_add(ctx, octets, len);
}

static size_t
active_keys(const struct settings_domain *domain)
{
	size_t n = 0;

	for (size_t i = 0; domain != NULL && i < domain->selector_count; i++)
		n += domain->selectors[i].state == DKIM_ACTIVE;
	return n;
}

/* The domain that signs, from the first address of the only From field. */
static const struct settings_domain *
signing_domain(const struct message *msg)
{
	const struct message_field *from = message_find(msg, "From", 0);
	char room[ADDRESS_MAX];
	struct slice rest, address;

	if (from == NULL || message_find(msg, "From", 1) != NULL)
		return NULL;
	rest = from->field.value;
	if (!mailbox_next(&rest, room, &address))
		return NULL;
	return settings_signing_domain(msg->tenant, address_domain(address));
}

/* The header does not change what is decided here: no module edits From. */
static void
decide(struct message *msg, struct dkim_work *s)
{
	s->decided = true;
	s->domain = signing_domain(msg);
	if (active_keys(s->domain) == 0) {
		s->domain = NULL;
		return;
	}
	s->hash = crypto_hash_new();
	s->failed = s->hash == NULL || crypto_hash_begin(s->hash) < 0;
	dkim_body_begin(&s->body, DKIM_RELAXED, hash_octets, s->hash);
}

static enum body_want
dkim_module_begin(struct message *msg, void *state)
{
	struct dkim_work *s = state;

	decide(msg, s);
	return s->domain != NULL ? BODY_STREAM : BODY_NOT;
}

static enum verdict
dkim_module_body(struct message *msg, void *state, struct slice octets)
{
	struct dkim_work *s = state;

	if (!s->decided)
		decide(msg, s);
	if (s->domain != NULL && !s->failed &&
	    dkim_body_add(&s->body, octets.at, octets.len) < 0)
		s->failed = true;
	return VERDICT_NEXT;
}

struct signing {
	struct dkim_signature signature; /* algorithm and selector left open */
	struct buf text;                 /* canonical header, then the field */
	size_t header_len;
	struct buf value, names;
};

static int
prepare(struct message *msg, const struct dkim_work *s,
    const uint8_t *body_hash, struct signing *g)
{
	struct dkim_pick *picks =
	    arena_calloc(msg->arena, DKIM_PICKS_MAX, sizeof(*picks));
	size_t count = 0;
	struct header_field *fields = message_leaving(msg, &count);
	int rc = 0;

	if (picks == NULL || fields == NULL)
		return ERR_NOMEM;
	g->signature = (struct dkim_signature){ .header = DKIM_RELAXED,
		.body = DKIM_RELAXED,
		.domain = s->domain->name,
		.time_s = msg->arrived_ms / 1000,
		.picks = picks,
		.pick_count = dkim_pick(fields, count, picks),
		.body_hash = body_hash };
	for (size_t i = 0; i < g->signature.pick_count && rc == 0; i++)
		if (picks[i].field != DKIM_NO_FIELD)
			rc = dkim_field(DKIM_RELAXED, &fields[picks[i].field],
			    DKIM_FIELD, &g->text);
	g->header_len = g->text.len;
	return rc;
}

static int
add_signature(struct message *msg, struct signing *g,
    const struct dkim_selector *selector)
{
	uint8_t hash[CRYPTO_SHA256_LEN], raw[SIGN_MAX];
	struct header_field field = { SLICE("DKIM-Signature"), SLICE("") };
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
	if ((rc = dkim_signature_begin(&g->signature, &g->value)) < 0)
		return rc;
	field.value = buf_slice(&g->value);
	g->text.len = g->header_len;
	rc = dkim_field(DKIM_RELAXED, &field, DKIM_LAST, &g->text);
	if (rc == 0)
		rc = crypto_sha256(buf_slice(&g->text), hash);
	if (rc == 0)
		rc = sign_key_sign(selector->key, hash, raw, &len);
	if (rc == 0)
		rc =
		    dkim_signature_end((struct slice){ (const char *)raw, len },
			&g->value);
	if (rc == 0)
		rc = message_add_top(msg, "DKIM-Signature",
		    buf_slice(&g->value));
	return rc;
}

static void
note_signature(const struct signing *g, struct buf *names)
{
	(void)buf_addf(names, "%s%.*s._domainkey.%.*s",
	    names->len > 0 ? " " : "", SLICE_F(g->signature.selector),
	    SLICE_F(g->signature.domain));
}

static int
sign(struct message *msg, const struct dkim_work *s, const uint8_t *body_hash)
{
	struct signing g;
	int rc;

	buf_init(&g.text, TEXT_MAX);
	buf_init(&g.value, 64 * 1024);
	buf_init(&g.names, 500);
	rc = prepare(msg, s, body_hash, &g);
	for (size_t i = 0; i < s->domain->selector_count && rc == 0; i++) {
		if (s->domain->selectors[i].state != DKIM_ACTIVE)
			continue;
		rc = add_signature(msg, &g, &s->domain->selectors[i]);
		if (rc == 0)
			note_signature(&g, &g.names);
	}
	if (rc == 0)
		msg->signatures = message_keep(msg, buf_slice(&g.names));
	buf_done(&g.text);
	buf_done(&g.value);
	buf_done(&g.names);
	return rc;
}

/* Of the body as it leaves. */
static int
hash_body(struct message *msg, struct dkim_work *s,
    uint8_t ret_hash[CRYPTO_SHA256_LEN])
{
	int rc;

	if (s->failed)
		return ERR_CRYPTO;
	if (msg->new_body != NULL) {
		if ((rc = crypto_hash_begin(s->hash)) < 0)
			return rc;
		dkim_body_begin(&s->body, DKIM_RELAXED, hash_octets, s->hash);
		rc = dkim_body_add(&s->body, msg->new_body->at,
		    msg->new_body->len);
		if (rc < 0)
			return rc;
	}
	if (dkim_body_end(&s->body) < 0 ||
	    crypto_hash_end(s->hash, ret_hash) < 0)
		return ERR_CRYPTO;
	return 0;
}

static enum verdict
dkim_module_eom(struct message *msg, void *state)
{
	struct dkim_work *s = state;
	uint8_t body_hash[CRYPTO_SHA256_LEN];
	int rc;

	if (!s->decided) /* no body at all */
		decide(msg, s);
	if (s->domain == NULL)
		return VERDICT_NEXT;
	if ((rc = hash_body(msg, s, body_hash)) == 0)
		rc = sign(msg, s, body_hash);
	if (rc == 0)
		return VERDICT_NEXT;
	log_error("%.*s: can not sign for %.*s: %s", SLICE_F(msg->queue_id),
	    SLICE_F(s->domain->name), err_text(rc));
	message_reply(msg, "4.7.0", "Can not sign the message, try later");
	return VERDICT_TEMPFAIL;
}

static void
dkim_module_release(void *state)
{
	struct dkim_work *s = state;

	crypto_hash_free(s->hash);
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
