/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies that Postern has sent in again: how they are known. */
#include "milter/copy.h"

#include "milter/meeting.h"
#include "milter/message.h"
#include "milter/milter.h"
#include "proto/own_mail.h"
#include "service/metrics.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/log.h"

/* Did it come by the listener that is for copies only? */
static bool
is_internal(const struct message *msg)
{
	struct slice port = slice_of(msg->host->reinject);
	const char *colon = memrchr(port.at, ':', port.len);

	if (colon == NULL || msg->listener_port.len == 0)
		return false;
	port = slice_skip(port, (size_t)(colon - port.at) + 1);
	return slice_eq(port, msg->listener_port);
}

static int
take_over(struct message *msg)
{
	const struct copy_token *c = msg->copy;

	msg->tenant = settings_tenant(msg->settings, c->tenant);
	if (msg->tenant == NULL)
		return ERR_CANCELED;
	msg->sender = message_keep(msg, c->sender);
	msg->client = c->client;
	msg->client_name = c->client_name;
	msg->helo = c->helo;
	msg->sasl_user = c->sasl_user;
	msg->preflight = c->preflight;
	msg->stream = c->stream;
	return msg->sender.at != NULL ? 0 : ERR_NOMEM;
}

/*
 * Mail that another of Postern's daemons has written: it waits for nobody, and
 * has a pass for its one recipient.
 */
static int
enter_by_pass(struct message *msg, struct slice pass)
{
	struct copy_token *token = arena_calloc(msg->arena, 1, sizeof(*token));
	struct slice tenant;

	if (token == NULL)
		return ERR_NOMEM;
	if (msg->rcpt_count != 1 ||
	    own_mail_parse(msg->host->copy_key, pass, msg->rcpts[0].address,
		clock_wall_us() / 1000000, &tenant) < 0)
		return ERR_NOTFOUND;
	token->kind = COPY_NOTICE;
	token->tenant = message_keep(msg, tenant);
	token->sender = msg->sender;
	msg->copy = token;
	return token->tenant.at != NULL ? 0 : ERR_NOMEM;
}

static int
enter(struct message *msg, struct slice invitation)
{
	if (invitation.at == NULL)
		return ERR_NOTFOUND;
	if (own_mail_looks(invitation))
		return enter_by_pass(msg, invitation);
	return meeting_enter(invitation, &msg->guest, &msg->copy);
}

int
copy_enter(struct message *msg)
{
	struct slice invitation = { NULL, 0 };
	int rc;

	for (size_t i = 0; i < msg->field_count; i++) {
		struct header_field *f = &msg->fields[i].field;

		if (!slice_starts_nocase(f->name, SLICE(COPY_PREFIX)))
			continue;
		if (invitation.at == NULL &&
		    slice_eq_nocase(f->name, SLICE(COPY_FIELD)))
			invitation = slice_trim(f->value);
		message_delete_field(msg, i);
	}
	if (!is_internal(msg))
		return 0;
	if ((rc = enter(msg, invitation)) == 0)
		return take_over(msg);
	if (rc == ERR_NOTFOUND) {
		metrics_add(METRIC_MILTER_COPIES_REFUSED, 1);
		log_warning("internal listener: mail of %.*s is not a copy "
			    "that is awaited",
		    SLICE_F(msg->sender));
	}
	return rc == ERR_NOTFOUND ? ERR_DENIED : rc;
}
