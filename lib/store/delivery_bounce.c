/* SPDX-License-Identifier: BSD-2-Clause */
/* What came back: the error, or the complaint, of one recipient of a message
 * that left before. */
#include <stdlib.h>

#include "store/args.h"
#include "store/delivery_store.h"
#include "store/event_rows.h"
#include "store/event_store.h"
#include "store/keys.h"
#include "store/message_store.h"
#include "store/store.h"
#include "util/clock.h"
#include "util/err.h"

#define DAY_MS INT64_C(86400000)
#define CHUNK 500
#define SCAN_MAX 20000
#define EARLY_MS 10000
#define RECIPIENTS_MAX 1000
#define REASON_MAX 500
#define ARENA_MAX (4 * 1024 * 1024)

struct search {
	struct store *s;
	struct delivery_bounce b; /* its slices in arena */
	struct arena *arena;
	int64_t deadline_us;
	delivery_bounced *bounced;
	void *ctx;
	/* what was found in the streams */
	struct slice tenant, message; /* message: DAY/MS-SEQ */
	struct slice *recipients;
	size_t count;
	unsigned scanned;
	char day[STREAM_DAY_LEN];
	int64_t day_ms;
	struct stream_id after;
};

static void search_on(struct search *x);

static void
finish(struct search *x, int rc, enum bounce_result result)
{
	x->bounced(rc, result, x->ctx);
	arena_free(x->arena);
	free(x);
}

static void got_result(int rc, const struct redis_reply *reply, void *ctx);

/* Of what is kept to tell a second complaint: as long as one is read. */
static int64_t
ttl_of(const struct delivery_bounce *b)
{
	int64_t left = b->sent_s + DELIVERY_COMPLAINT_AGE_S + 86400 -
		       clock_wall_us() / 1000000;

	return b->complaint && left > MESSAGE_TTL_S ? left : MESSAGE_TTL_S;
}

static void
call_script(struct search *x, bool searched)
{
	struct key key = key_message(x->b.host, x->b.queue_id);
	struct key prefix = key_counters_prefix(x->b.host);
	struct args a;

	args_init(&a);
	args_key(&a, &key);
	int64_t midnight_ms = args_streams(&a, x->b.host);
	args_number(&a, midnight_ms);
	args_add(&a, key_slice(&prefix));
	args_minute(&a, x->b.at_ms);
	args_number(&a, x->b.at_ms);
	args_add(&a, x->b.queue_id);
	args_add(&a, x->b.complaint ? SLICE("c") : SLICE("b"));
	args_add(&a, x->b.origin);
	args_add(&a, x->b.original);
	args_add(&a, x->b.final);
	if (x->b.complaint)
		args_add(&a, SLICE(""));
	else
		args_number(&a, x->b.status);
	args_add(&a, x->b.reason);
	args_add(&a, x->b.relay);
	args_number(&a, ttl_of(&x->b));
	args_add(&a, x->b.meant != NULL ? SLICE("1") : SLICE(""));
	args_number(&a, x->b.class);
	args_number(&a, store_events_days(x->s));
	args_number(&a, (int64_t)x->b.named_count);
	for (size_t i = 0; i < x->b.named_count; i++)
		args_add(&a, x->b.named[i]);
	if (searched) {
		args_add(&a, x->tenant);
		args_add(&a, x->message);
		for (size_t i = 0; i < x->count; i++)
			args_add(&a, x->recipients[i]);
	}
	args_send(&a, x->s, SCRIPT_delivery_bounce, x->deadline_us, got_result,
	    x);
}

/* ---- searching the streams ---- */

static bool
is_known(const struct search *x, struct slice recipient)
{
	for (size_t i = 0; i < x->count; i++)
		if (slice_eq(x->recipients[i], recipient))
			return true;
	return false;
}

static int
note(struct search *x, const struct event *e, struct slice id)
{
	struct event kept;
	int rc;

	if (!slice_eq(e->queue_id, x->b.queue_id) || e->type != EVENT_QUEUED ||
	    x->count == RECIPIENTS_MAX || is_known(x, e->recipient))
		return 0;
	/* Its message without the host: as stored, but with the day. */
	if ((rc = event_row_keep(x->arena, SLICE(""),
		 (struct slice){ x->day, STREAM_DAY_LEN }, e, id, &kept)) < 0)
		return rc;
	if (x->count == 0) {
		x->tenant =
		    kept.tenant.at != NULL ? kept.tenant : SLICE("default");
		x->message = slice_skip(kept.message, 1);
	}
	x->recipients[x->count++] = kept.recipient;
	return 0;
}

