/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of the streams as events, and the facts of their messages. */
#include "store/event_rows.h"

#include <stdlib.h>
#include <time.h>

#include "store/keys.h"
#include "store/store.h"
#include "util/err.h"
#include "util/map.h"
#include "util/number.h"

#define FIELDS_MAX 64 /* slices of one entry that are looked at */
#define DAY_MS INT64_C(86400000)

/* ---- ids ---- */

int
stream_id_parse(struct slice text, struct stream_id *ret_id)
{
	struct slice rest = text, ms;
	struct stream_id id;

	if (!slice_split(&rest, '-', &ms) ||
	    number_parse(ms, 0, INT64_MAX, &id.ms) < 0 ||
	    number_parse(rest, 0, UINT64_MAX, &id.seq) < 0)
		return ERR_SYNTAX;
	*ret_id = id;
	return 0;
}

struct slice
stream_id_format(struct stream_id id, char room[STREAM_ID_MAX])
{
	size_t n = number_format(id.ms, room);

	room[n++] = '-';
	n += number_format(id.seq, room + n);
	return (struct slice){ room, n };
}

int
stream_id_compare(struct stream_id a, struct stream_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return a.seq < b.seq ? -1 : a.seq > b.seq;
}

bool
stream_day_ok(struct slice day)
{
	uint64_t n;

	return day.len == STREAM_DAY_LEN &&
	       number_parse(day, 19700101, 99991231, &n) == 0;
}

void
stream_day_of(int64_t ms, char ret_day[STREAM_DAY_LEN])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm = { 0 };
	char text[32];

	(void)gmtime_r(&t, &tm);
	(void)strftime(text, sizeof(text), "%Y%m%d", &tm);
	memcpy(ret_day, text, STREAM_DAY_LEN);
}

int
stream_day_start(struct slice day, int64_t *ret_ms)
{
	uint64_t n;
	struct tm tm = { 0 };
	char again[STREAM_DAY_LEN];

	if (day.len != STREAM_DAY_LEN ||
	    number_parse(day, 19700101, 99991231, &n) < 0)
		return ERR_SYNTAX;
	tm.tm_year = (int)(n / 10000) - 1900;
	tm.tm_mon = (int)(n / 100 % 100) - 1;
	tm.tm_mday = (int)(n % 100);
	int64_t ms = (int64_t)timegm(&tm) * 1000;
	stream_day_of(ms, again);
	if (memcmp(again, day.at, STREAM_DAY_LEN) != 0)
		return ERR_SYNTAX; /* a 31st of February */
	*ret_ms = ms;
	return 0;
}

int
event_id_parse(struct slice text, struct slice *ret_host, struct slice *ret_day,
    struct stream_id *ret_id)
{
	const char *last =
	    text.len > 0 ? memrchr(text.at, '/', text.len) : NULL;
	struct slice host = { NULL, 0 }, day;
	int64_t start_ms;

	if (last == NULL)
		return ERR_SYNTAX;
	day = (struct slice){ text.at, (size_t)(last - text.at) };
	const char *slash = day.len > 0 ? memrchr(day.at, '/', day.len) : NULL;
	if (slash != NULL) {
		host = (struct slice){ text.at, (size_t)(slash - text.at) };
		day = slice_skip(day, host.len + 1);
	}
	if (stream_day_start(day, &start_ms) < 0 ||
	    stream_id_parse(slice_skip(text, (size_t)(last - text.at) + 1),
		ret_id) < 0)
		return ERR_SYNTAX;
	*ret_host = host;
	*ret_day = day;
	return 0;
}

/* ---- entries ---- */

struct slice
event_row_packed(const struct redis_reply *entries, size_t i,
    struct slice *ret_id)
{
	const struct redis_reply *entry = redis_at(entries, i);
	const struct redis_reply *pairs = redis_at(entry, 1);

	*ret_id = redis_string(redis_at(entry, 0));
	if (redis_count(pairs) != 2)
		return (struct slice){ NULL, 0 };
	return redis_string(redis_at(pairs, 1));
}

int
event_row_parse(const struct redis_reply *entries, size_t i,
    struct event *ret_event, struct slice *ret_id)
{
	const struct redis_reply *entry = redis_at(entries, i);
	const struct redis_reply *pairs = redis_at(entry, 1);
	struct slice at[FIELDS_MAX];
	size_t count = redis_count(pairs);
	struct stream_id place;

	*ret_id = redis_string(redis_at(entry, 0));
	if (count == 2) { /* packed */
		if (stream_id_parse(*ret_id, &place) < 0)
			return ERR_SYNTAX;
		return event_unpack(redis_string(redis_at(pairs, 1)),
		    (int64_t)place.ms, ret_event);
	}
	if (count > FIELDS_MAX)
		count = FIELDS_MAX;
	for (size_t f = 0; f < count; f++)
		at[f] = redis_string(redis_at(pairs, f));
	return event_from_fields(at, count, ret_event);
}

