/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of messages that were refused because of a virus. */
#include "store/quarantine_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/args.h"
#include "store/keys.h"
#include "store/request.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/number.h"

#define LIMIT_MAX 500

static const struct {
	char letter;
	const char *word, *text;
} contents[] = {
	[QUARANTINE_COMING] = { 'c', "incomplete", "incomplete" },
	[QUARANTINE_KEPT] = { 'k', "kept", "kept" },
	[QUARANTINE_LARGE] = { 'l', "too_large", "too large to keep" },
	[QUARANTINE_FULL] = { 'f', "no_room", "no room to keep it" },
};
#define NCONTENTS (sizeof(contents) / sizeof(contents[0]))

const char *
quarantine_content_word(enum quarantine_content content)
{
	return content < NCONTENTS ? contents[content].word : "unknown";
}

const char *
quarantine_content_text(enum quarantine_content content)
{
	return content < NCONTENTS ? contents[content].text : "unknown";
}

static enum quarantine_content
content_of(struct slice letter)
{
	for (size_t i = 0; i < NCONTENTS; i++)
		if (letter.len == 1 && letter.at[0] == contents[i].letter)
			return (enum quarantine_content)i;
	return QUARANTINE_COMING;
}

/* Milliseconds have 12 hex digits until the year 10895. */
void
quarantine_id(int64_t now_ms, char ret_id[QUARANTINE_ID_MAX])
{
	uint32_t chance;

	crypto_random(&chance, sizeof(chance));
	(void)snprintf(ret_id, QUARANTINE_ID_MAX, "%012llx-%08x",
	    (unsigned long long)now_ms & 0xffffffffffffULL, chance);
}

bool
quarantine_id_ok(struct slice id)
{
	if (id.len != QUARANTINE_ID_LEN)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (i == 12 ? id.at[i] != '-'
			    : memchr("0123456789abcdef", id.at[i], 16) == NULL)
			return false;
	return true;
}

/* ---- writing a record ---- */

static void
got_begun(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	quarantine_begun *begun = (quarantine_begun *)q->fn;
	void *begun_ctx = q->ctx;

	request_done(q);
	begun(rc, content_of(redis_string(reply)), begun_ctx);
}

static void
add_text(struct args *a, struct slice name, struct slice value)
{
	if (value.at == NULL)
		return;
	args_add(a, name);
	args_add(a, value);
}

static void
add_number(struct args *a, struct slice name, uint64_t value)
{
	args_add(a, name);
	args_number(a, (int64_t)value);
}

void
quarantine_begin(struct store *s, const struct quarantine_record *r,
    uint64_t octets_max, int64_t deadline_us, quarantine_begun *begun,
    void *ctx)
{
	struct key record = key_quarantine(r->tenant, r->id);
	struct key prefix = key_quarantine(r->tenant, SLICE(""));
	struct key index = key_quarantine_index(r->tenant);
	struct key room = key_quarantine_room(r->tenant);
	struct args a;

	args_init(&a);
	args_key(&a, &record);
	args_key(&a, &index);
	args_key(&a, &room);
	args_add(&a, r->id);
	args_number(&a, r->created_ms);
	args_number(&a, (r->expires_ms - r->created_ms + 999) / 1000);
	args_add(&a, (struct slice){ &contents[r->content].letter, 1 });
	args_number(&a, (int64_t)r->size);
	args_number(&a, (int64_t)octets_max);
	args_number(&a, QUARANTINE_CONTENTS_MAX);
	args_number(&a, QUARANTINE_RECORDS_MAX);
	args_add(&a, key_slice(&prefix));
	add_number(&a, SLICE("t"), (uint64_t)r->created_ms);
	add_number(&a, SLICE("e"), (uint64_t)r->expires_ms);
	add_text(&a, SLICE("h"), r->host);
	add_text(&a, SLICE("q"), r->queue_id);
	add_text(&a, SLICE("i"), r->client);
	add_text(&a, SLICE("s"), r->sender);
	add_text(&a, SLICE("r"), r->recipients);
	add_text(&a, SLICE("f"), r->from);
	add_text(&a, SLICE("u"), r->subject);
	add_text(&a, SLICE("m"), r->message_id);
	add_text(&a, SLICE("v"), r->virus);
	add_number(&a, SLICE("n"), r->recipient_count);
	add_number(&a, SLICE("z"), r->size);
	add_number(&a, SLICE("k"), r->chunks);
	args_send(&a, s, SCRIPT_quarantine_begin, deadline_us, got_begun,
	    request_new(s, (request_fn *)begun, ctx));
}

