/* SPDX-License-Identifier: BSD-2-Clause */
/* The suppression list. */
#include "store/block_store.h"

#include <stdlib.h>

#include "store/block_keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/number.h"

#define RECORD_MAX 4096

/* ---- one address ---- */

void
block_keys(struct slice tenant, struct slice address,
    struct block_keys *ret_keys, struct slice argv[BLOCK_KEYS])
{
	ret_keys->entries = key_block_entries(tenant, address);
	ret_keys->counting = key_block_counting(tenant, address);
	ret_keys->evidence = key_block_evidence(tenant, key_shard(address));
	argv[0] = key_slice(&ret_keys->entries);
	argv[1] = key_slice(&ret_keys->counting);
	argv[2] = key_slice(&ret_keys->evidence);
}

static const struct block *
entry_at(const struct redis_reply *reply, size_t i, struct block *room, int *rc)
{
	const struct redis_reply *r = redis_at(reply, i);

	if (*rc < 0 || i >= redis_count(reply) || redis_is_nil(r))
		return NULL;
	*rc = block_entry_parse(redis_string(r), room);
	return *rc == 0 ? room : NULL;
}

static void
looked(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	block_found *found = (block_found *)q->fn;
	void *found_ctx = q->ctx;
	const struct block *all, *own, *hit = NULL;
	struct block room[2];

	request_done(q);
	all = entry_at(reply, 0, &room[0], &rc);
	own = entry_at(reply, 1, &room[1], &rc);
	if (rc == 0) {
		hit = block_in_force(all, own, clock_wall_us() / 1000000);
		rc = hit != NULL ? 0 : ERR_NOTFOUND;
	}
	found(rc, hit, found_ctx);
}

void
block_look(struct store *s, struct slice tenant, struct slice address,
    struct slice stream, int64_t deadline_us, block_found *found, void *ctx)
{
	struct key key = key_block_entries(tenant, address);
	char room[BLOCK_FIELD_MAX];
	struct slice argv[4] = { SLICE("HMGET"), key_slice(&key), address,
		{ NULL, 0 } };

	if (stream.len > 0)
		argv[3] = block_field(address, stream, room);
	redis_command(s, argv, stream.len > 0 ? 4 : 3, deadline_us, looked,
	    request_new(s, (request_fn *)found, ctx));
}

static void
got_block(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	struct slice entry = redis_string(redis_at(reply, 0));
	struct slice counting = redis_string(redis_at(reply, 1));
	struct slice evidence = redis_string(redis_at(reply, 2));
	block_found *found = (block_found *)q->fn;
	void *found_ctx = q->ctx;
	struct block block;

	request_done(q);
	if (rc == 0 && entry.len > 0) {
		rc = block_entry_parse(entry, &block);
		if (rc == 0 && evidence.len > 0)
			rc = block_evidence_parse(evidence, &block);
	} else if (rc == 0) {
		rc = counting.len > 0 ? block_counting_parse(counting, &block)
				      : ERR_NOTFOUND;
	}
	found(rc, rc == 0 ? &block : NULL, found_ctx);
}

void
block_get(struct store *s, struct slice tenant, struct slice address,
    struct slice stream, int64_t deadline_us, block_found *found, void *ctx)
{
	struct block_keys keys;
	char room[BLOCK_FIELD_MAX];
	struct slice argv[4];

	block_keys(tenant, address, &keys, argv);
	argv[3] = block_field(address, stream, room);
	redis_script(s, SCRIPT_block_get, BLOCK_KEYS, argv, 4, deadline_us,
	    got_block, request_new(s, (request_fn *)found, ctx));
}

