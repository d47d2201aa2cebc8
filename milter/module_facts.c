/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The facts of the message, left in Redis under its queue id before the MTA
 * is told that it may have it: one write.  Where Redis is away they wait in
 * the spool; where that is full, the message is put off.
 */
#include "milter/facts.h"
#include "milter/module.h"
#include "util/err.h"
#include "util/log.h"

static enum verdict
facts_eom(struct message *msg, void *state)
{
	static struct log_limit limit;
	unsigned long missed;
	int rc = facts_keep(msg);

	(void)state;
	if (rc == 0)
		return VERDICT_NEXT;
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
