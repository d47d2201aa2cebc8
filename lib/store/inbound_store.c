/* SPDX-License-Identifier: BSD-2-Clause */
/* Mails for applications in Redis. */
#include "store/inbound_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/verp.h"
#include "store/args.h"
#include "store/keys.h"
#include "store/request.h"
#include "store/store.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/number.h"

#define DAY_MS (86400 * INT64_C(1000))
#define COMING_S 86400       /* a mail that is not all there */
#define INDEX_S (41 * 86400) /* longer than keep_days may be */
#define TAG_LEN 8            /* of the host, in an id */

/* ---- ids ---- */

/* A length before each, so that what follows is not read as part of it. */
static int
hash_parts(struct crypto_hash *h, const struct slice *parts, size_t count,
    uint8_t ret_hash[CRYPTO_SHA256_LEN])
{
	char digits[NUMBER_TEXT_MAX];
	int rc = crypto_hash_begin(h);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		size_t n = number_format(parts[i].len, digits);

		digits[n++] = ':';
		rc = crypto_hash_add(h, digits, n);
		if (rc == 0 && parts[i].len > 0)
			rc = crypto_hash_add(h, parts[i].at, parts[i].len);
	}
	return rc == 0 ? crypto_hash_end(h, ret_hash) : rc;
}

int
inbound_id(struct slice host, struct slice tenant, struct slice sender,
    struct slice recipient, struct slice mail, char ret_id[INBOUND_ID_MAX])
{
	const struct slice parts[] = { tenant, sender, recipient, mail };
	struct crypto_hash *h = crypto_hash_new();
	uint8_t hash[CRYPTO_SHA256_LEN];
	int rc;

	if (h == NULL)
		return ERR_NOMEM;
	rc = hash_parts(h, parts, sizeof(parts) / sizeof(*parts), hash);
	crypto_hash_free(h);
	if (rc < 0)
		return rc;
	(void)snprintf(ret_id, INBOUND_ID_MAX, "%08x", verp_host(host));
	for (size_t i = 0; i < (INBOUND_ID_LEN - TAG_LEN) / 2; i++)
		(void)snprintf(ret_id + TAG_LEN + 2 * i, 3, "%02x", hash[i]);
	return 0;
}

bool
inbound_id_ok(struct slice id)
{
	if (id.len != INBOUND_ID_LEN)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (memchr("0123456789abcdef", id.at[i], 16) == NULL)
			return false;
	return true;
}

bool
inbound_id_of_host(struct slice id, struct slice host)
{
	char tag[TAG_LEN + 1];

	(void)snprintf(tag, sizeof(tag), "%08x", verp_host(host));
	return id.len == INBOUND_ID_LEN && memcmp(id.at, tag, TAG_LEN) == 0;
}

/* ---- keeping one ---- */

static void
got_begun(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	inbound_begin_done *done = (inbound_begin_done *)q->fn;
	void *done_ctx = q->ctx;
	int64_t n = rc == 0 ? redis_integer(reply) : 0;

	request_done(q);
	done(rc,
	    n == 2   ? INBOUND_KNOWN
	    : n == 1 ? INBOUND_GO_ON
		     : INBOUND_FULL,
	    done_ctx);
}

void
inbound_begin(struct store *s, struct slice host,
    const struct inbound_record *r, uint64_t octets_max, int64_t deadline_us,
    inbound_begin_done *done, void *ctx)
{
	struct key record = key_inbound(host, r->id);
	struct key room = key_inbound_room(host);
	struct args a;

	args_init(&a);
	args_key(&a, &record);
	args_key(&a, &room);
	args_number(&a, r->created_us / 1000 / DAY_MS);
	args_number(&a, r->expires_ms / DAY_MS);
	args_number(&a, COMING_S);
	args_number(&a, (int64_t)r->size);
	args_number(&a, (int64_t)octets_max);
	args_number(&a, INDEX_S);
	args_send(&a, s, SCRIPT_inbound_begin, deadline_us, got_begun,
	    request_new(s, (request_fn *)done, ctx));
}

static void
got_number(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	inbound_done *done = (inbound_done *)q->fn;
	void *done_ctx = q->ctx;

	request_done(q);
	if (rc == 0 && redis_integer(reply) == 0)
		rc = ERR_NOTFOUND;
	done(rc, done_ctx);
}

