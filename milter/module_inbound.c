/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail from outside that comes back, or that is for an application.  It is no
 * mail of ours that leaves: the other modules are not asked about it.  What a
 * receiving server does not take is refused here, while the client is still
 * there to be told: a bounce would go to whoever was named as the sender.
 */
#include "milter/module.h"
#include "milter/received_field.h"
#include "service/metrics.h"

#define FIELDS_MAX 100 /* From and To fields that are looked at */

static size_t
values_of(const struct message *msg, const char *name,
    struct slice values[FIELDS_MAX])
{
	const struct message_field *f;
	size_t n = 0;

	while (n < FIELDS_MAX && (f = message_find(msg, name, n)) != NULL)
		values[n++] = f->field.value;
	return n;
}

static enum verdict
judge(struct message *msg)
{
	struct slice from[FIELDS_MAX], to[FIELDS_MAX];
	size_t from_count = values_of(msg, "From", from);
	size_t to_count = values_of(msg, "To", to);

	switch (inbound_judge(&msg->inbound->inbound, from, from_count, to,
	    to_count)) {
	case INBOUND_TAKES:
		return VERDICT_NEXT;
	case INBOUND_OWN_FROM:
		metrics_add(METRIC_MILTER_INBOUND_OWN_FROM, 1);
		message_reply(msg, "5.7.1",
		    "From has a domain of this server, and comes from outside");
		break;
	case INBOUND_SAME_FROM:
		metrics_add(METRIC_MILTER_INBOUND_SAME_FROM, 1);
		message_reply(msg, "5.7.1", "From and To are the same address");
		break;
	}
	return VERDICT_REJECT;
}

/* Postfix's own field does not reach the reader (postfix-conf/plan.c). */
static enum verdict
add_received(struct message *msg)
{
	const struct received_facts f = { .tls = msg->tls,
		.helo = msg->helo,
		.client_name = msg->client_name,
		.client = msg->client,
		.server_name = msg->server_name,
		.server = msg->server,
		.queue_id = msg->queue_id,
		.arrived_ms = msg->arrived_ms };
	struct buf out;
	int rc;

	if (msg->sendmail)
		return VERDICT_NEXT;
	buf_init(&out, RECEIVED_MAX);
	received_print(&f, &out);
	rc = out.rc;
	if (rc == 0)
		rc = message_add_top(msg, "Received", buf_slice(&out));
	buf_done(&out);
	return rc < 0 ? VERDICT_TEMPFAIL : VERDICT_NEXT;
}

static enum verdict
inbound_eom(struct message *msg, void *state)
{
	enum verdict verdict = VERDICT_NEXT;

	(void)state;
	if (msg->inbound != NULL)
		verdict = judge(msg);
	if (verdict == VERDICT_NEXT && msg->comes_back) {
		message_note(msg, "back",
		    msg->inbound != NULL ? SLICE("inbound") : SLICE("return"));
		verdict = add_received(msg);
	}
	return verdict;
}

const struct module module_inbound = {
	.name = "inbound",
	.kinds = KIND_FIRST | KIND_RETURN,
	.eom = inbound_eom,
};
