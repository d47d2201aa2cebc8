/* SPDX-License-Identifier: BSD-2-Clause */
/* Outbreaks in Redis. */
#include "store/outbreak_store.h"

#include <stdlib.h>
#include <string.h>

#include "store/args.h"
#include "store/keys.h"
#include "store/redis.h"
#include "store/request.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/crypto.h"
#include "util/err.h"
#include "util/number.h"

#define FIELDS 19         /* of outbreak.inc.lua */
#define OUTBREAKS_MAX 200 /* of outbreak_look.lua */
#define CLAIM_MS 600000

int
outbreak_hash(struct slice address, char room[OUTBREAK_HASH_LEN])
{
	uint8_t hash[CRYPTO_SHA256_LEN];
	int rc = crypto_sha256(address, hash);

	if (rc == 0)
		memcpy(room, hash, OUTBREAK_HASH_LEN);
	return rc;
}

int
outbreak_shape(struct slice class, struct slice text,
    char room[OUTBREAK_SHAPE_LEN])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t hash[CRYPTO_SHA256_LEN];
	int rc = crypto_sha256(text.len > 0 ? text : class, hash);

	for (size_t i = 0; i < OUTBREAK_SHAPE_LEN && rc == 0; i++)
		room[i] = hex[(hash[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
	return rc;
}

/* ---- the record ---- */

static int64_t
number_of(struct slice s)
{
	uint64_t n = 0;

	return number_parse(s, 0, INT64_MAX, &n) == 0 ? (int64_t)n : 0;
}

static int
parse(struct slice text, struct outbreak *o)
{
	struct slice f[FIELDS];

	for (size_t i = 0; i < FIELDS; i++)
		if (!slice_split(&text, '\t', &f[i]))
			return ERR_SYNTAX;
	*o = (struct outbreak){
		.id = f[0],
		.provider = f[1],
		.shape = f[2],
		.class = f[3],
		.started_ms = number_of(f[4]),
		.last_ms = number_of(f[5]),
		.till_ms = number_of(f[6]),
		.ended_ms = number_of(f[7]),
		.by = f[8],
		.host = f[12],
		.window_ms = number_of(f[13]),
		.recipients = (uint64_t)number_of(f[14]),
		.total = (uint64_t)number_of(f[15]),
		.errors = (uint64_t)number_of(f[16]),
		.released = (uint64_t)number_of(f[17]),
		.text = f[18],
	};
	return 0;
}

/* A list of records; what is none is left out. */
static size_t
parse_list(const struct redis_reply *list, struct outbreak *room, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < redis_count(list) && n < max; i++)
		if (parse(redis_string(redis_at(list, i)), &room[n]) == 0)
			n++;
	return n;
}

static size_t
parse_flags(const struct redis_reply *list, bool *room, size_t max)
{
	size_t n = redis_count(list) < max ? redis_count(list) : max;

	for (size_t i = 0; i < n; i++)
		room[i] = redis_integer(redis_at(list, i)) == 1;
	return n;
}

static void
nobody(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)rc;
	(void)reply;
	(void)ctx;
}

/* ---- noticing ---- */

static void
got_look(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	outbreak_looked *looked = (outbreak_looked *)q->fn;
	void *looked_ctx = q->ctx;
	bool frozen[OUTBREAK_RESULTS_MAX];
	struct outbreak started[OUTBREAK_RESULTS_MAX];
	size_t flags = 0, count = 0;

	request_done(q);
	if (rc == 0) {
		flags = parse_flags(redis_at(reply, 0), frozen,
		    OUTBREAK_RESULTS_MAX);
		count = parse_list(redis_at(reply, 1), started,
		    OUTBREAK_RESULTS_MAX);
	}
	looked(rc, frozen, flags, started, count, looked_ctx);
}

static void
add_settings(struct args *a, const struct outbreak_settings *o,
    struct slice host)
{
	args_number(a, o->window_ms);
	args_number(a, o->recipients);
	args_number(a, o->share_percent);
	args_number(a, o->freeze_ms);
	args_add(a, host);
}

