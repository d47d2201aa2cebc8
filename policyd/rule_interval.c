/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * interval: flow control.  A message's first recipient is answered in the next
 * slot of its tenant, and of its client, or in that of the receiving server;
 * the client waits, as a busy server would make it wait.  A slot that is too
 * far away is a temporary refusal.
 */
#include <stdio.h>

#include "policyd/interval.h"
#include "policyd/limit_value.h"
#include "policyd/policyd.h"
#include "policyd/rule.h"
#include "policyd/seen.h"
#include "proto/settings.h"
#include "service/metrics.h"
#include "util/clock.h"

/* Postfix waits 20 s for an answer: see postfix-conf/plan.c. */
#define WAIT_MAX_US INT64_C(12000000)
#define KEY_MAX 200

struct turn {
	char tenant[KEY_MAX], client[KEY_MAX];
	struct slice tenant_is, client_is; /* absent: not held back by that */
	int64_t tenant_us, client_us;      /* between two slots */
	uint64_t mark;                     /* of the message; 0: none */
	char text[100];
};

static const struct rule_result next = { .verdict = RULE_NEXT };

static struct slice
key(char room[KEY_MAX], struct slice tenant, struct slice client)
{
	int n = snprintf(room, KEY_MAX, "%.*s\n%.*s", SLICE_F(tenant),
	    SLICE_F(client));

	return (struct slice){ room, n < KEY_MAX ? (size_t)n : KEY_MAX - 1 };
}

/* The keys and their intervals; absent where nothing holds back. */
static void
fill_keys(struct turn *t, const struct request *r)
{
	const struct relay_settings *relay = &r->tenant->relay;
	const struct tenant *receiver =
	    r->back != NULL ? r->back->inbound : NULL;
	char room[LIMIT_CLIENT_MAX];

	if (r->back != NULL) {
		t->tenant_us =
		    receiver != NULL ? receiver->inbound.interval_ms * 1000 : 0;
		if (t->tenant_us > 0)
			t->tenant_is =
			    key(t->tenant, receiver->name, SLICE("inbound"));
		return;
	}
	t->tenant_us = relay->interval_ms * 1000;
	t->client_us = relay->interval_per_client_ms * 1000;
	if (t->tenant_us > 0)
		t->tenant_is = key(t->tenant, r->tenant->name, SLICE(""));
	if (t->client_us > 0)
		t->client_is = key(t->client, r->tenant->name,
		    limit_client(r->attrs->attr[POLICY_CLIENT], room));
}

/* False: nothing holds this request back. */
static bool
fill(struct turn *t, const struct request *r)
{
	struct slice instance = r->attrs->attr[POLICY_INSTANCE];

	fill_keys(t, r);
	if (t->tenant_is.at == NULL && t->client_is.at == NULL)
		return false;
	if (instance.len > 0) {
		const struct slice parts[] = { SLICE("interval"), instance };

		t->mark = seen_mark(r->daemon->seen, parts, 2);
		if (seen_has(r->daemon->seen, t->mark)) {
			t->tenant_is = t->client_is = (struct slice){ NULL, 0 };
			return false;
		}
	}
	return true;
}

static int64_t
slot_of(const struct turn *t, const struct intervals *v)
{
	int64_t slot = clock_mono_us(), other;

	if (t->tenant_is.at != NULL &&
	    (other = intervals_next(v, t->tenant_is)) > slot)
		slot = other;
	if (t->client_is.at != NULL &&
	    (other = intervals_next(v, t->client_is)) > slot)
		slot = other;
	return slot;
}

static void
interval_check(struct rule_call *call)
{
	struct request *r = call->request;
	struct turn *t = call->state;
	int64_t wait_us;
	int n;

	if (!fill(t, r)) {
		rule_done(call, &next);
		return;
	}
	wait_us = slot_of(t, r->daemon->intervals) - clock_mono_us();
	if (wait_us <= WAIT_MAX_US) {
		rule_done(call, &next);
		return;
	}
	metrics_add(METRIC_POLICYD_REFUSED_INTERVAL, 1);
	n = snprintf(t->text, sizeof(t->text),
	    "too many messages at once, try again in %lld s",
	    (long long)(wait_us / 1000000 + 1));
	rule_done(call, &(struct rule_result){
			    .verdict = RULE_DEFER,
			    .enhanced = { 4, 7, 1 },
			    .text = { t->text, n > 0 ? (size_t)n : 0 },
			});
}

/* Slots are taken by what goes on only. */
static void
interval_settle(struct rule_call *call, enum rule_outcome outcome)
{
	struct request *r = call->request;
	struct intervals *v = r->daemon->intervals;
	struct turn *t = call->state;

	if (outcome != RULE_PASSED ||
	    (t->tenant_is.at == NULL && t->client_is.at == NULL))
		return;
	r->not_before_us = slot_of(t, v);
	if (t->tenant_is.at != NULL)
		intervals_take(v, t->tenant_is, r->not_before_us, t->tenant_us);
	if (t->client_is.at != NULL)
		intervals_take(v, t->client_is, r->not_before_us, t->client_us);
	if (t->mark != 0)
		seen_add(r->daemon->seen, t->mark);
}

const struct rule rule_interval = {
	.name = "interval",
	.stages = RULE_AT_RCPT,
	.state_size = sizeof(struct turn),
	.check = interval_check,
	.late = interval_check,
	.settle = interval_settle,
};