/* ---- counting ---- */

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
	struct block_keys keys;
	char status[NUMBER_TEXT_MAX], at[NUMBER_TEXT_MAX];
	char threshold[NUMBER_TEXT_MAX], forget[NUMBER_TEXT_MAX];
	char watch[NUMBER_TEXT_MAX], reason[300];
	struct slice argv[17];

	if (!e->enabled) {
		redis_refuse(s, ERR_CANCELED, got_result,
		    request_new(s, (request_fn *)counted, ctx));
		return;
	}
	block_keys(e->tenant, e->address, &keys, argv);
	argv[3] = e->address;
	argv[4] = e->event_id;
	argv[5] = e->message;
	argv[6] = e->queue_id;
	argv[7] = clean_reason(e->reason, reason);
	argv[8] = number(e->status, status);
	argv[9] = number(e->at_s, at);
	argv[10] = flag(e->observe);
	argv[11] =
	    (struct slice){ threshold, number_format(e->threshold, threshold) };
	argv[12] = flag(e->once_per_day);
	argv[13] = number(e->forget_s, forget);
	argv[14] = number(e->watch_s, watch);
	argv[15] = e->origin.len > 0 ? e->origin : SLICE("bounce");
	argv[16] = e->stream.at != NULL ? e->stream : SLICE("");
	redis_script(s, SCRIPT_block_count, BLOCK_KEYS, argv, 17, deadline_us,
	    got_result, request_new(s, (request_fn *)counted, ctx));
}

/* ---- by hand ---- */

static void
got_changed(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	block_changed *changed = (block_changed *)q->fn;
	void *changed_ctx = q->ctx;

	request_done(q);
	changed(rc, redis_integer(reply) == 1, changed_ctx);
}

void
block_put(struct store *s, struct slice tenant, struct slice address,
    const struct block *block, int64_t deadline_us, block_changed *changed,
    void *ctx)
{
	struct block_keys keys;
	char now[NUMBER_TEXT_MAX], room[BLOCK_FIELD_MAX];
	struct buf entry, evidence;
	struct slice argv[9];

	/* Without memory the entry is empty, and block_put.lua refuses it. */
	buf_init(&entry, BLOCK_ENTRY_MAX);
	buf_init(&evidence, RECORD_MAX);
	(void)block_entry_format(block, &entry);
	if (block_evidence_format(block, &evidence) < 0)
		buf_clear(&entry);
	block_keys(tenant, address, &keys, argv);
	argv[3] = block_field(address, block->stream, room);
	argv[4] = buf_slice(&entry);
	argv[5] = buf_slice(&evidence);
	argv[6] = number(clock_wall_us() / 1000000, now);
	argv[7] = block->note.at != NULL ? SLICE("1") : SLICE("");
	argv[8] = block->expires_s != 0 ? SLICE("1") : SLICE("");
	redis_script(s, SCRIPT_block_put, BLOCK_KEYS, argv, 9, deadline_us,
	    got_changed, request_new(s, (request_fn *)changed, ctx));
	buf_done(&entry);
	buf_done(&evidence);
}

static void
got_removed(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	struct slice evidence = redis_string(redis_at(reply, 1));
	block_found *removed = (block_found *)q->fn;
	void *removed_ctx = q->ctx;
	struct block block;

	request_done(q);
	if (rc == 0 && redis_count(reply) == 0)
		rc = ERR_NOTFOUND;
	if (rc == 0)
		rc =
		    block_entry_parse(redis_string(redis_at(reply, 0)), &block);
	if (rc == 0 && evidence.len > 0)
		(void)block_evidence_parse(evidence, &block);
	removed(rc, rc == 0 ? &block : NULL, removed_ctx);
}

void
block_remove(struct store *s, struct slice tenant, struct slice address,
    struct slice stream, enum block_state state, int64_t deadline_us,
    block_found *removed, void *ctx)
{
	struct block_keys keys;
	char room[BLOCK_FIELD_MAX];
	struct slice argv[5];

	block_keys(tenant, address, &keys, argv);
	argv[3] = block_field(address, stream, room);
	argv[4] = state == BLOCK_EXEMPT ? SLICE("e") : SLICE("b");
	redis_script(s, SCRIPT_block_remove, BLOCK_KEYS, argv, 5, deadline_us,
	    got_removed, request_new(s, (request_fn *)removed, ctx));
}