/* ---- reading one ---- */

/* In the order of record_of; the first one is always there. */
static const struct slice fields[] = { { "t", 1 }, { "c", 1 }, { "e", 1 },
	{ "h", 1 }, { "q", 1 }, { "i", 1 }, { "s", 1 }, { "r", 1 }, { "f", 1 },
	{ "u", 1 }, { "m", 1 }, { "v", 1 }, { "n", 1 }, { "z", 1 },
	{ "k", 1 } };
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

static struct quarantine_record
record_of(struct slice tenant, struct slice id, const struct redis_reply *r)
{
	return (struct quarantine_record){
		.id = id,
		.tenant = tenant,
		.created_ms = redis_integer(redis_at(r, 0)),
		.content = content_of(redis_string(redis_at(r, 1))),
		.expires_ms = redis_integer(redis_at(r, 2)),
		.host = redis_string(redis_at(r, 3)),
		.queue_id = redis_string(redis_at(r, 4)),
		.client = redis_string(redis_at(r, 5)),
		.sender = redis_string(redis_at(r, 6)),
		.recipients = redis_string(redis_at(r, 7)),
		.from = redis_string(redis_at(r, 8)),
		.subject = redis_string(redis_at(r, 9)),
		.message_id = redis_string(redis_at(r, 10)),
		.virus = redis_string(redis_at(r, 11)),
		.recipient_count = (uint64_t)redis_integer(redis_at(r, 12)),
		.size = (uint64_t)redis_integer(redis_at(r, 13)),
		.chunks = (uint64_t)redis_integer(redis_at(r, 14)),
	};
}

/* What the replies do not say. */
struct asked {
	struct key tenant; /* its text */
	char id[QUARANTINE_ID_MAX];
	quarantine_found *found;
	quarantine_row *row;
	quarantine_page_end *end;
	void *ctx;
};

static struct asked *
asked_new(struct slice tenant, struct slice id, void *ctx)
{
	struct asked *q = calloc(1, sizeof(*q));

	if (q == NULL)
		abort(); /* as in redis.c: nobody could be told */
	if (tenant.len <= KEY_MAX) {
		memcpy(q->tenant.text, tenant.at, tenant.len);
		q->tenant.len = tenant.len;
	}
	if (id.len < sizeof(q->id))
		memcpy(q->id, id.at, id.len);
	q->ctx = ctx;
	return q;
}

static void
got_found(int rc, const struct redis_reply *reply, void *ctx)
{
	struct asked *q = ctx;
	struct quarantine_record r;

	if (rc == 0 && redis_is_nil(redis_at(reply, 0)))
		rc = ERR_NOTFOUND;
	if (rc == 0)
		r = record_of(key_slice(&q->tenant), slice_of(q->id), reply);
	q->found(rc, rc == 0 ? &r : NULL, q->ctx);
	free(q);
}

void
quarantine_find(struct store *s, struct slice tenant, struct slice id,
    int64_t deadline_us, quarantine_found *found, void *ctx)
{
	struct asked *q = asked_new(tenant, id, ctx);
	struct key key = key_quarantine(tenant, id);
	struct slice argv[2 + NFIELDS] = { SLICE("HMGET"), key_slice(&key) };

	q->found = found;
	memcpy(argv + 2, fields, sizeof(fields));
	if (!quarantine_id_ok(id))
		redis_refuse(s, ERR_NOTFOUND, got_found, q);
	else
		redis_command(s, argv, 2 + NFIELDS, deadline_us, got_found, q);
}

static void
got_page(int rc, const struct redis_reply *reply, void *ctx)
{
	struct asked *q = ctx;
	struct slice next = { NULL, 0 };

	if (rc == 0)
		next = redis_string(redis_at(reply, 0));
	if (next.len == 0)
		next.at = NULL;
	for (size_t i = 1; rc == 0 && i < redis_count(reply); i++) {
		const struct redis_reply *at = redis_at(reply, i);
		struct quarantine_record r = record_of(key_slice(&q->tenant),
		    redis_string(redis_at(at, 0)), redis_at(at, 1));

		q->row(&r, q->ctx);
	}
	q->end(rc, next, q->ctx);
	free(q);
}

