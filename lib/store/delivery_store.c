/* SPDX-License-Identifier: BSD-2-Clause */
/* What the log follower writes, and the positions of consumers. */
#include "store/delivery_store.h"

#include <stdlib.h>

#include "store/args.h"
#include "store/keys.h"
#include "store/message_store.h"
#include "store/request.h"
#include "store/store.h"
#include "util/err.h"
#include "util/map.h"

#define REASON_MAX 500

/* ---- {1, next} or {0, current} ---- */

static void
got_moved(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	delivery_committed *committed = (delivery_committed *)q->fn;
	void *committed_ctx = q->ctx;
	struct slice current = { NULL, 0 };

	request_done(q);
	if (rc == 0) {
		current = redis_string(redis_at(reply, 1));
		if (redis_integer(redis_at(reply, 0)) != 1)
			rc = ERR_CONFLICT;
	}
	committed(rc, current, committed_ctx);
}

static void
got_place(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	delivery_committed *got = (delivery_committed *)q->fn;
	void *got_ctx = q->ctx;
	struct slice place = SLICE("");

	request_done(q);
	if (rc == 0 && !redis_is_nil(reply))
		place = redis_string(reply);
	got(rc, place, got_ctx);
}

static void
get_place(struct store *s, const struct key *key, struct slice field,
    int64_t deadline_us, delivery_committed *got, void *ctx)
{
	struct slice argv[3] = { SLICE("HGET"), key_slice(key), field };

	redis_command(s, argv, 3, deadline_us, got_place,
	    request_new(s, (request_fn *)got, ctx));
}

static void
got_noted(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	delivery_noted *noted = (delivery_noted *)q->fn;
	void *noted_ctx = q->ctx;

	(void)reply;
	request_done(q);
	noted(rc, noted_ctx);
}

void
delivery_origin(struct store *s, struct slice host, struct slice queue_id,
    struct slice origin, int64_t deadline_us, delivery_noted *noted, void *ctx)
{
	struct key key = key_message(host, queue_id);
	struct slice argv[2] = { key_slice(&key), origin };

	redis_script(s, SCRIPT_delivery_origin, 1, argv, 2, deadline_us,
	    got_noted, request_new(s, (request_fn *)noted, ctx));
}

void
delivery_checkpoint(struct store *s, struct slice host, struct slice source,
    int64_t deadline_us, delivery_committed *got, void *ctx)
{
	struct key key = key_checkpoint(host);

	get_place(s, &key, source, deadline_us, got, ctx);
}

void
position_get(struct store *s, struct slice host, struct slice consumer,
    int64_t deadline_us, delivery_committed *got, void *ctx)
{
	struct key key = key_positions(host);

	get_place(s, &key, consumer, deadline_us, got, ctx);
}

void
position_move(struct store *s, struct slice host, struct slice consumer,
    struct slice expected, struct slice next, const struct event *events,
    size_t count, int64_t deadline_us, delivery_committed *moved, void *ctx)
{
	struct key positions = key_positions(host);
	struct key prefix = key_counters_prefix(host);
	struct args a;

	args_init(&a);
	int64_t midnight_ms = args_streams(&a, host);
	args_key(&a, &positions);
	args_number(&a, midnight_ms);
	args_add(&a, key_slice(&prefix));
	args_add(&a, consumer);
	args_add(&a, expected);
	args_add(&a, next);
	args_number(&a, store_events_days(s));
	for (size_t i = 0; i < count; i++)
		args_event(&a, &events[i]);
	args_send(&a, s, SCRIPT_event_append, deadline_us, got_moved,
	    request_new(s, (request_fn *)moved, ctx));
}

/* ---- a batch of log lines ---- */

static struct slice
kind_letter(enum delivery_op_kind kind)
{
	switch (kind) {
	case DELIVERY_QUEUED:
		return SLICE("q");
	case DELIVERY_RESULT:
		return SLICE("r");
	case DELIVERY_EXPIRED:
		return SLICE("e");
	case DELIVERY_REMOVED:
		return SLICE("x");
	}
	return SLICE("x");
}

/* A final result is a success or a failure; all else is tried again. */
static struct slice
type_letter(enum event_type type)
{
	return type == EVENT_SUCCEEDED ? SLICE("s")
	       : type == EVENT_FAILED  ? SLICE("f")
				       : SLICE("d");
}

static struct slice
cut_reason(struct slice s)
{
	if (s.len <= REASON_MAX)
		return s;
	s.len = REASON_MAX;
	while (s.len > 0 && ((unsigned char)s.at[s.len] & 0xc0) == 0x80)
		s.len--;
	return s;
}

static void
add_op(struct args *a, const struct delivery_op *op, size_t number)
{
	args_add(a, kind_letter(op->kind));
	args_number(a, (int64_t)number);
	args_minute(a, op->at_ms);
	args_number(a, op->at_ms);
	args_add(a, op->queue_id);
	args_add(a, op->kind == DELIVERY_QUEUED ? op->sender : op->recipient);
	args_add(a, type_letter(op->type));
	if (op->status > 0)
		args_number(a, op->status);
	else
		args_add(a, SLICE(""));
	if (op->class > CLASS_NONE)
		args_number(a, op->class);
	else
		args_add(a, SLICE(""));
	args_add(a, cut_reason(op->reason));
	args_add(a, op->relay);
	args_add(a, op->provider);
}

/*
 * Adds the key of each message once; ret_numbers: which one each op is about,
 * counted from 1.
 */
static int
add_messages(struct args *a, struct slice host, const struct delivery_op *ops,
    size_t count, size_t *ret_numbers)
{
	struct map *known = map_new(count);
	size_t last = 0;
	int rc = known != NULL ? 0 : ERR_NOMEM;

	for (size_t i = 0; i < count && rc == 0; i++) {
		size_t *number = map_get(known, ops[i].queue_id);

		if (number != NULL) {
			ret_numbers[i] = *number;
			continue;
		}
		struct key key = key_message(host, ops[i].queue_id);

		args_key(a, &key);
		ret_numbers[i] = ++last;
		rc = map_set(known, ops[i].queue_id, &ret_numbers[i], NULL);
	}
	map_free(known, NULL);
	return rc;
}

void
delivery_commit(struct store *s, struct slice host, struct slice source,
    struct slice expected, struct slice next, const struct delivery_op *ops,
    size_t count, int64_t deadline_us, delivery_committed *committed, void *ctx)
{
	struct key checkpoint = key_checkpoint(host);
	struct key prefix = key_counters_prefix(host);
	size_t *numbers = calloc(count + 1, sizeof(*numbers));
	struct args a;

	args_init(&a);
	args_key(&a, &checkpoint);
	int64_t midnight_ms = args_streams(&a, host);
	if (numbers == NULL ||
	    (count > 0 && add_messages(&a, host, ops, count, numbers) < 0))
		a.failed = true;
	args_number(&a, midnight_ms);
	args_add(&a, key_slice(&prefix));
	args_add(&a, source);
	args_add(&a, expected);
	args_add(&a, next);
	args_number(&a, MESSAGE_TTL_S);
	args_number(&a, store_events_days(s));
	for (size_t i = 0; i < count && !a.failed; i++)
		add_op(&a, &ops[i], numbers[i]);
	free(numbers);
	args_send(&a, s, SCRIPT_delivery_commit, deadline_us, got_moved,
	    request_new(s, (request_fn *)committed, ctx));
}
