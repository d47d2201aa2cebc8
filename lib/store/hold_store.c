/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of held mail in Redis: one script call each. */
#include "store/hold_store.h"

#include <stdlib.h>

#include "proto/schedule.h"
#include "store/cursor.h"
#include "store/hold_args.h"
#include "store/hold_record.h"
#include "store/message_store.h"
#include "store/redis.h"
#include "store/request.h"
#include "util/err.h"
#include "util/number.h"

#define MOVED_MAX 2000 /* in one tick from "due" to "ready" */
#define RANK_MS (INT64_C(1) << 42)
#define TTL_MAX_S (INT64_C(400) * 86400)
#define ASK_TTL_S 86400

/* ---- arguments ---- */

static void
add_key(struct args *a, struct slice host, struct slice name)
{
	struct key key = key_hold(host, name);

	args_key(a, &key);
}

static void
add_lists(struct args *a, struct slice host)
{
	add_key(a, host, SLICE("due"));
	add_key(a, host, SLICE("ready"));
	add_key(a, host, SLICE("of"));
	add_key(a, host, SLICE("count"));
}

void
hold_args_keys(struct args *a, struct slice host)
{
	add_lists(a, host);
	add_key(a, host, SLICE("gate"));
}

/* Where mail of this priority begins in "ready". */
static int64_t
rank_of(unsigned priority)
{
	return (int64_t)(PRIORITY_MAX - priority) * RANK_MS;
}

static void
add_due(struct args *a, int64_t release_ms)
{
	if (release_ms == INT64_MAX)
		args_add(a, SLICE("inf"));
	else
		args_number(a, release_ms);
}

void
hold_args_record(struct args *a, const struct hold_record *r)
{
	struct buf text;

	buf_init(&text, HOLD_RECORD_MAX);
	if (hold_record_format(r, &text) < 0)
		a->failed = true;
	args_add(a, r->queue_id);
	args_copy(a, buf_slice(&text));
	add_due(a, r->release_ms > r->arrived_ms ? r->release_ms : 0);
	args_number(a, rank_of(r->priority) + r->arrived_ms % RANK_MS);
	buf_done(&text);
}

void
hold_args_request(struct args *a, const struct message_facts *m)
{
	struct hold_record r = m->hold->rec;
	int64_t wait_s = 0;

	r.queue_id = m->queue_id;
	r.tenant = m->facts.tenant;
	if (hold_is_certain(m->hold)) {
		args_add(a, SLICE("h"));
		wait_s = (r.release_ms - r.arrived_ms) / 1000;
	} else {
		args_add(a, SLICE("g"));
	}
	hold_args_record(a, &r);
	args_number(a, rank_of(r.priority) + RANK_MS);
	args_number(a, HOLD_GATE_MS);
	/* The facts must not end before the message leaves. */
	args_number(a,
	    MESSAGE_TTL_S + (wait_s < TTL_MAX_S ? wait_s : TTL_MAX_S));
}

/* ---- calls that only end ---- */

static void
on_done(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	hold_done *done = (hold_done *)q->fn;
	void *done_ctx = q->ctx;

	(void)reply;
	request_done(q);
	done(rc, done_ctx);
}

void
hold_gate_set(struct store *s, struct slice host, size_t in_flight,
    size_t max_in_flight, int64_t deadline_us, hold_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	add_key(&a, host, SLICE("gate"));
	args_number(&a, (int64_t)in_flight);
	args_number(&a, (int64_t)max_in_flight);
	args_send(&a, s, SCRIPT_hold_gate, deadline_us, on_done,
	    request_new(s, (request_fn *)done, ctx));
}

void
hold_forget(struct store *s, struct slice host, const struct slice *ids,
    size_t count, int64_t deadline_us, hold_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	add_lists(&a, host);
	for (size_t i = 0; i < count; i++)
		args_add(&a, ids[i]);
	args_send(&a, s, SCRIPT_hold_forget, deadline_us, on_done,
	    request_new(s, (request_fn *)done, ctx));
}

