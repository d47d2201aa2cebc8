/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * S/MIME signatures (RFC 8551) by the certificate of the From address or of
 * its domain.  The MIME entity moves, made safe, into a multipart/signed.
 * Where signing is set up but fails, the message is put off.  Where it can not
 * be meant - an expired certificate, one that does not name the sender, text
 * that can not be made safe - putting it off would only make it bounce days
 * later: it goes unsigned, with a note, a count and a warning.
 */
#include "milter/module.h"
#include "proto/address.h"
#include "proto/mailbox.h"
#include "proto/mime.h"
#include "proto/mime_safe.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/cms.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/log.h"

#define EXTRA_MAX (2 * MESSAGE_HEADER_MAX) /* beside the encoded body */
#define DER_MAX ((size_t)1024 * 1024)
#define BASE64_LINE 57 /* octets that make 76 */
#define BOUNDARY_RANDOM 16

struct smime_work {
	const struct smime_certificate *certificate; /* NULL: none for it */
	const char *unsigned_why;                    /* NULL: it is signed */
};

/* ---- is it signed? ---- */

/* RFC 8550, 3: the one mailbox in the one From field. */
static bool
sender_of(const struct message *msg, char room[ADDRESS_MAX],
    struct slice *ret_address)
{
	const struct message_field *from = message_find(msg, "From", 0);
	char other_room[ADDRESS_MAX];
	struct slice rest, other;

	if (from == NULL || message_find(msg, "From", 1) != NULL)
		return false;
	rest = from->field.value;
	return mailbox_next(&rest, room, ret_address) && ret_address->len > 0 &&
	       !mailbox_next(&rest, other_room, &other);
}

/* Signed or encrypted by whoever sent it: RFC 1847, 8551, 3156. */
static bool
is_protected(const struct message *msg)
{
	static const char *const types[] = { "multipart/signed",
		"multipart/encrypted", "application/pkcs7-mime",
		"application/x-pkcs7-mime", "application/pkcs7-signature",
		"application/x-pkcs7-signature", "application/pgp",
		"application/pgp-encrypted", NULL };
	const struct message_field *f = message_find(msg, "Content-Type", 0);
	struct slice type, rest;

	if (f == NULL)
		return false;
	rest = f->field.value;
	(void)slice_split(&rest, ';', &type);
	type = slice_trim(type);
	for (size_t i = 0; types[i] != NULL; i++)
		if (slice_eq_nocase(type, slice_of(types[i])))
			return true;
	return false;
}

static const char *
why_not(const struct message *msg, const struct smime_certificate *c,
    struct slice from)
{
	int64_t now_s = clock_wall_us() / 1000000;

	if (is_protected(msg))
		return "protected";
	if (c->signer == NULL)
		return NULL; /* fails at the end */
	if (now_s < cms_signer_not_before(c->signer))
		return "not-yet-valid";
	if (now_s > cms_signer_not_after(c->signer))
		return "expired";
	return cms_signer_names(c->signer, from) ? NULL : "not-named";
}

/* Is there somebody who may get a signature? */
static bool
somebody(const struct message *msg)
{
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].fate == RCPT_GOES &&
		    !settings_smime_excluded(msg->tenant,
			msg->rcpts[i].address))
			return true;
	return false;
}

static enum body_want
smime_begin(struct message *msg, void *state)
{
	struct smime_work *s = state;
	char room[ADDRESS_MAX];
	struct slice from;

	if (msg->tenant->smime.certificate_count == 0 ||
	    !sender_of(msg, room, &from))
		return BODY_NOT;
	s->certificate = settings_smime_certificate(msg->tenant, from);
	if (s->certificate == NULL)
		return BODY_NOT;
	s->unsigned_why = why_not(msg, s->certificate, from);
	/* A forwarding rule may still bring somebody. */
	if (s->unsigned_why != NULL ||
	    (!somebody(msg) && msg->tenant->forward_count == 0))
		return BODY_NOT;
	msg->body_may_change = true;
	return BODY_BUFFER;
}

static uint64_t
smime_treatment(struct message *msg, void *state,
    const struct message_rcpt *rcpt)
{
	const struct smime_work *s = state;

	return s->certificate != NULL && s->unsigned_why == NULL &&
	       !settings_smime_excluded(msg->tenant, rcpt->address);
}

/* ---- signing ---- */

static bool
is_content_field(const struct message_field *f)
{
	return f->state != FIELD_DELETED &&
	       slice_starts_nocase(f->field.name, SLICE("Content-"));
}

/* The entity, as it is signed, appended to out. */
static int
add_entity(struct message *msg, struct buf *out)
{
	struct header_field *fields =
	    arena_calloc(msg->arena, msg->field_count + 1, sizeof(*fields));
	struct slice body;
	size_t count = 0;
	int rc;

	if (fields == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < msg->field_count; i++)
		if (is_content_field(&msg->fields[i]))
			fields[count++] = msg->fields[i].field;
	if (msg->new_body != NULL)
		body = buf_slice(msg->new_body);
	else if ((rc = message_kept_body(msg, &body)) < 0)
		return rc;
	out->max = 4 * body.len + EXTRA_MAX;
	rc = buf_reserve(out, body.len + body.len / 2 + 20000);
	return rc < 0 ? rc : mime_safe(fields, count, body, out);
}

static int
sign_entity(const struct message *msg, const struct cms_signer *signer,
    struct slice entity, struct buf *ret_der)
{
	struct cms_signing *g = NULL;
	int rc = cms_sign_begin(signer, msg->arrived_ms / 1000, &g);

