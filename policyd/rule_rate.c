/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rate: every limit of the tenant is booked by itself, all in one turn.  A
 * message counts once, however many recipients it has, unless the limit says
 * per recipient; what is booked for mail that is then refused is given back.
 */
#include <stdio.h>

#include "policyd/limit_value.h"
#include "policyd/policyd.h"
#include "policyd/report.h"
#include "policyd/rule.h"
#include "policyd/seen.h"
#include "proto/settings.h"
#include "store/limit_store.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/err.h"

struct booking {
	struct rule_call *call;
	const struct limit_rule *rule;
	struct limit limit;
	uint64_t mark; /* of this message with this limit and value */
	bool answered, booked;
	unsigned local_hosts; /* 0: asked Redis; else the local share */
	int64_t wait_us;
};

struct bookings {
	struct booking *at;
	size_t count;
	size_t waiting; /* without an answer, one more while they begin */
	char text[RULE_TEXT_MAX];
};

static const struct rule_result next = { .verdict = RULE_NEXT };

/* "rate limit per-user exceeded, try again in 12 s" */
static struct rule_result
refusal(struct bookings *all, const struct booking *b)
{
	int n = snprintf(all->text, sizeof(all->text),
	    "rate limit %.*s exceeded, try again in %lld s",
	    SLICE_F(b->rule->name),
	    (long long)((b->wait_us + 999999) / 1000000));

	return (struct rule_result){
		.verdict = RULE_DEFER,
		.mode =
		    b->rule->mode == MODE_OBSERVE ? RULE_OBSERVE : RULE_ENFORCE,
		.detail_key = "limit",
		.detail = b->rule->name,
		.enhanced = { 4, 7, 1 },
		.text = { all->text, n > 0 ? (size_t)n : 0 },
	};
}

/* All limits have answered: the first enforced one that is full refuses. */
static void
conclude(struct rule_call *call)
{
	struct bookings *all = call->state;
	const struct booking *full = NULL;

	for (size_t i = 0; i < all->count; i++) {
		struct booking *b = &all->at[i];

		if (b->wait_us == 0)
			continue;
		if (b->rule->mode == MODE_OBSERVE) {
			struct rule_result would = refusal(all, b);

			rule_would(call, &would);
		} else if (full == NULL) {
			full = b;
		}
	}
	if (full == NULL) {
		rule_done(call, &next);
		return;
	}
	struct rule_result result = refusal(all, full);

	rule_done(call, &result);
}

/* This host's share, as Redis does not say. */
static void
book_locally(struct booking *b)
{
	struct policyd *d = b->call->request->daemon;

	d->count.limit_local++;
	b->local_hosts = d->hosts;
	b->wait_us = limit_local_take(d->local, &b->limit, b->local_hosts);
	b->booked = b->wait_us == 0;
}

static void
answered(int rc, int64_t wait_us, void *ctx)
{
	struct booking *b = ctx;
	struct rule_call *call = b->call;
	struct request *r = call->request;
	struct bookings *all = call->state;

	if (b->answered) {
		/* The deadline came first, and took the local share. */
		if (rc == 0 && wait_us == 0)
			limit_refund(r->daemon->store, &b->limit);
		request_drop(r);
		return;
	}
	b->answered = true;
	if (rc == 0) {
		b->wait_us = wait_us;
		b->booked = wait_us == 0;
	} else {
		report_unavailable(r->daemon, rc,
		    "limits are this host's share");
		book_locally(b);
	}
	if (--all->waiting == 0)
		conclude(call);
	request_drop(r);
}

/* Whether this limit has something to count in this request. */
static bool
booking_fill(struct booking *b, struct rule_call *call,
    const struct limit_rule *rule)
{
	struct request *r = call->request;
	struct slice value = limit_value(r, rule->keys);

	if (rule->mode == MODE_OFF || rule->rate_count == 0 || value.at == NULL)
		return false;
	*b = (struct booking){
		.call = call,
		.rule = rule,
		.limit = { r->tenant->name, rule->name, value, rule->rates,
		    rule->rate_count, 1 },
	};
	if (rule->per_recipient || r->attrs->attr[POLICY_INSTANCE].len == 0)
		return true;
	const struct slice parts[] = { r->attrs->attr[POLICY_INSTANCE],
		r->tenant->name, rule->name, value };

	b->mark = seen_mark(r->daemon->seen, parts, 4);
	return !seen_has(r->daemon->seen, b->mark);
}

static void
rate_check(struct rule_call *call)
{
	struct request *r = call->request;
	struct bookings *all = call->state;
	const struct tenant *t = r->tenant;
	int64_t deadline;

	/* Who is outside does not use up what the tenant may send. */
	if (t->limit_count > 0 && r->back == NULL)
		all->at =
		    arena_calloc(r->arena, t->limit_count, sizeof(*all->at));
	for (size_t i = 0; all->at != NULL && i < t->limit_count; i++)
		if (booking_fill(&all->at[all->count], call, &t->limits[i]))
			all->count++;
	if (all->count == 0) {
		rule_done(call, &next);
		return;
	}
	deadline = store_deadline(r->daemon->store);
	if (deadline > r->deadline_us)
		deadline = r->deadline_us;
	all->waiting = all->count + 1;
	for (size_t i = 0; i < all->count; i++) {
		request_hold(r);
		limit_take(r->daemon->store, &all->at[i].limit, deadline,
		    answered, &all->at[i]);
	}
	if (--all->waiting == 0)
		conclude(call);
}

static void
rate_late(struct rule_call *call)
{
	struct bookings *all = call->state;

	for (size_t i = 0; i < all->count; i++) {
		if (all->at[i].answered)
			continue;
		all->at[i].answered = true;
		book_locally(&all->at[i]);
	}
	conclude(call);
}

static void
give_back(struct policyd *d, const struct booking *b)
{
	d->count.limit_refunds++;
	if (b->local_hosts > 0)
		limit_local_refund(d->local, &b->limit, b->local_hosts);
	else
		limit_refund(d->store, &b->limit);
}

static void
rate_settle(struct rule_call *call, enum rule_outcome outcome)
{
	struct bookings *all = call->state;
	struct policyd *d = call->request->daemon;

	for (size_t i = 0; i < all->count; i++) {
		struct booking *b = &all->at[i];

		if (!b->booked)
			continue;
		if (outcome != RULE_PASSED)
			give_back(d, b);
		else if (b->mark != 0)
			seen_add(d->seen, b->mark);
	}
}

const struct rule rule_rate = {
	.name = "rate",
	.stages = RULE_AT_RCPT,
	.state_size = sizeof(struct bookings),
	.check = rate_check,
	.late = rate_late,
	.settle = rate_settle,
};
