/* SPDX-License-Identifier: BSD-2-Clause */
/* What one line of Postfix's log means for a message. */
#include "bounced/delivery_line.h"

#include "proto/address.h"
#include "proto/classify.h"

#define RELAY_MAX 200

static struct slice
cut(struct slice s, size_t max)
{
	if (s.len > max)
		s.len = max;
	return s;
}

/* The address the message was sent to; false: neither is one. */
static bool
addressed(const struct postfix_log *log, char room[ADDRESS_MAX],
    struct slice *ret_address, bool *ret_rewritten)
{
	char other_room[ADDRESS_MAX];
	struct slice other;
	bool have = address_canonical(log->recipient, other_room, &other) == 0;

	*ret_rewritten = false;
	/* "orig_to=<root>" is local mail: it has no domain to be known by */
	if (log->original.at != NULL &&
	    address_canonical(log->original, room, ret_address) == 0 &&
	    ret_address->len > 0) {
		*ret_rewritten = have && !slice_eq(*ret_address, other);
		return true;
	}
	return address_canonical(log->recipient, room, ret_address) == 0 &&
	       ret_address->len > 0;
}

static void
judge(const struct postfix_log *log, const struct bounce_rules *rules,
    bool rewritten, struct delivery_op *op)
{
	struct classify_input in = { .rules = rules,
		.text = log->text,
		.dsn = log->dsn,
		.remote = log->relay,
		.recipient = log->recipient,
		.local = true };
	struct classify_verdict v;

	if (log->result == POSTFIX_SENT) {
		op->type = EVENT_SUCCEEDED;
		return;
	}
	classify_reply(&in, &v);
	op->status = v.status;
	op->class = v.class;
	if (log->result == POSTFIX_DEFERRED) {
		op->type = EVENT_DEFERRED;
		if (v.status != STATUS_FULL && v.status != STATUS_HOST_UNKNOWN)
			op->status = STATUS_TIMEOUT;
		return;
	}
	op->type = EVENT_FAILED;
	if (rewritten)
		op->status = STATUS_FORWARDED;
}

static bool
delivery(const struct postfix_log *log, const struct bounce_rules *rules,
    struct arena *arena, struct delivery_op *op)
{
	char room[ADDRESS_MAX];
	struct slice address;
	bool rewritten;

	if (!addressed(log, room, &address, &rewritten))
		return false;
	op->kind = DELIVERY_RESULT;
	op->recipient = arena_dup(arena, address);
	op->relay = arena_dup(arena, cut(log->relay, RELAY_MAX));
	op->reason = arena_dup(arena,
	    cut(postfix_log_remote(log->text, NULL), DELIVERY_REASON_MAX));
	judge(log, rules, rewritten, op);
	return op->recipient.at != NULL && op->relay.at != NULL &&
	       op->reason.at != NULL;
}

bool
delivery_line_op(const struct postfix_log *log,
    const struct bounce_rules *rules, struct arena *arena,
    struct delivery_op *ret_op)
{
	struct delivery_op op = { .at_ms = log->at_ms };

	op.queue_id = arena_dup(arena, log->queue_id);
	if (op.queue_id.at == NULL)
		return false;
	switch (log->kind) {
	case POSTFIX_LOG_QUEUED:
		op.kind = DELIVERY_QUEUED;
		op.sender = arena_dup(arena, cut(log->sender, ADDRESS_MAX));
		if (op.sender.at == NULL)
			return false;
		break;
	case POSTFIX_LOG_DELIVERY:
		if (!delivery(log, rules, arena, &op))
			return false;
		break;
	case POSTFIX_LOG_EXPIRED:
		op.kind = DELIVERY_EXPIRED;
		break;
	case POSTFIX_LOG_REMOVED:
		op.kind = DELIVERY_REMOVED;
		break;
	}
	*ret_op = op;
	return true;
}
