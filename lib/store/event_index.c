/* SPDX-License-Identifier: BSD-2-Clause */
/* The index of events: reading it. */
#include "store/event_index.h"

#include <stdlib.h>

#include "store/keys.h"
#include "store/store.h"
#include "util/crypto.h"
#include "util/err.h"

#define DAY_MS INT64_C(86400000)
#define TEXT_MAX 1100
#define RECORD 8

int
event_index_key(enum event_index_kind kind, struct slice text,
    struct event_index_key *ret_key)
{
	static const struct slice prefix[] = {
		[INDEX_ADDRESS] = SLICE(""),
		[INDEX_QUEUE_ID] = SLICE("q\t"),
		[INDEX_MESSAGE_ID] = SLICE("m\t"),
	};
	uint8_t hash[CRYPTO_SHA1_LEN];
	char room[TEXT_MAX];
	size_t n = prefix[kind].len;
	int rc;

	if (text.len > sizeof(room) - 2)
		return ERR_LIMIT;
	memcpy(room, prefix[kind].at, n);
	if (text.len > 0)
		memcpy(room + n, text.at, text.len);
	rc = crypto_sha1((struct slice){ room, n + text.len }, hash);
	if (rc < 0)
		return rc;
	ret_key->shard = (unsigned)hash[0] << 4 | hash[1] >> 4;
	ret_key->tag =
	    (uint16_t)((hash[1] & 15) << 12 | hash[2] << 4 | hash[3] >> 4);
	return 0;
}

/* ---- reading ---- */

struct look {
	struct lookup *all;
	int64_t day_ms;
	uint16_t tag;
};

struct lookup {
	struct arena *arena;
	struct event_place *places;
	size_t count, cap, waiting;
	event_places *done;
	void *ctx;
	int rc;
};

static int
compare(const void *a, const void *b)
{
	return stream_id_compare(((const struct event_place *)a)->id,
	    ((const struct event_place *)b)->id);
}

static void
finish(struct lookup *l)
{
	size_t n = 0;

	if (l->count > 0)
		qsort(l->places, l->count, sizeof(*l->places), compare);
	for (size_t i = 0; i < l->count; i++)
		if (n == 0 || compare(&l->places[n - 1], &l->places[i]) != 0)
			l->places[n++] = l->places[i];
	l->done(l->rc, l->places, n, l->ctx);
	free(l);
}

static int
add_place(struct lookup *l, const struct look *k, const unsigned char *record)
{
	uint64_t at = 0;

	if (l->count == l->cap) {
		size_t cap = l->cap > 0 ? 2 * l->cap : 64;
		struct event_place *more =
		    arena_calloc(l->arena, cap, sizeof(*more));

		if (more == NULL)
			return ERR_LIMIT;
		if (l->count > 0)
			memcpy(more, l->places, l->count * sizeof(*more));
		l->places = more;
		l->cap = cap;
	}
	for (int i = 2; i < RECORD; i++)
		at = at << 8 | record[i];
	struct event_place *p = &l->places[l->count++];
	stream_day_of(k->day_ms, p->day);
	p->id.ms = (uint64_t)k->day_ms + (at >> 21);
	p->id.seq = at & ((1u << 21) - 1);
	return 0;
}

static void
got_shard(int rc, const struct redis_reply *reply, void *ctx)
{
	struct look *k = ctx;
	struct lookup *l = k->all;
	struct slice s = redis_string(reply);
	const unsigned char *at = (const void *)s.at;

	for (size_t i = 0; i + RECORD <= s.len && rc == 0; i += RECORD)
		if ((at[i] << 8 | at[i + 1]) == k->tag)
			rc = add_place(l, k, at + i);
	if (rc < 0 && l->rc == 0)
		l->rc = rc;
	if (--l->waiting == 0)
		finish(l);
}

static void
refused(int rc, const struct redis_reply *reply, void *ctx)
{
	struct lookup *l = ctx;

	(void)reply;
	l->rc = rc == ERR_CANCELED ? 0 : rc;
	finish(l);
}

void
event_index_read(struct store *s, struct slice host,
    const struct event_index_key *keys, size_t count, int64_t from_ms,
    int64_t to_ms, struct arena *arena, int64_t deadline_us, event_places *done,
    void *ctx)
{
	struct lookup *l = calloc(1, sizeof(*l));
	int64_t first = from_ms / DAY_MS, last = to_ms / DAY_MS;
	size_t days = last < first ? 0 : (size_t)(last - first) + 1;

	if (l == NULL)
		abort(); /* as in redis.c: nobody could be told */
	l->arena = arena;
	l->done = done;
	l->ctx = ctx;
	struct look *looks =
	    arena_calloc(arena, days * count + 1, sizeof(*looks));
	if (looks == NULL || days * count == 0) {
		redis_refuse(s, looks == NULL ? ERR_NOMEM : ERR_CANCELED,
		    refused, l);
		return;
	}
	l->waiting = days * count;
	for (size_t i = 0; i < days * count; i++) {
		const struct event_index_key *k = &keys[i % count];
		char day[STREAM_DAY_LEN];

		looks[i] = (struct look){ .all = l,
			.day_ms = (first + (int64_t)(i / count)) * DAY_MS,
			.tag = k->tag };
		stream_day_of(looks[i].day_ms, day);
		struct key key = key_event_index(host,
		    (struct slice){ day, STREAM_DAY_LEN }, k->shard);
		redis_command(s,
		    (struct slice[]){ SLICE("GET"), key_slice(&key) }, 2,
		    deadline_us, got_shard, &looks[i]);
	}
}