/*
 * A packed message tells how much older it is: less than a day, as only those
 * of the same day are told so; an id that is a time is much more.
 */
static struct slice
absolute(struct slice message, struct slice id, char room[STREAM_ID_MAX])
{
	struct slice rest = message, ms, seq = SLICE("0");
	struct stream_id own, it = { 0, 0 };

	if (memchr(message.at, '/', message.len) != NULL ||
	    stream_id_parse(id, &own) < 0)
		return message;
	(void)slice_split(&rest, '-', &ms);
	if (rest.at != NULL)
		seq = rest;
	if (number_parse(ms, 0, 2 * (uint64_t)DAY_MS, &it.ms) < 0 ||
	    number_parse(seq, 0, UINT64_MAX, &it.seq) < 0 || it.ms > own.ms)
		return message;
	it.ms = own.ms - it.ms;
	return stream_id_format(it, room);
}

/* HOST/DAY/MS-SEQ of an id that may leave out what is the same. */
static struct slice
whole_id(struct arena *arena, struct slice host, struct slice day,
    struct slice id)
{
	struct slice of_host, of_day;
	struct stream_id seq;

	/* Events that tell of another event hold its id as it was read. */
	if (event_id_parse(id, &of_host, &of_day, &seq) == 0 && of_host.len > 0)
		return arena_dup(arena, id);

	bool has_day = id.len > STREAM_DAY_LEN && id.at[STREAM_DAY_LEN] == '/';
	size_t len = host.len + 1 + (has_day ? 0 : day.len + 1) + id.len;
	char *text = arena_alloc(arena, len), *p = text;

	if (text == NULL)
		return (struct slice){ NULL, 0 };
	memcpy(p, host.at, host.len);
	p += host.len;
	*p++ = '/';
	if (!has_day) {
		memcpy(p, day.at, day.len);
		p += day.len;
		*p++ = '/';
	}
	memcpy(p, id.at, id.len);
	return (struct slice){ text, len };
}

static int
keep_texts(struct arena *arena, struct event *c)
{
	struct slice *const texts[] = { &c->tenant, &c->recipient, &c->queue_id,
		&c->reason, &c->relay, &c->origin, &c->return_path, &c->sender,
		&c->from, &c->subject, &c->message_id, &c->api_data,
		&c->source_ip, &c->sender_ip, &c->copy_of, &c->forward_to,
		&c->preflight, &c->stream };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i]->at == NULL)
			continue;
		*texts[i] = arena_dup(arena, *texts[i]);
		if (texts[i]->at == NULL)
			return ERR_NOMEM;
	}
	return 0;
}

int
event_row_keep(struct arena *arena, struct slice host, struct slice day,
    const struct event *e, struct slice id, struct event *ret_event)
{
	struct event c = *e;
	bool of_mail = e->type <= EVENT_BOUNCED;
	char room[STREAM_ID_MAX];

	c.id = whole_id(arena, host, day, id);
	if (e->message.len > 0)
		c.message =
		    whole_id(arena, host, day, absolute(e->message, id, room));
	else if (of_mail)
		c.message = c.id;
	if (c.id.at == NULL || (of_mail && c.message.at == NULL) ||
	    keep_texts(arena, &c) < 0)
		return ERR_NOMEM;
	*ret_event = c;
	return 0;
}

int
event_row_dup(struct arena *arena, const struct event *e,
    struct event *ret_event)
{
	struct event c = *e;

	c.id = arena_dup(arena, e->id);
	if (e->message.at != NULL)
		c.message = arena_dup(arena, e->message);
	if (c.id.at == NULL ||
	    (e->message.at != NULL && c.message.at == NULL) ||
	    keep_texts(arena, &c) < 0)
		return ERR_NOMEM;
	*ret_event = c;
	return 0;
}

static void
range(struct store *s, struct slice verb, struct slice host, struct slice day,
    struct slice first, struct slice second, unsigned limit,
    int64_t deadline_us, redis_done *done, void *ctx)
{
	struct key key = key_events_day(host, day);
	char count[NUMBER_TEXT_MAX];
	struct slice argv[6] = { verb, key_slice(&key), first, second,
		SLICE("COUNT"), { count, number_format(limit, count) } };

	redis_command(s, argv, 6, deadline_us, done, ctx);
}

void
stream_range(struct store *s, struct slice host, struct slice day,
    struct slice from, struct slice to, unsigned limit, int64_t deadline_us,
    redis_done *done, void *ctx)
{
	range(s, SLICE("XRANGE"), host, day, from, to, limit, deadline_us, done,
	    ctx);
}

void
stream_range_back(struct store *s, struct slice host, struct slice day,
    struct slice from, struct slice to, unsigned limit, int64_t deadline_us,
    redis_done *done, void *ctx)
{
	range(s, SLICE("XREVRANGE"), host, day, to, from, limit, deadline_us,
	    done, ctx);
}

