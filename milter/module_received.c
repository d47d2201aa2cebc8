/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Received fields tell the world.  RFC 5321, 4.4.  Postfix hides its own
 * field from milters, and its SMTP client leaves it out when it delivers
 * (postfix-conf/plan.c): the one for this host is added here.
 */
#include "milter/module.h"
#include "milter/received_field.h"

static int
abbreviate_field(struct message *msg, size_t i)
{
	struct slice old = msg->fields[i].field.value;
	struct buf out;
	int rc;

	buf_init(&out, RECEIVED_MAX);
	received_abbreviate(old, &out);
	rc = out.rc;
	if (rc == 0 && !slice_eq(slice_trim(old), buf_slice(&out)))
		rc = message_change_field(msg, i, buf_slice(&out));
	buf_done(&out);
	return rc;
}

/* The fields of the hosts before us. */
static int
change_fields(struct message *msg, enum received_mode mode)
{
	int rc;

	for (size_t i = 0; i < msg->field_count; i++) {
		if (!slice_eq_nocase(msg->fields[i].field.name,
			SLICE("Received")))
			continue;
		if (mode == RECEIVED_REMOVE)
			message_delete_field(msg, i);
		else if ((rc = abbreviate_field(msg, i)) < 0)
			return rc;
	}
	return 0;
}

static bool
came_by_smtp(const struct message *msg)
{
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (msg->rcpts[i].from_smtpd)
			return true;
	return false;
}

static int
add_ours(struct message *msg, enum received_mode mode)
{
	struct received_facts f = { .local = !came_by_smtp(msg),
		.tls = msg->tls,
		.authenticated = msg->sasl_user.len > 0,
		.helo = msg->helo,
		.client_name = msg->client_name,
		.client = msg->client,
		.server_name = msg->server_name,
		.server = msg->server,
		.queue_id = msg->queue_id,
		.arrived_ms = msg->arrived_ms };
	struct buf out;
	int rc;

	buf_init(&out, RECEIVED_MAX);
	if (mode == RECEIVED_NORMAL)
		received_print(&f, &out);
	else
		received_print_abbreviated(&f, &out);
	rc = out.rc;
	if (rc == 0)
		rc = message_add_top(msg, "Received", buf_slice(&out));
	buf_done(&out);
	return rc;
}

static enum verdict
received_eom(struct message *msg, void *state)
{
	enum received_mode mode = msg->tenant->received;
	int rc = 0;

	(void)state;
	if (mode == RECEIVED_ABBREVIATED || mode == RECEIVED_REMOVE)
		rc = change_fields(msg, mode);
	/* Nothing takes Sendmail's own field away: it has told of this host. */
	if (rc == 0 && !msg->sendmail &&
	    (mode == RECEIVED_ABBREVIATED || mode == RECEIVED_NORMAL))
		rc = add_ours(msg, mode);
	return rc < 0 ? VERDICT_TEMPFAIL : VERDICT_NEXT;
}

const struct module module_received = {
	.name = "received",
	.kinds = KIND_ALL,
	.eom = received_eom,
};
