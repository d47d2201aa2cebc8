/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions at once, at MAIL FROM. */
#include "milter/mlfi_session.h"

#include <string.h>

#include "milter/milter.h"
#include "milter/mlfi_edit.h"
#include "service/metrics.h"
#include "util/log.h"

/* Our own copies come by the internal listener. */
static bool
is_internal(const struct message *msg)
{
	const char *reinject = msg->host->reinject;
	const char *colon = reinject != NULL ? strrchr(reinject, ':') : NULL;

	return colon != NULL &&
	       slice_eq(slice_of(colon + 1), msg->listener_port);
}

static void
log_refusal(const struct message *msg, const struct tenant *tenant,
    const char *reason)
{
	struct log_line l;

	log_line(&l, (struct slice){ NULL, 0 });
	log_line_add(&l, "client", msg->client);
	log_line_add(&l, "from", msg->sender);
	log_line_add(&l, "tenant", tenant->name);
	log_line_add(&l, "action", SLICE("tempfail"));
	log_line_add(&l, "reason", slice_of(reason));
	log_line_end(&l, LOG_L_INFO);
}

bool
mlfi_session_full(SMFICTX *ctx, struct session *session,
    const struct message *msg, bool answered)
{
	enum session_result result;

	/* Mail that no smtpd(8) has seen comes by no port. */
	if (msg->listener_port.at == NULL || is_internal(msg))
		return false;
	result = session_enter(session, msg->tenant, msg->client);
	if (result == SESSION_OK || !answered)
		return false;
	metrics_add(METRIC_MILTER_SESSIONS_REFUSED, 1);
	log_refusal(msg, msg->tenant,
	    result == SESSION_TENANT_FULL ? "too many sessions of the tenant"
					  : "too many sessions of the client");
	(void)smfi_setreply(ctx, unconst("421"), unconst("4.7.0"),
	    unconst("Too many sessions at once, try later"));
	return true;
}

bool
mlfi_session_inbound(SMFICTX *ctx, struct session *session, struct message *msg)
{
	/* A copy of ours is no mail from outside. */
	if (msg->listener_port.at == NULL || is_internal(msg))
		return true;
	message_look_back(msg);
	if (msg->inbound == NULL || msg->inbound->inbound.max_sessions == 0 ||
	    session_enter_inbound(session, msg->inbound))
		return true;
	metrics_add(METRIC_MILTER_INBOUND_SESSIONS, 1);
	log_refusal(msg, msg->inbound, "too many mails are received at once");
	(void)smfi_setreply(ctx, unconst("451"), unconst("4.7.0"),
	    unconst("Too many mails at once, try later"));
	return false;
}
