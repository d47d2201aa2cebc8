/* SPDX-License-Identifier: BSD-2-Clause */
/* The suppression list. */
#include "store/block_store.h"

#include <stdlib.h>

#include "store/keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define RECORD_MAX 4096

/* ---- one address ---- */

static void
got_block(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	struct block block;
	block_found *found = (block_found *)q->fn;
	void *found_ctx = q->ctx;

	request_done(q);
	if (rc == 0 && redis_is_nil(reply))
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc = block_parse(redis_string(reply), &block);
	found(rc, rc == 0 ? &block : NULL, found_ctx);
}

void
block_get(struct store *s, struct slice tenant, struct slice address,
    int64_t deadline_us, block_found *found, void *ctx)
{
	struct key key = key_blocks(tenant, key_shard(address));
	struct slice argv[3] = { SLICE("HGET"), key_slice(&key), address };

	redis_command(s, argv, 3, deadline_us, got_block,
	    request_new(s, (request_fn *)found, ctx));
}

static void
got_result(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	block_counted *counted = (block_counted *)q->fn;
	void *counted_ctx = q->ctx;

	request_done(q);
	/* A condition that is off: not even asked. */
	if (rc == ERR_CANCELED)
		rc = 0;
	counted(rc, rc == 0 ? (enum block_result)redis_integer(reply) : 0,
	    counted_ctx);
}

struct shard_keys {
	struct key blocks, index;
};

static void
shard_keys(struct slice tenant, unsigned shard, struct shard_keys *ret_keys,
    struct slice argv[2])
{
	ret_keys->blocks = key_blocks(tenant, shard);
	ret_keys->index = key_block_index(tenant, shard);
	argv[0] = key_slice(&ret_keys->blocks);
	argv[1] = key_slice(&ret_keys->index);
}

static struct slice
number(int64_t value, char room[NUMBER_TEXT_MAX])
{
	return (struct slice){ room,
		number_format(value > 0 ? (uint64_t)value : 0, room) };
}

static struct slice
flag(bool yes)
{
	return yes ? SLICE("1") : SLICE("0");
}

/* The reason is cut and cleaned as in the record. */
static struct slice
clean_reason(struct slice reason, char room[300])
{
	struct slice s = reason;

	if (s.len > 300)
		s.len = 300;
	while (s.len < reason.len && s.len > 0 &&
	       ((unsigned char)reason.at[s.len] & 0xc0) == 0x80)
		s.len--;
	for (size_t i = 0; i < s.len; i++)
		room[i] = (unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f
			      ? ' '
			      : s.at[i];
	return (struct slice){ room, s.len };
}

void
block_count(struct store *s, const struct block_error *e, int64_t deadline_us,
    block_counted *counted, void *ctx)
{
	struct shard_keys keys;
	char status[NUMBER_TEXT_MAX], at[NUMBER_TEXT_MAX];
	char threshold[NUMBER_TEXT_MAX], forget[NUMBER_TEXT_MAX];
	char watch[NUMBER_TEXT_MAX], reason[300];
	struct slice argv[15];

	if (!e->enabled) {
		redis_refuse(s, ERR_CANCELED, got_result,
		    request_new(s, (request_fn *)counted, ctx));
		return;
	}
	shard_keys(e->tenant, key_shard(e->address), &keys, argv);
	argv[2] = e->address;
	argv[3] = e->event_id;
	argv[4] = e->message;
	argv[5] = e->queue_id;
	argv[6] = clean_reason(e->reason, reason);
	argv[7] = number(e->status, status);
	argv[8] = number(e->at_s, at);
	argv[9] = flag(e->observe);
	argv[10] =
	    (struct slice){ threshold, number_format(e->threshold, threshold) };
	argv[11] = flag(e->once_per_day);
	argv[12] = number(e->forget_s, forget);
	argv[13] = number(e->watch_s, watch);
	argv[14] = e->origin.len > 0 ? e->origin : SLICE("bounce");
	redis_script(s, SCRIPT_block_count, 2, argv, 15, deadline_us,
	    got_result, request_new(s, (request_fn *)counted, ctx));
}

static void
got_changed(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	block_changed *changed = (block_changed *)q->fn;
	void *changed_ctx = q->ctx;

	request_done(q);
	changed(rc, redis_integer(reply) == 1, changed_ctx);
}

static void
got_removed(int rc, const struct redis_reply *reply, void *ctx)
{
	if (rc == 0 && redis_integer(reply) == 0)
		rc = ERR_NOTFOUND;
	got_changed(rc, reply, ctx);
}

void
block_put(struct store *s, struct slice tenant, struct slice address,
    const struct block *block, int64_t deadline_us, block_changed *changed,
    void *ctx)
{
	struct shard_keys keys;
	char now[NUMBER_TEXT_MAX];
	struct buf record;
	struct slice argv[5];

	/* Without memory the record is empty, and block_put.lua refuses it. */
	buf_init(&record, RECORD_MAX);
	(void)block_format(block, &record);
	shard_keys(tenant, key_shard(address), &keys, argv);
	argv[2] = address;
	argv[3] = buf_slice(&record);
	argv[4] = number(clock_wall_us() / 1000000, now);
	redis_script(s, SCRIPT_block_put, 2, argv, 5, deadline_us, got_changed,
	    request_new(s, (request_fn *)changed, ctx));
	buf_done(&record);
}

void
block_remove(struct store *s, struct slice tenant, struct slice address,
    enum block_state state, int64_t deadline_us, block_changed *changed,
    void *ctx)
{
	struct shard_keys keys;
	struct slice argv[4];

	shard_keys(tenant, key_shard(address), &keys, argv);
	argv[2] = address;
	argv[3] = state == BLOCK_EXEMPT ? SLICE("e") : SLICE("b");
	redis_script(s, SCRIPT_block_remove, 2, argv, 4, deadline_us,
	    got_removed, request_new(s, (request_fn *)changed, ctx));
}
