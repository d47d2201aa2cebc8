/* SPDX-License-Identifier: BSD-2-Clause */
/* Recipients that are on the suppression list, taken off a message. */
#include "milter/suppress.h"

#include "service/metrics.h"
#include "util/log.h"

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

enum verdict
suppress_recipients(struct message *msg, struct lookup *lookups, size_t count)
{
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
