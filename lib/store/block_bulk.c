/* SPDX-License-Identifier: BSD-2-Clause */
/* Very many addresses at once. */
#include "store/block_bulk.h"

#include <stdlib.h>

#include "store/args.h"
#include "store/store.h"
#include "util/arena.h"
#include "util/err.h"
#include "util/number.h"

#define UNDER_WAY_MAX 64 /* scripts */
#define TENANT_MAX 64
#define TEXT_MAX 4096

/* One script; its names are kept for the callback. */
struct batch {
	struct block_bulk *bulk;
	struct args args;
	struct arena *arena;
	struct slice fields[BULK_ROWS];
	size_t count;
};

struct block_bulk {
	struct store *s;
	char tenant[TENANT_MAX];
	size_t tenant_len;
	int64_t now_s;
	struct batch *batches[KEY_SHARDS]; /* being gathered, or NULL */
	size_t under_way;
	bool flushing;
	struct block_bulk_counts counts;
	block_bulk_added *added;
	void *ctx;
	block_bulk_idle *idle; /* waits; NULL: nobody */
	void *idle_ctx;
	int rc;
};

struct block_bulk *
block_bulk_new(struct store *s, struct slice tenant, int64_t now_s,
    block_bulk_added *added, void *ctx)
{
	struct block_bulk *b = calloc(1, sizeof(*b));

	if (b == NULL || tenant.len > TENANT_MAX) {
		free(b);
		return NULL;
	}
	b->s = s;
	memcpy(b->tenant, tenant.at, tenant.len);
	b->tenant_len = tenant.len;
	b->now_s = now_s;
	b->added = added;
	b->ctx = ctx;
	return b;
}

static void
batch_free(struct batch *t)
{
	if (t == NULL)
		return;
	arena_free(t->arena);
	free(t);
}

void
block_bulk_free(struct block_bulk *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < KEY_SHARDS; i++) {
		if (b->batches[i] != NULL) {
			free(b->batches[i]->args.at);
			arena_free(b->batches[i]->args.arena);
		}
		batch_free(b->batches[i]);
	}
	free(b);
}

static struct batch *
batch_new(struct block_bulk *b, unsigned shard)
{
	struct slice tenant = { b->tenant, b->tenant_len };
	struct key entries = key_block_entries_prefix(tenant, shard);
	struct key counting = key_block_counting_prefix(tenant, shard);
	struct key evidence = key_block_evidence(tenant, shard);
	struct batch *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->arena = arena_new(1 << 20);
	if (t->arena == NULL) {
		free(t);
		return NULL;
	}
	t->bulk = b;
	args_init(&t->args);
	args_key(&t->args, &entries);
	args_key(&t->args, &counting);
	args_key(&t->args, &evidence);
	args_number(&t->args, b->now_s);
	return t;
}

static void
tell_if_idle(struct block_bulk *b)
{
	block_bulk_idle *idle = b->idle;

	if (idle == NULL ||
	    (b->flushing ? b->under_way > 0 : block_bulk_busy(b)))
		return;
	b->idle = NULL;
	b->flushing = false;
	idle(b->rc, b->idle_ctx);
}

static void
written(int rc, const struct redis_reply *reply, void *ctx)
{
	struct batch *t = ctx;
	struct block_bulk *b = t->bulk;
	struct slice letters = redis_string(reply);

	if (rc == 0 && letters.len != t->count)
		rc = ERR_SYNTAX;
	if (rc < 0 && b->rc == 0)
		b->rc = rc;
	for (size_t i = 0; rc == 0 && i < t->count; i++) {
		struct slice address, stream;

		b->counts.known += letters.at[i] == 'k';
		b->counts.kept += letters.at[i] == 'e';
		if (letters.at[i] != 'n')
			continue;
		b->counts.added++;
		if (b->added == NULL)
			continue;
		block_field_split(t->fields[i], &address, &stream);
		b->added(address, stream, b->ctx);
	}
	b->under_way--;
	batch_free(t);
	tell_if_idle(b);
}

static void
send(struct block_bulk *b, unsigned shard)
{
	struct batch *t = b->batches[shard];

	b->batches[shard] = NULL;
	b->under_way++;
	args_send(&t->args, b->s, SCRIPT_block_bulk, store_long_deadline(b->s),
	    written, t);
}

int
block_bulk_add(struct block_bulk *b, struct slice address,
    const struct block *block)
{
	unsigned shard = key_shard(address);
	struct batch *t = b->batches[shard];
	char room[BLOCK_FIELD_MAX], text_room[NUMBER_TEXT_MAX];
	struct slice piece = { text_room,
		number_format(key_piece(address), text_room) };
	struct buf text;

	if (b->rc < 0)
		return b->rc;
	if (t == NULL && (t = b->batches[shard] = batch_new(b, shard)) == NULL)
		return ERR_NOMEM;
	struct slice field =
	    arena_dup(t->arena, block_field(address, block->stream, room));
	if (field.at == NULL)
		return ERR_NOMEM;
	t->fields[t->count++] = field;
	buf_init(&text, TEXT_MAX);
	args_copy(&t->args, piece);
	args_add(&t->args, field);
	(void)block_entry_format(block, &text);
	args_copy(&t->args, buf_slice(&text));
	buf_clear(&text);
	(void)block_evidence_format(block, &text);
	args_copy(&t->args, buf_slice(&text));
	buf_done(&text);
	if (t->count == BULK_ROWS)
		send(b, shard);
	return 0;
}

bool
block_bulk_busy(const struct block_bulk *b)
{
	return b->under_way >= UNDER_WAY_MAX;
}

void
block_bulk_wait(struct block_bulk *b, block_bulk_idle *idle, void *ctx)
{
	b->idle = idle;
	b->idle_ctx = ctx;
	tell_if_idle(b);
}

void
block_bulk_flush(struct block_bulk *b, block_bulk_idle *idle, void *ctx)
{
	for (unsigned i = 0; i < KEY_SHARDS; i++)
		if (b->batches[i] != NULL)
			send(b, i);
	b->flushing = true;
	block_bulk_wait(b, idle, ctx);
}

const struct block_bulk_counts *
block_bulk_counts(const struct block_bulk *b)
{
	return &b->counts;
}
