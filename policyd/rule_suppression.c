/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suppression: mail to an address on the suppression list is refused at RCPT.
 * A permanent answer is given only for a record that was read.
 */
#include <stdio.h>

#include "policyd/policyd.h"
#include "policyd/refusals.h"
#include "policyd/report.h"
#include "policyd/rule.h"
#include "proto/event.h"
#include "proto/settings.h"
#include "store/block_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

struct suppression {
	char text[RULE_TEXT_MAX];
	char ref[BLOCK_REFERENCE_LEN + 1];
};

static const struct rule_result next = { .verdict = RULE_NEXT };

/* Redis did not say, or not in time. */
static void
unavailable(struct rule_call *call, int rc)
{
	struct policyd *d = call->request->daemon;
	const struct tenant *t = call->request->tenant;
	bool pass = t->suppression == MODE_OBSERVE ||
		    t->suppression_unavailable == UNAVAILABLE_PASS;

	d->count.suppression_unavailable++;
	report_unavailable(d, rc,
	    pass ? "recipients pass unchecked" : "mail is put off");
	if (pass) {
		rule_done(call, &next);
		return;
	}
	rule_done(call, &(struct rule_result){
			    .verdict = RULE_DEFER,
			    .enhanced = { 4, 3, 0 },
			    .text = SLICE("recipient can not be checked now, "
					  "try again"),
			});
}

static void
refuse(struct rule_call *call, const struct block *block)
{
	struct suppression *s = call->state;
	const struct tenant *t = call->request->tenant;
	struct rule_result result = {
		.verdict = RULE_REJECT,
		.mode = t->suppression == MODE_OBSERVE ? RULE_OBSERVE
						       : RULE_ENFORCE,
		.enhanced = { 5, 1, 1 },
	};

	if (t->on_suppressed == SUPPRESSED_ACCEPT &&
	    t->suppression == MODE_ENFORCE) {
		/* The milter takes it off, and writes the event. */
		call->request->daemon->count.suppressed_accepted++;
		rule_done(call, &next);
		return;
	}
	char ref[BLOCK_REFERENCE_LEN];
	(void)snprintf(s->ref, sizeof(s->ref), "%.*s",
	    SLICE_F(block_reference(call->request->recipient, block, ref)));
	result.detail_key = "ref";
	result.detail = slice_of(s->ref);
	char why[BLOCK_WHY_MAX];
	int n =
	    snprintf(s->text, sizeof(s->text), "recipient is suppressed (%.*s)",
		SLICE_F(block_why(call->request->recipient, block, why)));
	result.text = (struct slice){ s->text, n > 0 ? (size_t)n : 0 };
	rule_done(call, &result);
}

static void
found(int rc, const struct block *block, void *ctx)
{
	struct rule_call *call = ctx;
	struct request *r = call->request;

	if (call->done)
		; /* the deadline has answered */
	else if (rc == 0)
		refuse(call, block);
	else if (rc == ERR_NOTFOUND)
		rule_done(call, &next);
	else
		unavailable(call, rc);
	request_drop(r);
}

static void
suppression_check(struct rule_call *call)
{
	struct request *r = call->request;
	int64_t deadline = store_deadline(r->daemon->store);

	if (r->tenant->suppression == MODE_OFF || r->recipient.at == NULL ||
	    r->back != NULL) {
		rule_done(call, &next);
		return;
	}
	if (deadline > r->deadline_us)
		deadline = r->deadline_us;
	request_hold(r);
	block_look(r->daemon->store, r->tenant->name, r->recipient, r->stream,
	    deadline, found, call);
}

static void
suppression_late(struct rule_call *call)
{
	unavailable(call, ERR_TIMEOUT);
}

/* The refusal is the final event of this recipient. */
static void
suppression_settle(struct rule_call *call, enum rule_outcome outcome)
{
	struct request *r = call->request;
	char reason[RULE_TEXT_MAX + 20];

	if (outcome != RULE_REFUSED || call->result.verdict != RULE_REJECT)
		return;
	int n = snprintf(reason, sizeof(reason), "550 5.1.1 %.*s",
	    SLICE_F(call->result.text));
	struct event event = {
		.created_ms = clock_wall_us() / 1000,
		.type = EVENT_FAILED,
		.tenant = r->tenant->name,
		.recipient = r->recipient,
		.status = STATUS_SUPPRESSED,
		.reason = { reason, n > 0 ? (size_t)n : 0 },
		.return_path = r->attrs->attr[POLICY_SENDER],
		.sender = r->attrs->attr[POLICY_SENDER],
		.source_ip = r->attrs->attr[POLICY_CLIENT],
	};
	refusals_write(r->daemon->refusals, &event);
}

const struct rule rule_suppression = {
	.name = "suppression",
	.stages = RULE_AT_RCPT,
	.state_size = sizeof(struct suppression),
	.check = suppression_check,
	.late = suppression_late,
	.settle = suppression_settle,
};
