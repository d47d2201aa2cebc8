/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the envelope sender of mail that leaves becomes: a signed address that
 * names the message (proto/verp.h), an address that is always the same, the
 * same local part in another domain, or what it was.  Where it changes, the
 * signed name is ENVID, too (RFC 3461, 4.4), unless the client gave one: a
 * bounce finds the message by either.
 */
#include "milter/milter.h"
#include "milter/module.h"
#include "proto/address.h"
#include "proto/mailbox.h"
#include "proto/verp.h"
#include "service/metrics.h"
#include "util/err.h"
#include "util/log.h"

/* The domain that sends: of the one mailbox in the one From field. */
static struct slice
from_domain(const struct message *msg, char room[ADDRESS_MAX])
{
	const struct message_field *from = message_find(msg, "From", 0);
	struct slice rest, address, domain;
	char other[ADDRESS_MAX];

	if (from == NULL || message_count(msg, "From") != 1)
		return address_domain(msg->sender);
	rest = from->field.value;
	if (!mailbox_next(&rest, room, &address))
		return address_domain(msg->sender);
	domain = address_domain(address);
	if (domain.len == 0 || mailbox_next(&rest, other, &address))
		return address_domain(msg->sender);
	return domain;
}

static const struct envelope_sender *
setting_for(const struct message *msg)
{
	char room[ADDRESS_MAX];
	const struct settings_domain *domain =
	    settings_signing_domain(msg->tenant, from_domain(msg, room));

	return domain != NULL && domain->envelope_sender.given
		   ? &domain->envelope_sender
		   : &msg->tenant->envelope_sender;
}

static int
make_tag(const struct message *msg, char room[VERP_LOCAL_MAX],
    struct slice *ret_tag)
{
	const struct verp_tag tag = { .host = verp_host(msg->host->host_name),
		.sent_s = msg->arrived_ms / 1000,
		.queue_id = msg->queue_id };

	return verp_format(msg->host->verp_key, &tag, room, ret_tag);
}

/* "local@domain"; ERR_LIMIT: no room. */
static int
join(struct slice local, struct slice domain, char room[ADDRESS_MAX],
    struct slice *ret_address)
{
	if (local.len + 1 + domain.len > ADDRESS_MAX)
		return ERR_LIMIT;
	memcpy(room, local.at, local.len);
	room[local.len] = '@';
	memcpy(room + local.len + 1, domain.at, domain.len);
	*ret_address = (struct slice){ room, local.len + 1 + domain.len };
	return 0;
}

static struct slice
return_domain(const struct message *msg, const struct envelope_sender *e)
{
	return e->domain.len > 0 ? e->domain : msg->tenant->return_path_domain;
}

/*
 * The new address; 0 and an empty one: the sender stays.  Its local part
 * is kept as it was written: mailing list software has upper case in it.
 */
static int
new_sender(const struct message *msg, const struct envelope_sender *e,
    struct slice tag, char room[ADDRESS_MAX], struct slice *ret_address)
{
	struct slice domain = return_domain(msg, e), old;
	char written[ADDRESS_MAX];

	*ret_address = (struct slice){ room, 0 };
	switch (e->mode) {
	case ENVELOPE_VERP:
		/* It came by before, in this form: the first message is the
		 * one. */
		if (domain.len == 0 ||
		    (slice_eq_nocase(address_domain(msg->sender), domain) &&
			verp_looks(address_local(msg->sender))))
			return 0;
		return join(tag, domain, room, ret_address);
	case ENVELOPE_KEEP:
		return 0;
	case ENVELOPE_ADDRESS:
		*ret_address = e->address;
		return 0;
	case ENVELOPE_DOMAIN:
		/* What is no address has nothing that could be kept. */
		if (address_mailbox(msg->sender_path, written, &old) < 0)
			return 0;
		return join(address_local(old), e->domain, room, ret_address);
	}
	return 0;
}

static void
count(enum envelope_mode mode)
{
	static const enum metric metrics[] = {
		[ENVELOPE_VERP] = METRIC_MILTER_SENDER_VERP,
		[ENVELOPE_KEEP] = METRIC_MILTER_SENDER_KEPT,
		[ENVELOPE_ADDRESS] = METRIC_MILTER_SENDER_ADDRESS,
		[ENVELOPE_DOMAIN] = METRIC_MILTER_SENDER_DOMAIN,
	};

	metrics_add(metrics[mode], 1);
}

/*
 * Not to an address whose mail comes back here.  Nor for who submits on port
 * 25: what speaks there is no application that has an address of its own to
 * be told at, but a mail system that passes on what others wrote.
 */
static bool
can_forward(const struct message *msg)
{
	struct slice domain = address_domain(msg->sender);
	const struct return_domain *back =
	    settings_return_domain(msg->settings, domain);

	return domain.len > 0 && !slice_eq(msg->listener_port, SLICE("25")) &&
	       (back == NULL || (back->kinds & RETURN_BOUNCES) == 0) &&
	       !verp_looks(address_local(msg->sender)) &&
	       !settings_is_envelope_sender(msg->settings, msg->sender);
}

static enum verdict
envelope_sender_eom(struct message *msg, void *state)
{
	const struct envelope_sender *e = setting_for(msg);
	struct slice tag, address;
	char tag_room[VERP_LOCAL_MAX], room[ADDRESS_MAX];

	(void)state;
	/* Bounces keep the null sender: nobody answers them.  RFC 5321, 4.5.5
	 */
	if (msg->sender.len == 0 || e->mode == ENVELOPE_KEEP) {
		count(ENVELOPE_KEEP);
		return VERDICT_NEXT;
	}
	if (make_tag(msg, tag_room, &tag) < 0 ||
	    new_sender(msg, e, tag, room, &address) < 0) {
		log_warning("%.*s: no room for a new envelope sender, the old "
			    "one is kept",
		    SLICE_F(msg->queue_id));
		count(ENVELOPE_KEEP);
		return VERDICT_NEXT;
	}
	if (address.len == 0) {
		count(ENVELOPE_KEEP);
		return VERDICT_NEXT;
	}
	if (msg->envid.at != NULL)
		tag = (struct slice){ NULL, 0 };
	if (message_change_sender(msg, address, tag) < 0)
		return VERDICT_TEMPFAIL;
	msg->forward_bounces = e->forward_bounces && can_forward(msg);
	count(e->mode);
	return VERDICT_NEXT;
}

const struct module module_envelope_sender = {
	.name = "envelope_sender",
	.kinds = KIND_FIRST | KIND_SPLIT | KIND_BCC,
	.eom = envelope_sender_eom,
};