/* ---- joining facts ---- */

/* One event whose facts were asked for; the others of its message follow. */
struct join {
	struct events_join *all;
	struct event facts;
};

struct events_join {
	struct event *events;
	size_t count, waiting;
	struct arena *arena;
	struct map *messages; /* id -> struct join, or an event with facts */
	struct join *joins;
	events_joined *joined;
	void *ctx;
	int rc;
};

static void
copy_facts(struct event *to, const struct event *from)
{
	if (to->queue_id.at == NULL)
		to->queue_id = from->queue_id;
	to->return_path = from->return_path;
	to->sender = from->sender;
	to->from = from->from;
	to->subject = from->subject;
	to->message_id = from->message_id;
	to->api_data = from->api_data;
	to->source_ip = from->source_ip;
	to->sender_ip = from->sender_ip;
	to->forward_to = from->forward_to;
	to->copy_of = from->copy_of;
	to->preflight = from->preflight;
	/* A block event says for which stream the block holds. */
	if (to->type != EVENT_BLOCKED && to->type != EVENT_UNBLOCKED &&
	    to->type != EVENT_EXEMPTED)
		to->stream = from->stream;
}

static bool
points_away(const struct event *e)
{
	return e->message.at != NULL && !slice_eq(e->message, e->id);
}

static void
finish_join(struct events_join *j)
{
	events_joined *joined = j->joined;
	void *ctx = j->ctx;
	int rc = j->rc;

	for (size_t i = 0; i < j->count && rc == 0; i++) {
		struct event *e = &j->events[i];
		const struct event *facts =
		    points_away(e) ? map_get(j->messages, e->message) : NULL;

		if (facts != NULL)
			copy_facts(e, facts);
	}
	map_free(j->messages, NULL);
	free(j->joins);
	free(j);
	joined(rc, ctx);
}

static void
got_facts(int rc, const struct redis_reply *reply, void *ctx)
{
	struct join *one = ctx;
	struct events_join *j = one->all;
	struct event e, kept;
	struct slice id;

	/* Gone (retention): then there are no facts to join. */
	if (rc == 0 && redis_count(reply) == 1 &&
	    event_row_parse(reply, 0, &e, &id) == 0) {
		rc = event_row_keep(j->arena, SLICE(""), SLICE(""), &e, id,
		    &kept);
		if (rc == 0)
			copy_facts(&one->facts, &kept);
	}
	if (rc < 0 && j->rc == 0)
		j->rc = rc;
	if (--j->waiting == 0)
		finish_join(j);
}

static void
no_join(int rc, const struct redis_reply *reply, void *ctx)
{
	struct events_join *j = ctx;

	(void)reply;
	j->rc = rc == ERR_CANCELED ? 0 : rc;
	finish_join(j);
}

static int
ask_facts(struct store *s, struct events_join *j, int64_t deadline_us)
{
	struct slice host, day;
	struct stream_id id;
	int rc = 0;

	/* Events that have their facts, in this very answer. */
	for (size_t i = 0; i < j->count && rc == 0; i++)
		if (!points_away(&j->events[i]) && j->events[i].message.at)
			rc = map_set(j->messages, j->events[i].id,
			    &j->events[i], NULL);
	for (size_t i = 0; i < j->count && rc == 0; i++) {
		struct event *e = &j->events[i];
		struct join *one = &j->joins[i];
		char room[STREAM_ID_MAX];

		if (!points_away(e) ||
		    map_get(j->messages, e->message) != NULL ||
		    event_id_parse(e->message, &host, &day, &id) < 0)
			continue;
		*one = (struct join){ .all = j };
		rc = map_set(j->messages, e->message, &one->facts, NULL);
		if (rc < 0)
			break;
		struct slice text = stream_id_format(id, room);
		j->waiting++;
		stream_range(s, host, day, text, text, 1, deadline_us,
		    got_facts, one);
	}
	return rc;
}

void
events_join(struct store *s, struct event *events, size_t count,
    struct arena *arena, int64_t deadline_us, events_joined *joined, void *ctx)
{
	struct events_join *j = calloc(1, sizeof(*j));
	int rc = ERR_NOMEM;

	if (j == NULL)
		abort(); /* as in redis.c: nobody could be told */
	j->events = events;
	j->count = count;
	j->arena = arena;
	j->joined = joined;
	j->ctx = ctx;
	j->messages = map_new(2 * count + 1);
	j->joins = calloc(count + 1, sizeof(*j->joins));
	if (j->messages != NULL && j->joins != NULL)
		rc = ask_facts(s, j, deadline_us);
	if (rc < 0)
		j->rc = rc;
	/* Later in any case, never from here. */
	if (j->waiting == 0)
		redis_refuse(s, rc < 0 ? rc : ERR_CANCELED, no_join, j);
}