static void
got_chunk(int rc, const struct redis_reply *reply, void *ctx)
{
	struct search *x = ctx;
	size_t before = x->count, count = redis_count(reply);
	struct event e;
	struct slice id;

	for (size_t i = 0; i < count && rc == 0; i++) {
		bool readable = event_row_parse(reply, i, &e, &id) == 0;

		if (stream_id_parse(id, &x->after) < 0)
			rc = ERR_SYNTAX;
		else if (readable)
			rc = note(x, &e, id);
	}
	if (rc < 0) {
		finish(x, rc, BOUNCE_UNKNOWN);
		return;
	}
	x->scanned += (unsigned)count;
	if (count < CHUNK) {
		x->day_ms += DAY_MS;
		stream_day_of(x->day_ms, x->day);
		x->after = (struct stream_id){ 0, 0 };
	}
	/* The queued events of a message stand together. */
	bool found_all = before > 0 && x->count == before;
	if (found_all || x->scanned >= SCAN_MAX ||
	    x->day_ms > clock_wall_us() / 1000 + EARLY_MS)
		call_script(x, true);
	else
		search_on(x);
}

static void
search_on(struct search *x)
{
	char from[STREAM_ID_MAX + 1] = "(";
	struct slice id = stream_id_format(x->after, from + 1);

	stream_range(x->s, x->b.host, (struct slice){ x->day, STREAM_DAY_LEN },
	    (struct slice){ from, id.len + 1 }, SLICE("+"), CHUNK,
	    x->deadline_us, got_chunk, x);
}

static void
start_search(struct search *x)
{
	int64_t from_ms = x->b.sent_s * 1000 - EARLY_MS;

	x->recipients =
	    arena_calloc(x->arena, RECIPIENTS_MAX, sizeof(struct slice));
	if (x->recipients == NULL) {
		finish(x, ERR_NOMEM, BOUNCE_UNKNOWN);
		return;
	}
	int64_t oldest_ms =
	    clock_wall_us() / 1000 - store_events_days(x->s) * DAY_MS;
	if (from_ms < oldest_ms)
		from_ms = oldest_ms;
	x->day_ms = from_ms / DAY_MS * DAY_MS;
	stream_day_of(x->day_ms, x->day);
	x->after = (struct stream_id){ (uint64_t)from_ms, 0 };
	search_on(x);
}

/* The one that it was sent to, among those that it became later. */
static void
choose(struct search *x, const struct redis_reply *reply)
{
	for (size_t i = 0; i < redis_count(reply); i++) {
		struct slice address = redis_string(redis_at(reply, i));

		if (!x->b.meant(address, x->ctx))
			continue;
		x->b.original = arena_dup(x->arena, address);
		x->b.meant = NULL;
		if (x->b.original.at == NULL)
			finish(x, ERR_NOMEM, BOUNCE_UNKNOWN);
		else
			call_script(x, false);
		return;
	}
	finish(x, 0, BOUNCE_UNKNOWN);
}

static void
got_result(int rc, const struct redis_reply *reply, void *ctx)
{
	struct search *x = ctx;
	int64_t result = redis_integer(reply);

	if (rc == 0 && redis_count(reply) > 0)
		choose(x, reply);
	else if (rc == 0 && result == -1)
		start_search(x);
	else
		finish(x, rc,
		    result == 0   ? BOUNCE_RECORDED
		    : result == 1 ? BOUNCE_DUPLICATE
				  : BOUNCE_UNKNOWN);
}

/* ---- */

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	(void)reply;
	finish(ctx, rc, BOUNCE_UNKNOWN);
}

static bool
keep_named(struct search *x)
{
	const struct slice *from = x->b.named;
	struct slice *to;

	if (x->b.named_count > DELIVERY_NAMED_MAX)
		x->b.named_count = DELIVERY_NAMED_MAX;
	to = arena_calloc(x->arena, x->b.named_count + 1, sizeof(*to));
	if (to == NULL)
		return false;
	for (size_t i = 0; i < x->b.named_count; i++) {
		to[i] = arena_dup(x->arena, from[i]);
		if (to[i].at == NULL)
			return false;
	}
	x->b.named = to;
	return true;
}

void
delivery_bounce(struct store *s, const struct delivery_bounce *bounce,
    int64_t deadline_us, delivery_bounced *bounced, void *ctx)
{
	struct search *x = calloc(1, sizeof(*x));

	if (x == NULL)
		abort(); /* as in redis.c: nobody could be told */
	x->s = s;
	x->deadline_us = deadline_us;
	x->bounced = bounced;
	x->ctx = ctx;
	x->b = *bounce;
	if (x->b.reason.len > REASON_MAX)
		x->b.reason.len = REASON_MAX;
	x->arena = arena_new(ARENA_MAX);
	struct slice *const texts[] = { &x->b.host, &x->b.queue_id,
		&x->b.original, &x->b.final, &x->b.reason, &x->b.relay,
		&x->b.origin };
	bool kept = x->arena != NULL && keep_named(x);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && kept; i++) {
		*texts[i] = arena_dup(x->arena, *texts[i]);
		kept = texts[i]->at != NULL;
	}
	if (kept)
		call_script(x, false);
	else
		redis_refuse(s, ERR_NOMEM, refused, x);
}