void
hold_put(struct store *s, struct slice host, const struct hold_record *records,
    size_t count, int64_t deadline_us, hold_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	add_lists(&a, host);
	for (size_t i = 0; i < count; i++)
		hold_args_record(&a, &records[i]);
	args_send(&a, s, SCRIPT_hold_put, deadline_us, on_done,
	    request_new(s, (request_fn *)done, ctx));
}

/* ---- and those that answer 0 when they could not ---- */

static void
on_moved(int rc, const struct redis_reply *reply, void *ctx)
{
	if (rc == 0 && redis_integer(reply) == 0)
		rc = ERR_NOTFOUND;
	on_done(rc, NULL, ctx);
}

void
hold_move(struct store *s, struct slice host, struct slice queue_id,
    int64_t release_ms, int64_t deadline_us, hold_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	add_lists(&a, host);
	args_add(&a, queue_id);
	add_due(&a, release_ms);
	args_number(&a, PRIORITY_MAX);
	args_number(&a, RANK_MS);
	args_send(&a, s, SCRIPT_hold_move, deadline_us, on_moved,
	    request_new(s, (request_fn *)done, ctx));
}

static void
on_ask(int rc, const struct redis_reply *reply, void *ctx)
{
	if (rc == 0 && redis_integer(reply) == 0)
		rc = ERR_LIMIT;
	on_done(rc, NULL, ctx);
}

static const struct slice ask_words[] = {
	[HOLD_ASK_RELEASE] = SLICE("release"),
	[HOLD_ASK_DROP] = SLICE("drop"),
};

void
hold_ask(struct store *s, struct slice host, enum hold_ask verb,
    struct slice queue_id, struct slice actor, int64_t deadline_us,
    hold_done *done, void *ctx)
{
	struct args a;

	args_init(&a);
	add_key(&a, host, SLICE("ask"));
	args_add(&a, ask_words[verb]);
	args_add(&a, queue_id);
	args_add(&a, actor);
	args_number(&a, HOLD_ASKS_MAX);
	args_number(&a, ASK_TTL_S);
	args_send(&a, s, SCRIPT_hold_ask, deadline_us, on_ask,
	    request_new(s, (request_fn *)done, ctx));
}

/* ---- the scheduler's tick ---- */

/* Next time in "due", then id and score of each. */
static void
on_taken(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	hold_taken *taken = (hold_taken *)q->fn;
	void *taken_ctx = q->ctx;
	size_t count = rc == 0 ? redis_count(reply) / 2 : 0;
	struct hold_turn *turns = calloc(count + 1, sizeof(*turns));
	int64_t next_ms = 0;

	request_done(q);
	if (rc == 0 && turns == NULL)
		rc = ERR_NOMEM;
	if (rc == 0)
		next_ms = redis_integer(redis_at(reply, 0));
	for (size_t i = 0; rc == 0 && i < count; i++) {
		int64_t score = redis_integer(redis_at(reply, 2 * i + 2));

		turns[i] = (struct hold_turn){
			.queue_id = redis_string(redis_at(reply, 2 * i + 1)),
			.priority = PRIORITY_MAX - (unsigned)(score / RANK_MS),
			.arrived_ms = score % RANK_MS,
		};
	}
	taken(rc, turns, rc == 0 ? count : 0, next_ms, taken_ctx);
	free(turns);
}

void
hold_take(struct store *s, struct slice host, int64_t now_ms, size_t max,
    int64_t deadline_us, hold_taken *taken, void *ctx)
{
	struct args a;

	args_init(&a);
	add_lists(&a, host);
	args_number(&a, now_ms);
	args_number(&a, (int64_t)max);
	args_number(&a, MOVED_MAX);
	args_number(&a, PRIORITY_MAX);
	args_number(&a, RANK_MS);
	args_send(&a, s, SCRIPT_hold_take, deadline_us, on_taken,
	    request_new(s, (request_fn *)taken, ctx));
}

static void
on_known(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	hold_known *known = (hold_known *)q->fn;
	void *known_ctx = q->ctx;
	struct slice bits = rc == 0 ? redis_string(reply) : SLICE("");
	bool *answer = calloc(bits.len + 1, sizeof(*answer));

	request_done(q);
	if (rc == 0 && answer == NULL)
		rc = ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < bits.len; i++)
		answer[i] = bits.at[i] == '1';
	known(rc, answer, rc == 0 ? bits.len : 0, known_ctx);
	free(answer);
}