void
inbound_put(struct store *s, struct slice host, struct slice id,
    uint64_t number, struct slice box, int64_t deadline_us, inbound_done *done,
    void *ctx)
{
	struct key record = key_inbound(host, id);
	char room[NUMBER_TEXT_MAX];
	struct slice argv[] = { key_slice(&record),
		{ room, number_format(number, room) }, box };

	redis_script(s, SCRIPT_quarantine_set, 1, argv, 3, deadline_us,
	    got_number, request_new(s, (request_fn *)done, ctx));
}

#define RECORD_FIELDS 11 /* that inbound_finish writes */

static void
add_fields(struct args *a, const struct inbound_record *r)
{
	const struct {
		struct slice name, value;
	} texts[] = {
		{ SLICE("n"), r->tenant },
		{ SLICE("r"), r->recipient },
		{ SLICE("s"), r->sender },
		{ SLICE("l"), r->filter },
		{ SLICE("f"), r->from },
		{ SLICE("u"), r->subject },
		{ SLICE("m"), r->message_id },
		{ SLICE("e"), r->webhooks },
	};

	args_number(a, 2 * RECORD_FIELDS);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		args_add(a, texts[i].name);
		args_add(a,
		    texts[i].value.at != NULL ? texts[i].value : SLICE(""));
	}
	args_add(a, SLICE("t"));
	args_number(a, r->created_us);
	args_add(a, SLICE("x"));
	args_number(a, r->expires_ms);
	args_add(a, SLICE("k"));
	args_number(a, (int64_t)r->pieces);
}

void
inbound_finish(struct store *s, struct slice host,
    const struct inbound_record *r, const struct event *event,
    int64_t deadline_us, inbound_done *done, void *ctx)
{
	struct key record = key_inbound(host, r->id);
	struct key index = key_inbound_index(host, r->tenant);
	struct key prefix = key_counters_prefix(host);
	struct args a;

	args_init(&a);
	args_key(&a, &record);
	args_key(&a, &index);
	int64_t midnight_ms = args_streams(&a, host);
	args_number(&a, midnight_ms);
	args_add(&a, key_slice(&prefix));
	args_add(&a, r->id);
	args_number(&a, (r->expires_ms - r->created_us / 1000) / 1000);
	args_number(&a, r->created_us);
	args_number(&a, INDEX_S);
	add_fields(&a, r);
	args_number(&a, store_events_days(s));
	args_event(&a, event);
	args_send(&a, s, SCRIPT_inbound_finish, deadline_us, got_number,
	    request_new(s, (request_fn *)done, ctx));
}

/* ---- reading ---- */

/* In the order of record_of; the first one is there with all that is kept. */
static const struct slice fields[] = { { "x", 1 }, { "t", 1 }, { "n", 1 },
	{ "r", 1 }, { "s", 1 }, { "l", 1 }, { "f", 1 }, { "u", 1 }, { "m", 1 },
	{ "e", 1 }, { "z", 1 }, { "k", 1 } };
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

static struct inbound_record
record_of(struct slice id, const struct redis_reply *r)
{
	return (struct inbound_record){
		.id = id,
		.expires_ms = redis_integer(redis_at(r, 0)),
		.created_us = redis_integer(redis_at(r, 1)),
		.tenant = redis_string(redis_at(r, 2)),
		.recipient = redis_string(redis_at(r, 3)),
		.sender = redis_string(redis_at(r, 4)),
		.filter = redis_string(redis_at(r, 5)),
		.from = redis_string(redis_at(r, 6)),
		.subject = redis_string(redis_at(r, 7)),
		.message_id = redis_string(redis_at(r, 8)),
		.webhooks = redis_string(redis_at(r, 9)),
		.size = (uint64_t)redis_integer(redis_at(r, 10)),
		.pieces = (uint64_t)redis_integer(redis_at(r, 11)),
	};
}

/* What the replies do not say. */
struct asked {
	char id[INBOUND_ID_MAX];
	inbound_found *found;
	inbound_row *row;
	inbound_page_end *end;
	void *ctx;
};

static struct asked *
asked_new(void *ctx)
{
	struct asked *q = calloc(1, sizeof(*q));

	if (q == NULL)
		abort(); /* as in redis.c: nobody could be told */
	q->ctx = ctx;
	return q;
}

static void
got_found(int rc, const struct redis_reply *reply, void *ctx)
{
	struct asked *q = ctx;
	struct inbound_record r;

	if (rc == 0 && redis_is_nil(redis_at(reply, 0)))
		rc = ERR_NOTFOUND;
	if (rc == 0)
		r = record_of(slice_of(q->id), reply);
	q->found(rc, rc == 0 ? &r : NULL, q->ctx);
	free(q);
}