void
outbreak_look(struct store *s, struct slice tenant,
    const struct outbreak_settings *settings, struct slice host,
    const struct outbreak_result *results, size_t count, int64_t deadline_us,
    outbreak_looked *looked, void *ctx)
{
	struct key key = key_outbreaks(tenant);
	struct args a;

	args_init(&a);
	args_key(&a, &key);
	add_settings(&a, settings, host);
	for (size_t i = 0; i < count && i < OUTBREAK_RESULTS_MAX; i++) {
		const struct outbreak_result *r = &results[i];

		args_add(&a, r->provider);
		args_number(&a, r->at_ms);
		args_add(&a, r->recipient);
		args_add(&a, r->event_id);
		args_add(&a, r->shape);
		args_add(&a, r->class);
		args_add(&a, r->text);
	}
	args_send(&a, s, SCRIPT_outbreak_look, deadline_us, got_look,
	    request_new(s, (request_fn *)looked, ctx));
}

static void
got_note(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	outbreak_noted *noted = (outbreak_noted *)q->fn;
	void *noted_ctx = q->ctx;
	bool frozen[OUTBREAK_RESULTS_MAX];
	size_t count = 0;

	request_done(q);
	if (rc == 0)
		count = parse_flags(reply, frozen, OUTBREAK_RESULTS_MAX);
	noted(rc, frozen, count, noted_ctx);
}

void
outbreak_note(struct store *s, struct slice tenant,
    const struct outbreak_settings *settings,
    const struct outbreak_block *blocks, size_t count, int64_t deadline_us,
    outbreak_noted *noted, void *ctx)
{
	struct key key = key_outbreaks(tenant);
	struct args a;

	args_init(&a);
	args_key(&a, &key);
	args_number(&a, settings->window_ms);
	for (size_t i = 0; i < count && i < OUTBREAK_RESULTS_MAX; i++) {
		args_add(&a, blocks[i].provider);
		args_add(&a, blocks[i].shape);
		args_number(&a, blocks[i].at_ms);
		args_add(&a, blocks[i].address);
		args_add(&a, blocks[i].event_id);
	}
	args_send(&a, s, SCRIPT_outbreak_blocked, deadline_us, got_note,
	    request_new(s, (request_fn *)noted, ctx));
}

/* ---- releasing ---- */

static void
got_blocked(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	outbreak_blocks *got = (outbreak_blocks *)q->fn;
	void *got_ctx = q->ctx;
	size_t count = rc == 0 ? redis_count(reply) : 0, n = 0;
	struct outbreak_block *list = calloc(count + 1, sizeof(*list));

	request_done(q);
	if (list == NULL)
		rc = ERR_NOMEM;
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct slice text = redis_string(redis_at(reply, i)), address;

		if (!slice_split(&text, '\t', &address) || text.len == 0)
			continue;
		list[n].address = address;
		list[n++].event_id = text;
	}
	got(rc, list, n, got_ctx);
	free(list);
}

void
outbreak_blocked(struct store *s, struct slice tenant, const struct outbreak *o,
    int64_t deadline_us, outbreak_blocks *got, void *ctx)
{
	struct key key = key_outbreak_blocks(tenant, o->provider, o->shape);
	char from[NUMBER_TEXT_MAX], most[NUMBER_TEXT_MAX];
	int64_t since = o->started_ms - o->window_ms;
	struct slice argv[] = { SLICE("ZRANGEBYSCORE"), key_slice(&key),
		{ from, number_format(since > 0 ? (uint64_t)since : 0, from) },
		SLICE("+inf"), SLICE("LIMIT"), SLICE("0"),
		{ most, number_format(OUTBREAK_BLOCKED_MAX, most) } };

	redis_command(s, argv, 7, deadline_us, got_blocked,
	    request_new(s, (request_fn *)got, ctx));
}

