/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The facts of the message, left in Redis under its queue id before the MTA
 * is told that it may have it: one write.  Where Redis is away they wait in
 * the spool; where that is full, or the message is to be held, it is put off.
 */
#include "milter/facts.h"
#include "milter/hold.h"
#include "milter/module.h"
#include "service/metrics.h"
#include "util/err.h"
#include "util/log.h"

static enum verdict
not_held(struct message *msg, int rc)
{
	static struct log_limit limit;
	unsigned long missed;

	metrics_add(METRIC_MILTER_HOLD_PUT_OFF, 1);
	if (log_limit_ok(&limit, 60, &missed))
		log_warning("%.*s: is to be held, and can not be listed: %s; "
			    "mail is put off (%lu more messages)",
		    SLICE_F(msg->queue_id), err_text(rc), missed);
	message_reply(msg, "4.3.0",
	    "This is not to be sent now, and can not be kept, try later");
	return VERDICT_TEMPFAIL;
}

static enum verdict
facts_eom(struct message *msg, void *state)
{
	static struct log_limit limit;
	unsigned long missed;
	int rc = facts_keep(msg);

	(void)state;
	if (rc == 0)
		return VERDICT_NEXT;
	if (msg->hold != NULL && hold_is_certain(msg->hold))
		return not_held(msg, rc);
	if (log_limit_ok(&limit, 60, &missed))
		log_error("facts can not be kept: %s, and the spool is full or "
			  "broken; mail is put off (%lu more messages)",
		    err_text(rc), missed);
	message_reply(msg, "4.3.1", "Message facts can not be kept, try later");
	return VERDICT_TEMPFAIL;
}

const struct module module_facts = {
	.name = "facts",
	.kinds = KIND_ALL,
	.eom = facts_eom,
};