void
inbound_find(struct store *s, struct slice host, struct slice id,
    int64_t deadline_us, inbound_found *found, void *ctx)
{
	struct asked *q = asked_new(ctx);
	struct key key = key_inbound(host, id);
	struct slice argv[2 + NFIELDS] = { SLICE("HMGET"), key_slice(&key) };

	q->found = found;
	memcpy(argv + 2, fields, sizeof(fields));
	if (!inbound_id_ok(id)) {
		redis_refuse(s, ERR_NOTFOUND, got_found, q);
		return;
	}
	memcpy(q->id, id.at, id.len);
	redis_command(s, argv, 2 + NFIELDS, deadline_us, got_found, q);
}

static void
got_box(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	inbound_got *got = (inbound_got *)q->fn;
	void *got_ctx = q->ctx;

	request_done(q);
	if (rc == 0 && redis_is_nil(reply))
		rc = ERR_NOTFOUND;
	got(rc, rc == 0 ? redis_string(reply) : SLICE(""), got_ctx);
}

void
inbound_get(struct store *s, struct slice host, struct slice id,
    uint64_t number, int64_t deadline_us, inbound_got *got, void *ctx)
{
	struct key key = key_inbound(host, id);
	char room[NUMBER_TEXT_MAX];
	struct slice argv[] = { SLICE("HGET"), key_slice(&key),
		{ room, number_format(number, room) } };

	redis_command(s, argv, 3, deadline_us, got_box,
	    request_new(s, (request_fn *)got, ctx));
}

static void
got_page(int rc, const struct redis_reply *reply, void *ctx)
{
	struct asked *q = ctx;
	size_t n = rc == 0 ? redis_count(reply) : 0;
	int64_t last_us = 0;

	for (size_t i = 0; i < n; i++) {
		const struct redis_reply *at = redis_at(reply, i);
		const struct redis_reply *values = redis_at(at, 2);
		struct inbound_record r;

		last_us = redis_integer(redis_at(at, 1));
		if (redis_is_nil(redis_at(values, 0)))
			continue;
		r = record_of(redis_string(redis_at(at, 0)), values);
		q->row(&r, q->ctx);
	}
	q->end(rc, (unsigned)n, last_us, q->ctx);
	free(q);
}

void
inbound_page(struct store *s, struct slice host, struct slice tenant,
    int64_t before_us, unsigned limit, int64_t deadline_us, inbound_row *row,
    inbound_page_end *end, void *ctx)
{
	struct asked *q = asked_new(ctx);
	struct key index = key_inbound_index(host, tenant);
	struct key prefix = key_inbound(host, SLICE(""));
	char from[NUMBER_TEXT_MAX + 1] = "(";
	struct args a;

	q->row = row;
	q->end = end;
	args_init(&a);
	args_key(&a, &index);
	args_copy(&a, key_slice(&prefix));
	args_add(&a, before_us > 0 ? (struct slice){ from,
					 1 + number_format((uint64_t)before_us,
						 from + 1) }
				   : SLICE("+inf"));
	args_number(&a, limit);
	for (size_t i = 0; i < NFIELDS; i++)
		args_add(&a, fields[i]);
	args_send(&a, s, SCRIPT_inbound_page, deadline_us, got_page, q);
}

/* ---- when it was taken ---- */

void
inbound_taken(struct store *s, struct slice host, struct slice tenant,
    struct slice id, struct slice webhook, int64_t deadline_us,
    inbound_done *done, void *ctx)
{
	struct request *q = request_new(s, (request_fn *)done, ctx);
	struct key record = key_inbound(host, id);
	struct key index = key_inbound_index(host, tenant);
	struct key room = key_inbound_room(host);
	char ttl[NUMBER_TEXT_MAX];
	struct slice argv[] = { key_slice(&record), key_slice(&index),
		key_slice(&room), id, webhook.at != NULL ? webhook : SLICE(""),
		{ ttl, number_format(INBOUND_TAKEN_S, ttl) } };

	if (!inbound_id_ok(id))
		redis_refuse(s, ERR_NOTFOUND, got_number, q);
	else
		redis_script(s, SCRIPT_inbound_taken, 3, argv, 6, deadline_us,
		    got_number, q);
}