	if (rc < 0)
		return rc;
	(void)cms_sign_add(g, entity.at, entity.len);
	return cms_sign_end(g, ret_der);
}

/* RFC 8551, 3.5.3.2 */
static int
add_signature(struct buf *out, struct slice der)
{
	int rc = buf_add_text(out,
	    "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n"
	    "\r\n");

	while (rc == 0 && der.len > 0) {
		struct slice piece = der;

		if (piece.len > BASE64_LINE)
			piece.len = BASE64_LINE;
		der = slice_skip(der, piece.len);
		rc = crypto_base64_encode(piece, out);
		if (rc == 0)
			rc = buf_add(out, "\r\n", 2);
	}
	return rc;
}

struct boundary {
	char text[2 * BOUNDARY_RANDOM + 20];
};

/* "=_" stands in no encoded text: RFC 2045, 6.7. */
static struct boundary
make_boundary(void)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[BOUNDARY_RANDOM];
	struct boundary b = { "=_postern_" };
	size_t n = strlen(b.text);

	crypto_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		b.text[n++] = digits[random[i] >> 4];
		b.text[n++] = digits[random[i] & 15];
	}
	return b;
}

static int
make_body(struct message *msg, const struct smime_work *s, const char *boundary,
    struct buf *out)
{
	struct buf der;
	size_t start;
	int rc;

	buf_init(&der, DER_MAX);
	(void)buf_addf(out, "This message is signed (S/MIME).\r\n\r\n--%s\r\n",
	    boundary);
	start = out->len;
	rc = add_entity(msg, out);
	if (rc == 0)
		rc = sign_entity(msg, s->certificate->signer,
		    (struct slice){ out->at + start, out->len - start }, &der);
	if (rc == 0) {
		/* The line end before a boundary is not signed. */
		(void)buf_addf(out, "\r\n--%s\r\n", boundary);
		(void)add_signature(out, buf_slice(&der));
		rc = buf_addf(out, "--%s--\r\n", boundary);
	}
	buf_done(&der);
	return rc;
}

/* In place of the Content-Type that is there: one call less to the MTA. */
static int
change_header(struct message *msg, const char *boundary)
{
	struct slice value;
	struct buf text;
	bool said = false;
	int rc = 0;

	buf_init(&text, 1000);
	(void)buf_addf(&text,
	    "multipart/signed; protocol=\"application/pkcs7-signature\";\n"
	    "\tmicalg=sha-256; boundary=\"%s\"",
	    boundary);
	value = buf_slice(&text);
	for (size_t i = 0; rc == 0 && i < msg->field_count; i++) {
		if (!is_content_field(&msg->fields[i]))
			continue;
		if (said || !slice_eq_nocase(msg->fields[i].field.name,
				SLICE("Content-Type"))) {
			message_delete_field(msg, i);
			continue;
		}
		rc = message_change_field(msg, i, value);
		said = true;
	}
	if (rc == 0 && !said)
		rc = message_add_top(msg, "Content-Type", value);
	if (rc == 0 && message_count(msg, "MIME-Version") == 0)
		rc = message_add_top(msg, "MIME-Version", SLICE("1.0"));
	buf_done(&text);
	return rc;
}

static int
sign(struct message *msg, const struct smime_work *s)
{
	struct boundary boundary = make_boundary();
	struct buf body;
	int rc;

	if (s->certificate->signer == NULL)
		return ERR_CRYPTO;
	buf_init(&body, EXTRA_MAX);
	rc = make_body(msg, s, boundary.text, &body);
	if (rc == 0)
		rc = message_replace_body(msg, &body);
	if (rc == 0)
		rc = change_header(msg, boundary.text);
	buf_done(&body);
	return rc;
}

static enum verdict
smime_eom(struct message *msg, void *state)
{
	struct smime_work *s = state;
	int rc;

	if (s->certificate == NULL)
		return VERDICT_NEXT;
	if (s->unsigned_why == NULL && !somebody(msg))
		s->unsigned_why = "excluded";
	rc = s->unsigned_why == NULL ? sign(msg, s) : 0;
	if (rc == ERR_SYNTAX || rc == ERR_LIMIT) {
		s->unsigned_why = "unsafe";
		log_warning("%.*s: goes without S/MIME signature: its MIME "
			    "parts can not be made safe to sign: %s",
		    SLICE_F(msg->queue_id), err_text(rc));
	} else if (rc < 0) {
		metrics_add(METRIC_MILTER_SMIME_FAILED, 1);
		log_error("%.*s: can not sign for %.*s (S/MIME): %s",
		    SLICE_F(msg->queue_id), SLICE_F(s->certificate->address),
		    err_text(rc));
		message_reply(msg, "4.7.0",
		    "Can not sign the message, try later");
		return VERDICT_TEMPFAIL;
	}
	metrics_add(s->unsigned_why == NULL ? METRIC_MILTER_SMIME_SIGNED
					    : METRIC_MILTER_SMIME_UNSIGNED,
	    1);
	message_note(msg, "smime",
	    s->unsigned_why == NULL ? s->certificate->address
				    : slice_of(s->unsigned_why));
	return VERDICT_NEXT;
}

const struct module module_smime = {
	.name = "smime",
	.state_size = sizeof(struct smime_work),
	.kinds = KIND_FIRST | KIND_SPLIT,
	.begin = smime_begin,
	.treatment = smime_treatment,
	.eom = smime_eom,
};