void
quarantine_page(struct store *s, struct slice tenant, struct slice cursor,
    unsigned limit, int64_t deadline_us, quarantine_row *row,
    quarantine_page_end *end, void *ctx)
{
	struct asked *q = asked_new(tenant, SLICE(""), ctx);
	struct key index = key_quarantine_index(tenant);
	struct key prefix = key_quarantine(tenant, SLICE(""));
	char from[1 + QUARANTINE_ID_LEN] = "(";
	struct args a;

	q->row = row;
	q->end = end;
	if (cursor.at != NULL && !quarantine_id_ok(cursor)) {
		redis_refuse(s, ERR_SYNTAX, got_page, q);
		return;
	}
	if (cursor.at != NULL)
		memcpy(from + 1, cursor.at, QUARANTINE_ID_LEN);
	args_init(&a);
	args_key(&a, &index);
	args_add(&a, key_slice(&prefix));
	args_add(&a, cursor.at != NULL ? (struct slice){ from, sizeof(from) }
				       : SLICE("+"));
	args_number(&a, limit >= 1 && limit <= LIMIT_MAX ? limit : LIMIT_MAX);
	for (size_t i = 0; i < NFIELDS; i++)
		args_add(&a, fields[i]);
	args_send(&a, s, SCRIPT_quarantine_page, deadline_us, got_page, q);
}

/* ---- what is there, or not ---- */

static void
got_number(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	quarantine_done *done = (quarantine_done *)q->fn;
	void *done_ctx = q->ctx;

	request_done(q);
	if (rc == 0 && redis_integer(reply) == 0)
		rc = ERR_NOTFOUND;
	done(rc, done_ctx);
}

void
quarantine_delete(struct store *s, struct slice tenant, struct slice id,
    int64_t deadline_us, quarantine_done *done, void *ctx)
{
	struct request *q = request_new(s, (request_fn *)done, ctx);
	struct key record = key_quarantine(tenant, id);
	struct key index = key_quarantine_index(tenant);
	struct key room = key_quarantine_room(tenant);
	struct slice argv[] = { key_slice(&record), key_slice(&index),
		key_slice(&room), id };

	if (!quarantine_id_ok(id))
		redis_refuse(s, ERR_NOTFOUND, got_number, q);
	else
		redis_script(s, SCRIPT_quarantine_remove, 3, argv, 4,
		    deadline_us, got_number, q);
}

static void
set(struct store *s, struct slice tenant, struct slice id, struct slice field,
    struct slice value, int64_t deadline_us, quarantine_done *done, void *ctx)
{
	struct key record = key_quarantine(tenant, id);
	struct slice argv[] = { key_slice(&record), field, value };

	redis_script(s, SCRIPT_quarantine_set, 1, argv, 3, deadline_us,
	    got_number, request_new(s, (request_fn *)done, ctx));
}

void
quarantine_put(struct store *s, const struct quarantine_chunk *chunk,
    struct slice box, int64_t deadline_us, quarantine_done *done, void *ctx)
{
	char room[NUMBER_TEXT_MAX];
	struct slice field = { room, number_format(chunk->number, room) };

	set(s, chunk->tenant, chunk->id, field, box, deadline_us, done, ctx);
}

void
quarantine_finish(struct store *s, struct slice tenant, struct slice id,
    int64_t deadline_us, quarantine_done *done, void *ctx)
{
	struct slice kept = { &contents[QUARANTINE_KEPT].letter, 1 };

	set(s, tenant, id, SLICE("c"), kept, deadline_us, done, ctx);
}

static void
got_box(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	quarantine_got *got = (quarantine_got *)q->fn;
	void *got_ctx = q->ctx;

	request_done(q);
	if (rc == 0 && redis_is_nil(reply))
		rc = ERR_NOTFOUND;
	got(rc, rc == 0 ? redis_string(reply) : SLICE(""), got_ctx);
}

void
quarantine_get(struct store *s, const struct quarantine_chunk *chunk,
    int64_t deadline_us, quarantine_got *got, void *ctx)
{
	char room[NUMBER_TEXT_MAX];
	struct key record = key_quarantine(chunk->tenant, chunk->id);
	struct slice argv[] = { SLICE("HGET"), key_slice(&record),
		{ room, number_format(chunk->number, room) } };

	redis_command(s, argv, 3, deadline_us, got_box,
	    request_new(s, (request_fn *)got, ctx));
}
