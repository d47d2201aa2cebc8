/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lets complaints find the message: the signed field X-Postern-Ref
 * (proto/trace_field.h), which serves bounces, too; CFBL-Address and
 * CFBL-Feedback-ID (RFC 9477), where the domains are as it wants them; and
 * Gmail's Feedback-ID.
 */
#include "milter/milter.h"
#include "milter/module.h"
#include "proto/address.h"
#include "proto/mailbox.h"
#include "proto/trace_field.h"
#include "service/metrics.h"
#include "util/err.h"
#include "util/log.h"

#define CFBL_ADDRESS "CFBL-Address"
#define CFBL_ID "CFBL-Feedback-ID"
#define FEEDBACK_ID "Feedback-ID"
#define PART_MAX 60 /* octets of a part of Feedback-ID */
#define VALUE_MAX 600

static void
delete_fields(struct message *msg, const char *name)
{
	for (size_t i = 0; i < msg->field_count; i++)
		if (slice_eq_nocase(msg->fields[i].field.name, slice_of(name)))
			message_delete_field(msg, i);
}

/* ---- the signed name ---- */

static int
make_trace(const struct message *msg, char room[TRACE_VALUE_MAX],
    struct slice *ret_value)
{
	const struct milter *host = msg->host;
	struct trace_tag tag = { .message = { .host =
						  verp_host(host->host_name),
				     .sent_s = msg->arrived_ms / 1000,
				     .queue_id = msg->queue_id } };

	if (message_rcpts_left(msg) == 1)
		for (size_t i = 0; i < msg->rcpt_count; i++)
			if (msg->rcpts[i].fate == RCPT_GOES)
				tag.single = trace_recipient(host->trace_key,
						 msg->rcpts[i].address,
						 tag.recipient) == 0;
	return trace_format(host->trace_key, &tag, room, ret_value);
}

/* ---- who signs ---- */

static bool
signs(const struct settings_domain *d)
{
	for (size_t i = 0; d != NULL && i < d->selector_count; i++)
		if (d->selectors[i].state == DKIM_ACTIVE)
			return true;
	return false;
}

/* The domain in From whose signature the message will have; empty: of none,
 * or there is more than one author. */
static struct slice
signed_author(const struct message *msg, char room[ADDRESS_MAX],
    const struct settings_domain **ret_signer)
{
	const struct message_field *from = message_find(msg, "From", 0);
	struct slice none = SLICE(""), rest, address, domain;
	char other[ADDRESS_MAX];

	*ret_signer = NULL;
	if (from == NULL || message_count(msg, "From") != 1)
		return none;
	rest = from->field.value;
	if (!mailbox_next(&rest, room, &address))
		return none;
	domain = address_domain(address);
	if (domain.len == 0 || mailbox_next(&rest, other, &address))
		return none;
	*ret_signer = settings_signing_domain(msg->tenant, domain);
	return signs(*ret_signer) ? domain : none;
}

static bool
is_below(struct slice domain, struct slice parent)
{
	return domain.len > parent.len + 1 &&
	       domain.at[domain.len - parent.len - 1] == '.' &&
	       slice_eq_nocase(slice_skip(domain, domain.len - parent.len),
		   parent);
}

/*
 * RFC 9477, 3.1: a signature of exactly the domain in From; and the address is
 * in that domain (3.1.1), or below it (3.1.2), or its domain signs, too
 * (3.1.3), which only the operator's can.
 */
static bool
is_aligned(const struct message *msg, struct slice address)
{
	const struct settings_domain *signer,
	    *own = settings_operator_domain(msg->settings);
	struct slice domain = address_domain(address), author;
	char room[ADDRESS_MAX];

	author = signed_author(msg, room, &signer);
	if (author.len == 0 || !slice_eq_nocase(author, signer->name))
		return false;
	return slice_eq_nocase(domain, author) || is_below(domain, author) ||
	       (signs(own) && slice_eq_nocase(domain, own->name));
}

/* ---- RFC 9477 ---- */

