/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies that the MTA has, in Redis: one command each. */
#include "store/copies_store.h"

#include <stdlib.h>

#include "store/args.h"
#include "store/keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "util/err.h"

static void
on_get(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	copies_got *got = (copies_got *)q->fn;
	void *got_ctx = q->ctx;
	size_t count = rc == 0 ? redis_count(reply) / 2 : 0;
	struct copies_entry *entries = calloc(count + 1, sizeof(*entries));

	request_done(q);
	if (rc == 0 && entries == NULL)
		rc = ERR_NOMEM;
	for (size_t i = 0; rc == 0 && i < count; i++)
		entries[i] =
		    (struct copies_entry){ redis_string(redis_at(reply, 2 * i)),
			    redis_string(redis_at(reply, 2 * i + 1)) };
	got(rc, entries, rc == 0 ? count : 0, got_ctx);
	free(entries);
}

void
copies_get(struct store *s, struct slice tenant, struct slice identity,
    int64_t deadline_us, copies_got *got, void *ctx)
{
	struct key key = key_copies(tenant, identity);
	struct slice argv[] = { SLICE("HGETALL"), key_slice(&key) };

	redis_command(s, argv, 2, deadline_us, on_get,
	    request_new(s, (request_fn *)got, ctx));
}

static void
on_done(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	copies_done *done = (copies_done *)q->fn;
	void *done_ctx = q->ctx;

	(void)reply;
	request_done(q);
	done(rc, done_ctx);
}

void
copies_put(struct store *s, struct slice tenant, struct slice identity,
    const struct copies_entry *entries, size_t count, int64_t deadline_us,
    copies_done *done, void *ctx)
{
	struct key key = key_copies(tenant, identity);
	struct args a;

	args_init(&a);
	args_key(&a, &key);
	args_number(&a, COPIES_TTL_S);
	for (size_t i = 0; i < count; i++) {
		args_add(&a, entries[i].recipient);
		args_add(&a, entries[i].state);
	}
	args_send(&a, s, SCRIPT_copies_put, deadline_us, on_done,
	    request_new(s, (request_fn *)done, ctx));
}

void
copies_forget(struct store *s, struct slice tenant, struct slice identity,
    int64_t deadline_us, copies_done *done, void *ctx)
{
	struct key key = key_copies(tenant, identity);
	struct slice argv[] = { SLICE("UNLINK"), key_slice(&key) };

	redis_command(s, argv, 2, deadline_us, on_done,
	    request_new(s, (request_fn *)done, ctx));
}

static void
on_look(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	copies_seen *seen = (copies_seen *)q->fn;
	void *seen_ctx = q->ctx;
	bool queued = false, facts = false;

	request_done(q);
	if (rc == 0) {
		queued = !redis_is_nil(redis_at(reply, 0));
		facts = !redis_is_nil(redis_at(reply, 1));
	}
	/* Facts that are gone have been made events, and all was delivered. */
	seen(rc, queued || !facts, seen_ctx);
}

void
copies_look(struct store *s, struct slice host, struct slice queue_id,
    int64_t deadline_us, copies_seen *seen, void *ctx)
{
	struct key key = key_message(host, queue_id);
	struct slice argv[] = { SLICE("HMGET"), key_slice(&key), SLICE("i"),
		SLICE("f") };

	redis_command(s, argv, 4, deadline_us, on_look,
	    request_new(s, (request_fn *)seen, ctx));
}