void
hold_look(struct store *s, struct slice host, const struct slice *ids,
    size_t count, int64_t deadline_us, hold_known *known, void *ctx)
{
	struct args a;

	args_init(&a);
	add_key(&a, host, SLICE("of"));
	for (size_t i = 0; i < count; i++)
		args_add(&a, ids[i]);
	args_send(&a, s, SCRIPT_hold_look, deadline_us, on_known,
	    request_new(s, (request_fn *)known, ctx));
}

/* ---- looking ---- */

/* Record, list ("r", "d"), score. */
static void
on_found(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	hold_found *found = (hold_found *)q->fn;
	void *found_ctx = q->ctx;
	struct hold_record r = { .recipients = 0 };

	request_done(q);
	if (rc == 0 && redis_is_nil(redis_at(reply, 0)))
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc = hold_record_parse(redis_string(redis_at(reply, 1)), &r);
	if (rc == 0) {
		r.queue_id = redis_string(redis_at(reply, 0));
		r.release_ms = hold_release_ms(redis_string(redis_at(reply, 2)),
		    redis_string(redis_at(reply, 3)));
	}
	found(rc, rc == 0 ? &r : NULL, found_ctx);
}

void
hold_find(struct store *s, struct slice host, struct slice queue_id,
    int64_t deadline_us, hold_found *found, void *ctx)
{
	struct args a;

	args_init(&a);
	add_lists(&a, host);
	args_add(&a, queue_id);
	args_send(&a, s, SCRIPT_hold_find, deadline_us, on_found,
	    request_new(s, (request_fn *)found, ctx));
}

static void
on_counted(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	hold_counted *counted = (hold_counted *)q->fn;
	void *counted_ctx = q->ctx;
	size_t counts[HOLD_REASONS];

	request_done(q);
	for (size_t i = 0; i < HOLD_REASONS; i++) {
		int64_t n = redis_integer(redis_at(reply, i));

		counts[i] = n > 0 ? (size_t)n : 0;
	}
	counted(rc, counts, counted_ctx);
}

void
hold_count(struct store *s, struct slice host, int64_t deadline_us,
    hold_counted *counted, void *ctx)
{
	struct key key = key_hold(host, SLICE("count"));
	char letters[HOLD_REASONS];
	struct slice argv[2 + HOLD_REASONS] = { SLICE("HMGET"),
		key_slice(&key) };

	for (size_t i = 0; i < HOLD_REASONS; i++) {
		letters[i] = hold_reason_letter((enum hold_reason)i);
		argv[2 + i] = (struct slice){ &letters[i], 1 };
	}
	redis_command(s, argv, 2 + HOLD_REASONS, deadline_us, on_counted,
	    request_new(s, (request_fn *)counted, ctx));
}

/* ---- what people ask ---- */

/* "VERB QUEUEID ACTOR", or nothing; and how many are left. */
static void
on_asked(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	hold_asked *asked = (hold_asked *)q->fn;
	void *asked_ctx = q->ctx;
	struct slice rest = { NULL, 0 }, word = rest, id = rest;
	enum hold_ask verb = HOLD_ASK_RELEASE;
	bool more = false;

	request_done(q);
	if (rc == 0) {
		rest = redis_string(redis_at(reply, 0));
		more = redis_integer(redis_at(reply, 1)) > 0;
		(void)slice_split(&rest, ' ', &word);
		(void)slice_split(&rest, ' ', &id);
		if (slice_eq(word, ask_words[HOLD_ASK_DROP]))
			verb = HOLD_ASK_DROP;
		else if (!slice_eq(word, ask_words[HOLD_ASK_RELEASE]))
			id = (struct slice){ NULL, 0 };
	}
	asked(rc, verb, id, rest, more, asked_ctx);
}

void
hold_ask_take(struct store *s, struct slice host, int64_t deadline_us,
    hold_asked *asked, void *ctx)
{
	struct args a;

	args_init(&a);
	add_key(&a, host, SLICE("ask"));
	args_send(&a, s, SCRIPT_hold_ask_take, deadline_us, on_asked,
	    request_new(s, (request_fn *)asked, ctx));
}