void
outbreak_taken(struct store *s, struct slice tenant, const struct outbreak *o,
    size_t released)
{
	struct key key = key_outbreaks(tenant);
	char number[NUMBER_TEXT_MAX];
	struct slice argv[] = { key_slice(&key), o->provider, o->shape, o->id,
		{ number, number_format(released, number) } };

	redis_script(s, SCRIPT_outbreak_taken, 1, argv, 5, store_deadline(s),
	    nobody, NULL);
}

/* ---- looking, and ending ---- */

static void
got_list(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	outbreak_listed *listed = (outbreak_listed *)q->fn;
	void *listed_ctx = q->ctx;
	size_t max = rc == 0 ? redis_count(reply) : 0;
	struct outbreak *list = calloc(max + 1, sizeof(*list));

	request_done(q);
	if (list == NULL)
		rc = ERR_NOMEM;
	listed(rc, list, rc == 0 ? parse_list(reply, list, max) : 0,
	    listed_ctx);
	free(list);
}

void
outbreak_list(struct store *s, struct slice tenant, int64_t deadline_us,
    outbreak_listed *listed, void *ctx)
{
	struct key key = key_outbreaks(tenant);
	struct slice argv[] = { SLICE("HVALS"), key_slice(&key) };

	redis_command(s, argv, 2, deadline_us, got_list,
	    request_new(s, (request_fn *)listed, ctx));
}

static void
got_end(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	outbreak_ended *ended = (outbreak_ended *)q->fn;
	void *ended_ctx = q->ctx;

	request_done(q);
	if (rc == 0 && redis_integer(reply) == 0)
		rc = ERR_NOTFOUND;
	ended(rc, ended_ctx);
}

static struct slice
now(char room[NUMBER_TEXT_MAX])
{
	return (struct slice){ room,
		number_format((uint64_t)clock_wall_us() / 1000, room) };
}

void
outbreak_end(struct store *s, struct slice tenant, struct slice id,
    struct slice by, int64_t deadline_us, outbreak_ended *ended, void *ctx)
{
	struct key key = key_outbreaks(tenant);
	char at[NUMBER_TEXT_MAX];
	struct slice argv[] = { key_slice(&key), id, now(at), by };

	redis_script(s, SCRIPT_outbreak_end, 1, argv, 4, deadline_us, got_end,
	    request_new(s, (request_fn *)ended, ctx));
}

static void
got_sweep(int rc, const struct redis_reply *reply, void *ctx)
{
	struct request *q = ctx;
	outbreak_swept *swept = (outbreak_swept *)q->fn;
	void *swept_ctx = q->ctx;
	struct outbreak over[OUTBREAKS_MAX];
	size_t count = 0;

	request_done(q);
	if (rc == 0)
		count = parse_list(redis_at(reply, 1), over, OUTBREAKS_MAX);
	swept(rc, rc == 0 ? (unsigned)redis_integer(redis_at(reply, 0)) : 0,
	    over, count, swept_ctx);
}

void
outbreak_sweep(struct store *s, struct slice tenant, struct slice host,
    int64_t deadline_us, outbreak_swept *swept, void *ctx)
{
	struct key key = key_outbreaks(tenant);
	char at[NUMBER_TEXT_MAX], claim[NUMBER_TEXT_MAX], kept[NUMBER_TEXT_MAX];
	struct slice argv[] = { key_slice(&key), now(at), host,
		{ claim, number_format(CLAIM_MS, claim) },
		{ kept, number_format(OUTBREAK_KEPT_MS, kept) } };

	redis_script(s, SCRIPT_outbreak_sweep, 1, argv, 5, deadline_us,
	    got_sweep, request_new(s, (request_fn *)swept, ctx));
}

void
outbreak_told(struct store *s, struct slice tenant, const struct outbreak *o)
{
	struct key key = key_outbreaks(tenant);
	struct slice argv[] = { key_slice(&key), o->provider, o->shape, o->id };

	redis_script(s, SCRIPT_outbreak_told, 1, argv, 4, store_deadline(s),
	    nobody, NULL);
}
