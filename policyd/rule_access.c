/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * access: who may connect and send, and how large a message may be, by the
 * tenant's section "relay".  What comes back to a return path domain is let
 * pass: it is no mail of ours to relay.
 */
#include <stdarg.h>
#include <stdio.h>

#include "policyd/policyd.h"
#include "policyd/rule.h"
#include "proto/address.h"
#include "proto/relay_access.h"
#include "proto/schema.h"
#include "proto/settings.h"
#include "service/metrics.h"
#include "util/number.h"

struct access_state {
	char text[RULE_TEXT_MAX];
};

static const struct rule_result next = { .verdict = RULE_NEXT };

/* SMTP client of a request, as networks are compared; NULL: no address. */
static const struct schema_network *
client_of(const struct request *r, struct schema_network *room)
{
	return schema_client_parse(r->attrs->attr[POLICY_CLIENT], room) == 0
		   ? room
		   : NULL;
}

__attribute__((format(printf, 5, 6))) static void
refuse(struct rule_call *call, unsigned code, struct enhanced_code enhanced,
    const char *detail, const char *format, ...)
{
	struct access_state *state = call->state;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(state->text, sizeof(state->text), format, ap);
	va_end(ap);
	if (n >= (int)sizeof(state->text))
		n = (int)sizeof(state->text) - 1;
	rule_done(call, &(struct rule_result){
			    .verdict = RULE_REJECT,
			    .detail_key = "why",
			    .detail = slice_of(detail),
			    .enhanced = enhanced,
			    .text = { state->text, n > 0 ? (size_t)n : 0 },
			    .code = code,
			});
}

static void
refuse_network(struct rule_call *call)
{
	metrics_add(METRIC_POLICYD_REFUSED_CONNECT, 1);
	refuse(call, 554, (struct enhanced_code){ 5, 7, 1 }, "network",
	    "[%.*s]: not a permitted network",
	    SLICE_F(call->request->attrs->attr[POLICY_CLIENT]));
}

/* ---- at the connection, when the tenant is not known for sure ---- */

struct search {
	const struct schema_network *client;
	bool connect;
};

static bool
may_connect(const struct tenant *t, void *ctx)
{
	struct search *search = ctx;

	search->connect = relay_access(&t->relay,
	    relay_lists(&t->relay, search->client), false)
			      .connect;
	return !search->connect;
}

static void
check_connect(struct rule_call *call)
{
	struct request *r = call->request;
	struct tenant_match known = {
		.listener_port = r->attrs->attr[POLICY_SERVER_PORT],
		.client = r->attrs->attr[POLICY_CLIENT],
	};
	struct schema_network room;
	struct search search = { client_of(r, &room), false };

	/* Postfix always says who it is; doctor, who asks, too, does not. */
	if (known.client.at == NULL)
		search.connect = true;
	else
		settings_tenants_possible(r->settings, &known, true,
		    may_connect, &search);
	if (search.connect)
		rule_done(call, &next);
	else
		refuse_network(call);
}

/* ---- at each recipient ---- */

/* 0: any. */
static uint64_t
largest(const struct request *r)
{
	const struct tenant *receiver;

	if (r->back == NULL)
		return r->tenant->relay.max_size;
	receiver = r->back->inbound;
	if (receiver == NULL)
		return 0;
	return receiver->inbound.max_size > 0 &&
		       receiver->inbound.max_size < r->daemon->inbound_max
		   ? receiver->inbound.max_size
		   : r->daemon->inbound_max;
}

static bool
is_too_large(struct rule_call *call)
{
	struct request *r = call->request;
	uint64_t max = largest(r), size;

	if (max == 0 ||
	    number_parse(r->attrs->attr[POLICY_SIZE], 0, UINT64_MAX, &size) <
		0 ||
	    size <= max)
		return false;
	metrics_add(METRIC_POLICYD_REFUSED_SIZE, 1);
	refuse(call, 552, (struct enhanced_code){ 5, 3, 4 }, "size",
	    "message size exceeds the limit of %llu octets",
	    (unsigned long long)max);
	return true;
}

static void
refuse_user(struct rule_call *call, struct slice user)
{
	metrics_add(METRIC_POLICYD_REFUSED_SEND, 1);
	if (user.len == 0)
		refuse(call, 530, (struct enhanced_code){ 5, 7, 0 },
		    "authentication", "authentication required");
	else
		refuse(call, 550, (struct enhanced_code){ 5, 7, 1 }, "user",
		    "%.*s may not send for this service", SLICE_F(user));
}

static bool
comes_back(const struct request *r)
{
	return r->recipient.at != NULL &&
	       settings_return_domain(r->settings,
		   address_domain(r->recipient)) != NULL;
}

static void
check_recipient(struct rule_call *call)
{
	struct request *r = call->request;
	const struct relay_settings *relay = &r->tenant->relay;
	struct slice user = r->attrs->attr[POLICY_SASL_USER];
	bool logged_in = user.len > 0 &&
			 settings_user_acts_for(r->settings, user, r->tenant);
	struct schema_network room;
	bool listed = relay_lists(relay, client_of(r, &room));
	struct relay_access access = relay_access(relay, listed, logged_in);

	if (is_too_large(call))
		return;
	if (access.send || comes_back(r))
		rule_done(call, &next);
	else if (!access.connect)
		refuse_network(call);
	else
		refuse_user(call, user);
}

static void
access_check(struct rule_call *call)
{
	const struct slice *attr = call->request->attrs->attr;

	if (slice_eq(attr[POLICY_CONTEXT], SLICE("connect")) ||
	    slice_eq(attr[POLICY_STATE], SLICE("CONNECT")))
		check_connect(call);
	else
		check_recipient(call);
}

const struct rule rule_access = {
	.name = "access",
	.stages = RULE_AT_CONNECT | RULE_AT_RELAY | RULE_AT_RCPT,
	.state_size = sizeof(struct access_state),
	.check = access_check,
	.late = access_check,
};
