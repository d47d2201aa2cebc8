/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Suppression for recipients that no policy server refused: mail that no
 * smtpd(8) saw, and tenants that accept mail to blocked addresses.  They are
 * taken off the message; the event is written with its facts.
 */
#include "milter/suppress.h"

/* Recipients that policyd has not decided already. */
static struct lookup *
to_ask(struct message *msg, size_t *ret_count)
{
	bool all = msg->tenant->on_suppressed == SUPPRESSED_ACCEPT;
	struct lookup *lookups =
	    arena_calloc(msg->arena, msg->rcpt_count + 1, sizeof(*lookups));
	size_t n = 0;

	if (lookups == NULL)
		return NULL;
	for (size_t i = 0; i < msg->rcpt_count; i++)
		if (all || !msg->rcpts[i].from_smtpd)
			lookups[n++].rcpt = i;
	*ret_count = n;
	return lookups;
}

static enum verdict
suppression_eom(struct message *msg, void *state)
{
	struct lookup *lookups;
	size_t count = 0;

	(void)state;
	if (msg->tenant->suppression == MODE_OFF)
		return VERDICT_NEXT;
	if ((lookups = to_ask(msg, &count)) == NULL)
		return VERDICT_TEMPFAIL;
	if (count == 0)
		return VERDICT_NEXT;
	return suppress_recipients(msg, lookups, count);
}

const struct module module_suppression = {
	.name = "suppression",
	.kinds = KIND_FIRST,
	.eom = suppression_eom,
};
