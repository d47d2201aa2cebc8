/* SPDX-License-Identifier: BSD-2-Clause */
/* Ending blocks and counts that errors made. */
#include "store/block_lift.h"

#include "store/args.h"
#include "store/block_keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "store/store.h"
#include "util/number.h"

static void
got_lift(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	block_lifted *lifted = (block_lifted *)q->fn;
	void *lifted_ctx = q->ctx;

	request_done(q);
	lifted(rc, rc == 0 && redis_integer(reply) == 1, lifted_ctx);
}

void
block_lift(struct store *s, struct slice tenant, struct slice address,
    struct slice event_id, int64_t deadline_us, block_lifted *lifted, void *ctx)
{
	struct block_keys keys;
	struct slice argv[BLOCK_KEYS + 2];

	block_keys(tenant, address, &keys, argv);
	argv[BLOCK_KEYS] = address;
	argv[BLOCK_KEYS + 1] = event_id;
	redis_script(s, SCRIPT_block_lift, BLOCK_KEYS, argv, BLOCK_KEYS + 2,
	    deadline_us, got_lift, request_new(s, (request_fn *)lifted, ctx));
}

static void
got_look(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	lift_looked *looked = (lift_looked *)q->fn;
	void *looked_ctx = q->ctx;
	bool there[LIFT_ADDRESSES_MAX];
	size_t count = rc == 0 ? redis_count(reply) : 0;

	request_done(q);
	for (size_t i = 0; i < count && i < LIFT_ADDRESSES_MAX; i++)
		there[i] = redis_integer(redis_at(reply, i)) == 1;
	looked(rc, there, count, looked_ctx);
}

void
lift_look(struct store *s, struct slice tenant, const struct lift_address *list,
    size_t count, int64_t deadline_us, lift_looked *looked, void *ctx)
{
	struct key key = key_lifts(tenant);
	struct args a;

	args_init(&a);
	args_key(&a, &key);
	for (size_t i = 0; i < count && i < LIFT_ADDRESSES_MAX; i++) {
		args_add(&a, list[i].error ? SLICE("+") : SLICE("?"));
		args_add(&a, list[i].hash);
	}
	args_send(&a, s, SCRIPT_lift_look, deadline_us, got_look,
	    request_new(s, (request_fn *)looked, ctx));
}

static void
nobody(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)rc;
	(void)reply;
	(void)ctx;
}

void
lift_forget(struct store *s, struct slice tenant, struct slice hash)
{
	struct key key = key_lifts(tenant);
	struct slice argv[] = { SLICE("SREM"), key_slice(&key), hash };

	redis_command(s, argv, 3, store_deadline(s), nobody, NULL);
}

static void
got_success(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	block_succeeded *succeeded = (block_succeeded *)q->fn;
	void *succeeded_ctx = q->ctx;
	int64_t n = rc == 0 ? redis_integer(reply) : 0;

	request_done(q);
	succeeded(rc,
	    n == 1   ? SUCCESS_LIFTED
	    : n == 2 ? SUCCESS_CLEAN
		     : SUCCESS_NOTHING,
	    succeeded_ctx);
}

void
block_success(struct store *s, const struct block_success *success,
    int64_t deadline_us, block_succeeded *succeeded, void *ctx)
{
	struct block_keys keys;
	char at[NUMBER_TEXT_MAX];
	uint64_t at_s = success->at_s > 0 ? (uint64_t)success->at_s : 0;
	struct slice argv[BLOCK_KEYS + 4];

	block_keys(success->tenant, success->address, &keys, argv);
	argv[BLOCK_KEYS] = success->address;
	argv[BLOCK_KEYS + 1] = (struct slice){ at, number_format(at_s, at) };
	argv[BLOCK_KEYS + 2] = success->event_id;
	argv[BLOCK_KEYS + 3] = success->statuses;
	redis_script(s, SCRIPT_block_success, BLOCK_KEYS, argv, BLOCK_KEYS + 4,
	    deadline_us, got_success,
	    request_new(s, (request_fn *)succeeded, ctx));
}