static int
add_cfbl(struct message *msg, struct slice trace)
{
	const struct complaint_settings *c = &msg->tenant->complaints;
	char room[ADDRESS_MAX];
	struct slice address;
	struct buf value;
	int rc;

	/* Who has one of his own wants complaints there. */
	if (!c->cfbl || c->address_count == 0 ||
	    message_count(msg, CFBL_ADDRESS) > 0)
		return 0;
	if (address_mailbox(c->addresses[0], room, &address) < 0 ||
	    !is_aligned(msg, c->addresses[0])) {
		metrics_add(METRIC_MILTER_FEEDBACK_NOT_ALIGNED, 1);
		return 0;
	}
	delete_fields(msg, CFBL_ID);
	buf_init(&value, VALUE_MAX);
	(void)buf_add_slice(&value, address);
	(void)buf_add_text(&value, "; report=arf");
	rc = value.rc;
	if (rc == 0)
		rc = message_add_top(msg, CFBL_ID, trace);
	if (rc == 0)
		rc = message_add_top(msg, CFBL_ADDRESS, buf_slice(&value));
	buf_done(&value);
	if (rc == 0)
		metrics_add(METRIC_MILTER_FEEDBACK_CFBL, 1);
	return rc;
}

/* ---- Feedback-ID ---- */

/* What stands between the colons: what is neither letter nor digit nor one
 * of these becomes "-". */
static void
add_part(struct buf *out, struct slice part)
{
	part = slice_trim(part);
	if (part.len > PART_MAX)
		part.len = PART_MAX;
	if (part.len == 0)
		return;
	for (size_t i = 0; i < part.len; i++) {
		char c = part.at[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') ||
			     (c != '\0' && strchr("._-", c) != NULL);

		(void)buf_add_char(out, plain ? c : '-');
	}
	(void)buf_add_char(out, ':');
}

static struct slice
stream_of(const struct message *msg)
{
	const struct tenant_match match = {
		.listener_port = msg->listener_port,
		.sasl_user = msg->sasl_user,
		.client = msg->client,
		.sender = msg->sender,
	};

	return settings_stream_for(msg->tenant, &match);
}

/*
 * "campaign:customer:kind:sender": the header field that the settings name, the
 * tenant, the stream, and what is the same for all mail.  Gmail wants it
 * signed, and takes it with fewer parts.
 */
static int
add_feedback_id(struct message *msg)
{
	const struct complaint_settings *c = &msg->tenant->complaints;
	const struct message_field *campaign = NULL;
	const struct settings_domain *signer;
	char room[ADDRESS_MAX];
	struct buf value;
	int rc;

	if (c->feedback_sender.len == 0 || message_count(msg, FEEDBACK_ID) > 0)
		return 0;
	/* Without one From field nobody signs: module_dkim. */
	if (signed_author(msg, room, &signer).len == 0 &&
	    (message_count(msg, "From") != 1 ||
		!signs(settings_operator_domain(msg->settings))))
		return 0;
	buf_init(&value, VALUE_MAX);
	if (c->feedback_header.len > 0) {
		/* An arena's copy has a NUL behind. */
		campaign = message_find(msg, c->feedback_header.at, 0);
		if (campaign != NULL)
			add_part(&value, campaign->field.value);
	} else {
		add_part(&value, stream_of(msg));
	}
	add_part(&value, msg->tenant->name);
	if (c->feedback_header.len > 0)
		add_part(&value, stream_of(msg));
	(void)buf_add_slice(&value, c->feedback_sender);
	rc = value.rc;
	if (rc == 0)
		rc = message_add_top(msg, FEEDBACK_ID, buf_slice(&value));
	buf_done(&value);
	if (rc == 0)
		metrics_add(METRIC_MILTER_FEEDBACK_ID, 1);
	return rc;
}

/* ---- */

static enum verdict
feedback_eom(struct message *msg, void *state)
{
	char room[TRACE_VALUE_MAX];
	struct slice trace;
	int rc;

	(void)state;
	/* One that came with it would name another message. */
	delete_fields(msg, TRACE_FIELD);
	if (make_trace(msg, room, &trace) < 0) {
		log_warning("%.*s: no room for a signed name: a bounce or "
			    "complaint without a tag will not find the message",
		    SLICE_F(msg->queue_id));
		return VERDICT_NEXT;
	}
	rc = message_add_top(msg, TRACE_FIELD, trace);
	if (rc == 0)
		rc = add_cfbl(msg, trace);
	if (rc == 0)
		rc = add_feedback_id(msg);
	return rc == 0 ? VERDICT_NEXT : VERDICT_TEMPFAIL;
}

const struct module module_feedback = {
	.name = "feedback",
	.kinds = KIND_FIRST | KIND_SPLIT | KIND_BCC,
	.eom = feedback_eom,
};
