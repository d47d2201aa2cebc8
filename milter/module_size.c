/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The largest message that a tenant takes, counted as it streams by: what MAIL
 * FROM declares (RFC 1870) is only a promise, which policyd looks at.
 */
#include "milter/milter.h"
#include "milter/module.h"

struct size_state {
	uint64_t octets;
};

/* Of what comes back: a receiving server's, or the host's. */
static uint64_t
limit_back(const struct message *msg)
{
	uint64_t most = msg->host->inbound_max, own;

	if (msg->inbound == NULL)
		return 0;
	own = msg->inbound->inbound.max_size;
	return own > 0 && own < most ? own : most;
}

/* 0: none, as for mail that no smtpd(8) has seen. */
static uint64_t
limit_of(const struct message *msg)
{
	if (msg->comes_back)
		return limit_back(msg);
	return msg->rcpt_count > 0 && msg->rcpts[0].from_smtpd
		   ? msg->tenant->relay.max_size
		   : 0;
}

static enum body_want
size_begin(struct message *msg, void *state)
{
	(void)state;
	return limit_of(msg) > 0 ? BODY_STREAM : BODY_NOT;
}

static enum verdict
judge(struct message *msg, const struct size_state *s)
{
	uint64_t max = limit_of(msg);

	if (max == 0 || s->octets + msg->header_octets <= max)
		return VERDICT_NEXT;
	message_reply(msg, "5.3.4", "Message size exceeds the limit");
	return VERDICT_REJECT;
}

static enum verdict
size_body(struct message *msg, void *state, struct slice octets)
{
	struct size_state *s = state;

	s->octets += octets.len;
	return judge(msg, s);
}

static enum verdict
size_eom(struct message *msg, void *state)
{
	return judge(msg, state);
}

const struct module module_size = {
	.name = "size",
	.state_size = sizeof(struct size_state),
	.kinds = KIND_FIRST | KIND_RETURN,
	.begin = size_begin,
	.body = size_body,
	.eom = size_eom,
};
