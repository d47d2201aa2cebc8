/* SPDX-License-Identifier: BSD-2-Clause */
/* Deferred messages by the time at which they are due. */
#include "store/retry_store.h"

#include <stdlib.h>

#include "store/args.h"
#include "store/keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "store/store.h"
#include "util/err.h"

/* ---- looking up ---- */

static void
got_records(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	retry_loaded *loaded = (retry_loaded *)q->fn;
	void *loaded_ctx = q->ctx;
	size_t count = rc == 0 ? redis_count(reply) : 0;
	struct slice *records = calloc(count + 1, sizeof(*records));

	request_done(q);
	if (records == NULL && rc == 0)
		rc = ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!redis_is_nil(redis_at(reply, i)))
			records[i] = redis_string(redis_at(reply, i));
	loaded(rc, records, rc == 0 ? count : 0, loaded_ctx);
	free(records);
}

void
retry_load(struct store *s, struct slice host, const struct slice *ids,
    size_t count, int64_t deadline_us, retry_loaded *loaded, void *ctx)
{
	struct key of = key_retry(host, SLICE("of"));
	struct slice *argv = calloc(count + 2, sizeof(*argv));
	struct request *q = request_new(s, (request_fn *)loaded, ctx);

	if (argv == NULL) {
		redis_refuse(s, ERR_NOMEM, got_records, q);
		return;
	}
	argv[0] = SLICE("HMGET");
	argv[1] = key_slice(&of);
	for (size_t i = 0; i < count; i++)
		argv[i + 2] = ids[i];
	redis_command(s, argv, count + 2, deadline_us, got_records, q);
	free(argv);
}

/* ---- keeping ---- */

static void
got_kept(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	retry_kept *kept = (retry_kept *)q->fn;
	void *kept_ctx = q->ctx;

	if (rc == 0 && redis_integer(reply) != 1)
		rc = ERR_CONFLICT;
	request_done(q);
	kept(rc, kept_ctx);
}

void
retry_keep(struct store *s, struct slice host, struct slice consumer,
    struct slice expected, struct slice next, const struct retry_row *rows,
    size_t count, int64_t deadline_us, retry_kept *kept, void *ctx)
{
	struct key positions = key_positions(host);
	struct key due = key_retry(host, SLICE("due"));
	struct key of = key_retry(host, SLICE("of"));
	struct args a;

	args_init(&a);
	args_key(&a, &positions);
	args_key(&a, &due);
	args_key(&a, &of);
	args_add(&a, consumer);
	args_add(&a, expected);
	args_add(&a, next);
	for (size_t i = 0; i < count; i++) {
		args_add(&a, rows[i].queue_id);
		args_number(&a, rows[i].at_ms);
		args_add(&a, rows[i].record);
	}
	args_send(&a, s, SCRIPT_retry_keep, deadline_us, got_kept,
	    request_new(s, (request_fn *)kept, ctx));
}

/* ---- what is due ---- */

static void
got_due(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	retry_due *due = (retry_due *)q->fn;
	void *due_ctx = q->ctx;
	size_t count = rc == 0 ? redis_count(reply) / 3 : 0;
	struct retry_row *rows = calloc(count + 1, sizeof(*rows));
	int64_t next_ms = 0;

	request_done(q);
	if (rows == NULL && rc == 0)
		rc = ERR_NOMEM;
	if (rc == 0)
		next_ms = redis_integer(redis_at(reply, 0));
	for (size_t i = 0; rc == 0 && i < count; i++)
		rows[i] = (struct retry_row){
			.queue_id = redis_string(redis_at(reply, 3 * i + 1)),
			.at_ms = redis_integer(redis_at(reply, 3 * i + 2)),
			.record = redis_string(redis_at(reply, 3 * i + 3)),
		};
	due(rc, rows, rc == 0 ? count : 0, next_ms, due_ctx);
	free(rows);
}

void
retry_take(struct store *s, struct slice host, int64_t now_ms, size_t max,
    int64_t deadline_us, retry_due *due, void *ctx)
{
	struct key set = key_retry(host, SLICE("due"));
	struct key of = key_retry(host, SLICE("of"));
	struct key prefix = key_message(host, SLICE(""));
	struct args a;

	args_init(&a);
	args_key(&a, &set);
	args_key(&a, &of);
	args_number(&a, now_ms);
	args_number(&a, (int64_t)max);
	args_add(&a, key_slice(&prefix));
	args_send(&a, s, SCRIPT_retry_take, deadline_us, got_due,
	    request_new(s, (request_fn *)due, ctx));
}

static void
got_count(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	retry_counted *counted = (retry_counted *)q->fn;
	void *counted_ctx = q->ctx;

	request_done(q);
	counted(rc, rc == 0 ? (uint64_t)redis_integer(reply) : 0, counted_ctx);
}

void
retry_count(struct store *s, struct slice host, int64_t deadline_us,
    retry_counted *counted, void *ctx)
{
	struct key of = key_retry(host, SLICE("of"));
	const struct slice argv[] = { SLICE("HLEN"), key_slice(&of) };

	redis_command(s, argv, 2, deadline_us, got_count,
	    request_new(s, (request_fn *)counted, ctx));
}
