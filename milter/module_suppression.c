/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Suppression for recipients that no policy server refused: mail that no
 * smtpd(8) saw, and tenants that accept mail to blocked addresses.  They are
 * taken off the message; the event is written with its facts.
 */
#include "milter/lookup.h"
#include "milter/module.h"
#include "service/metrics.h"
#include "util/log.h"

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
unavailable(struct message *msg)
{
	static struct log_limit limit;
	unsigned long missed;

	metrics_add(METRIC_MILTER_SUPPRESSION_UNAVAILABLE, 1);
	if (log_limit_ok(&limit, 60, &missed))
		log_warning("suppression list unavailable for mail of tenant "
			    "%.*s (%lu more messages since the last warning)",
		    SLICE_F(msg->tenant->name), missed);
	if (msg->tenant->suppression_unavailable == UNAVAILABLE_PASS)
		return VERDICT_NEXT;
	message_reply(msg, "4.3.0", "Suppression list unavailable, try later");
	return VERDICT_TEMPFAIL;
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
	if (lookup_recipients(msg, lookups, count) < 0)
		return unavailable(msg);
	for (size_t i = 0; i < count; i++) {
		if (!lookups[i].blocked)
			continue;
		if (msg->tenant->suppression == MODE_OBSERVE) {
			msg->would_suppress++;
			metrics_add(METRIC_MILTER_WOULD_SUPPRESS, 1);
			continue;
		}
		msg->suppressed++;
		metrics_add(METRIC_MILTER_SUPPRESSED, 1);
		message_remove_rcpt(msg, lookups[i].rcpt, RCPT_SUPPRESSED,
		    lookups[i].reason);
	}
	return VERDICT_NEXT;
}

const struct module module_suppression = {
	.name = "suppression",
	.kinds = KIND_FIRST,
	.eom = suppression_eom,
};
