/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forwarding: messages that match a filter go to another address as well, or
 * instead.  Every rule looks at the message as it came, so that none acts on
 * what another one added; a recipient is redirected once, by the first rule
 * that does.
 */
#include "milter/milter.h"
#include "milter/module.h"
#include "milter/suppress.h"
#include "proto/filter.h"
#include "service/metrics.h"
#include "util/err.h"
#include "util/log.h"

#define NOTE_MAX 1000 /* octets of rule names on the log line */

/* One message on its way through the rules. */
struct forwarding {
	struct message *msg;
	struct filter_values *values;
	size_t came; /* recipients that came with it */
	struct buf names;
};

/* Recipients that the rules look at: suppressed ones get nothing. */
static bool
is_looked_at(const struct message_rcpt *r)
{
	return r->fate == RCPT_GOES || r->fate == RCPT_REDIRECTED;
}

/* As filter_match; whole: what a filter about the header has said. */
static int
matches(const struct forwarding *f, const struct forward_rule *rule, int whole,
    const struct message_rcpt *r)
{
	if (!filter_is_recipient(rule->filter))
		return whole;
	return filter_match(rule->filter, f->values, r->address);
}

struct hits {
	size_t count, redirected;
	struct slice only; /* the last one redirected */
};

/* Finds those that the rule is about, and takes them off if it says so. */
static int
find_recipients(struct forwarding *f, const struct forward_rule *rule,
    int whole, struct hits *hits)
{
	for (size_t i = 0; i < f->came; i++) {
		struct message_rcpt *r = &f->msg->rcpts[i];
		int rc;

		if (!is_looked_at(r))
			continue;
		if ((rc = matches(f, rule, whole, r)) < 0)
			return rc;
		if (rc == 0)
			continue;
		hits->count++;
		if (rule->mode == FORWARD_COPY)
			return 0; /* one is enough */
		/* It is there already, or went elsewhere. */
		if (r->fate != RCPT_GOES || slice_eq(r->address, rule->to))
			continue;
		message_remove_rcpt(f->msg, i, RCPT_REDIRECTED, rule->name);
		hits->redirected++;
		hits->only = r->address;
	}
	return 0;
}

static void
tell(struct forwarding *f, const struct forward_rule *rule)
{
	if (f->names.len > 0)
		(void)buf_add_char(&f->names, ',');
	(void)buf_add_slice(&f->names, rule->name);
	metrics_add(rule->mode == FORWARD_COPY ? METRIC_MILTER_FORWARD_COPY
					       : METRIC_MILTER_FORWARD_REDIRECT,
	    1);
}

/* It came as a recipient, and the event of it is written already. */
static bool
is_suppressed(const struct forwarding *f, struct slice address)
{
	for (size_t i = 0; i < f->came; i++)
		if (f->msg->rcpts[i].fate == RCPT_SUPPRESSED &&
		    slice_eq(f->msg->rcpts[i].address, address))
			return true;
	return false;
}

static int
apply_rule(struct forwarding *f, const struct forward_rule *rule)
{
	struct slice nobody = { NULL, 0 };
	struct hits hits = { .count = 0 };
	int rc = 0;

	if (!filter_is_recipient(rule->filter)) {
		rc = filter_match(rule->filter, f->values, nobody);
		if (rc <= 0)
			return rc;
	}
	if ((rc = find_recipients(f, rule, rc, &hits)) < 0)
		return rc;
	if (hits.count == 0 ||
	    (rule->mode == FORWARD_REDIRECT && hits.redirected == 0))
		return 0;
	tell(f, rule);
	if (is_suppressed(f, rule->to))
		return 0;
	/* It can stand for one recipient only. */
	return message_new_rcpt(f->msg, rule->to,
	    hits.redirected == 1 ? hits.only : nobody, rule->name);
}

/* No policy server was asked about those that were added. */
static enum verdict
suppress_added(struct message *msg, size_t came)
{
	size_t count = msg->rcpt_count - came;
	struct lookup *lookups;

	if (count == 0 || msg->tenant->suppression == MODE_OFF)
		return VERDICT_NEXT;
	lookups = arena_calloc(msg->arena, count, sizeof(*lookups));
	if (lookups == NULL)
		return VERDICT_TEMPFAIL;
	for (size_t i = 0; i < count; i++)
		lookups[i].rcpt = came + i;
	return suppress_recipients(msg, lookups, count);
}

static enum verdict
failed(struct message *msg, const struct forward_rule *rule, int rc)
{
	static struct log_limit limit;
	unsigned long missed;

	if (rc != ERR_LIMIT) {
		message_reply(msg, "4.3.0", "Out of memory, try later");
		return VERDICT_TEMPFAIL;
	}
	if (log_limit_ok(&limit, 60, &missed))
		log_warning("%.*s: forwarding rule %.*s of tenant %.*s gives "
			    "up: its expression takes too long; mail is put "
			    "off (%lu more messages since the last warning)",
		    SLICE_F(msg->queue_id), SLICE_F(rule->name),
		    SLICE_F(msg->tenant->name), missed);
	message_reply(msg, "4.3.5",
	    "A forwarding rule can not be decided, try later");
	return VERDICT_TEMPFAIL;
}

static enum verdict
forward_eom(struct message *msg, void *state)
{
	const struct tenant *t = msg->tenant;
	struct forwarding f = { .msg = msg, .came = msg->rcpt_count };
	enum verdict verdict = VERDICT_NEXT;

	(void)state;
	if (t->forward_count == 0 || message_rcpts_left(msg) == 0)
		return VERDICT_NEXT;
	f.values = message_values(msg);
	if (f.values == NULL)
		return VERDICT_TEMPFAIL;
	buf_init(&f.names, NOTE_MAX);
	for (size_t i = 0; i < t->forward_count && verdict == VERDICT_NEXT;
	     i++) {
		int rc = apply_rule(&f, &t->forwards[i]);

		if (rc < 0)
			verdict = failed(msg, &t->forwards[i], rc);
	}
	if (f.names.len > 0)
		message_note(msg, "forward", buf_slice(&f.names));
	buf_done(&f.names);
	return verdict == VERDICT_NEXT ? suppress_added(msg, f.came) : verdict;
}

const struct module module_forward = {
	.name = "forward",
	.kinds = KIND_FIRST,
	.eom = forward_eom,
};
