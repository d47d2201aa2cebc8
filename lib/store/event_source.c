/* SPDX-License-Identifier: BSD-2-Clause */
/* One host's rows of a page: by scanning its streams, or by their index. */
#include <stdlib.h>

#include "store/event_page.h"
#include "store/store.h"
#include "util/err.h"
#include "util/map.h"
#include "util/number.h"

#define DAY_MS INT64_C(86400000)
#define CHUNK_FIRST 250 /* while rows are found; more while there are none */
#define CHUNK_MAX 2000
#define PLACES 100       /* entries asked for by the index at a time */
#define MESSAGES_MAX 100 /* with one Message-ID */
#define MATCHED_MAX 4000000
#define ARENA_MAX (64 * 1024 * 1024)

static bool
backwards(const struct source *src)
{
	return src->page->q.newest_first;
}

static struct slice
day_of(const struct source *src)
{
	return (struct slice){ src->day, STREAM_DAY_LEN };
}

int
source_init(struct source *src)
{
	src->chunk = CHUNK_FIRST;
	src->arena = arena_new(ARENA_MAX);
	src->matched = map_new(MATCHED_MAX);
	return src->arena != NULL && src->matched != NULL ? 0 : ERR_NOMEM;
}

void
source_done(struct source *src)
{
	map_free(src->matched, NULL);
	arena_free(src->arena);
	free(src->rows);
	free(src->ids);
}

/* ---- rows ---- */

static int
make_room(struct source *src)
{
	size_t cap = src->cap > 0 ? 2 * src->cap : CHUNK_FIRST;

	if (src->count < src->cap)
		return 0;
	struct event *rows = realloc(src->rows, cap * sizeof(*rows));
	if (rows == NULL)
		return ERR_NOMEM;
	src->rows = rows;
	struct stream_id *ids = realloc(src->ids, cap * sizeof(*ids));
	if (ids == NULL)
		return ERR_NOMEM;
	src->ids = ids;
	src->cap = cap;
	return 0;
}

static int
add_row(struct source *src, struct slice day, const struct event *e,
    struct slice id_text, struct stream_id id)
{
	int rc;

	if ((rc = make_room(src)) < 0 ||
	    (rc = event_row_keep(src->arena, src->host, day, e, id_text,
		 &src->rows[src->count])) < 0)
		return rc;
	src->ids[src->count++] = id;
	return 0;
}

/* All rows were taken: their memory is free again. */
static void
forget_rows(struct source *src)
{
	if (src->next < src->count)
		return;
	src->next = src->count = src->joined = 0;
	arena_reset(src->arena);
}

static void
on_joined(int rc, void *ctx)
{
	struct source *src = ctx;
	size_t n = src->joined;

	for (size_t i = src->joined; i < src->count; i++)
		if (event_match_facts(&src->page->match, &src->rows[i])) {
			src->rows[n] = src->rows[i];
			src->ids[n++] = src->ids[i];
		}
	src->count = src->joined = n;
	page_ready(src->page, rc);
}

/* Rows were added: with their facts some may not match. */
static void
rows_added(struct source *src, int rc)
{
	struct page *p = src->page;

	if (rc == 0 && p->match.facts && src->joined < src->count)
		events_join(p->s, src->rows + src->joined,
		    src->count - src->joined, src->arena, p->deadline_us,
		    on_joined, src);
	else
		page_ready(p, rc);
}

/* ---- scanning: which messages match, without asking for each ---- */

static struct slice
key_of(const struct stream_id *id)
{
	return (struct slice){ (const char *)id, sizeof(*id) };
}

/* The entry's own place if it has facts, else that of its message if it is of
 * this day; false: not known from the text. */
static bool
message_place(struct slice text, struct stream_id own, bool *ret_own,
    struct stream_id *ret_place)
{
	struct slice column = { NULL, 0 }, ms;

	for (int i = 0; i <= EVENT_COLUMN_MESSAGE; i++)
		if (!slice_split(&text, '\t', &column))
			column = (struct slice){ NULL, 0 };
	*ret_own = column.len == 0;
	*ret_place = own;
	if (*ret_own)
		return true;
	ret_place->seq = 0;
	if (memchr(column.at, '/', column.len) != NULL ||
	    !slice_split(&column, '-', &ms) ||
	    number_parse(ms, 0, own.ms, &ret_place->ms) < 0 ||
	    (column.at != NULL &&
		number_parse(column, 0, UINT64_MAX, &ret_place->seq) < 0))
		return false;
	ret_place->ms = own.ms - ret_place->ms;
	return true;
}

static int
note_matched(struct source *src, const struct redis_reply *reply)
{
	size_t count = redis_count(reply);
	struct stream_id id, place;
	struct slice text, id_text;
	struct event e;
	bool own;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		text = event_row_packed(reply, i, &id_text);
		if (text.at == NULL || stream_id_parse(id_text, &id) < 0 ||
		    !message_place(text, id, &own, &place) || !own ||
		    event_unpack(text, (int64_t)id.ms, &e) < 0)
			continue;
		if (event_match_facts(&src->page->match, &e))
			rc = map_set(src->matched, key_of(&place), src, NULL);
		if (backwards(src) || !src->seen)
			src->seen_from = id;
		src->seen = true;
	}
	return rc;
}

/* False: its message was looked at, and does not match. */
static bool
may_match(const struct source *src, struct slice text, struct stream_id id)
{
	struct stream_id place;
	bool own;

	if (!message_place(text, id, &own, &place))
		return true;
	if (map_get(src->matched, key_of(&place)) != NULL)
		return true;
	return !own &&
	       (!src->seen || stream_id_compare(place, src->seen_from) < 0);
}

/* ---- scanning ---- */

static bool
beyond(const struct source *src, struct stream_id id)
{
	const struct page *p = src->page;

	return backwards(src) ? (int64_t)id.ms < p->from_ms
			      : (int64_t)id.ms > p->end_ms;
}

static int
look_at(struct source *src, const struct redis_reply *reply, size_t i)
{
	const struct event_match *m = &src->page->match;
	struct slice id_text, text = event_row_packed(reply, i, &id_text);
	struct stream_id id;
	struct event e;

	if (text.at != NULL && !event_match_packed(m, text))
		return 0;
	if (stream_id_parse(id_text, &id) < 0)
		return ERR_SYNTAX;
	if (beyond(src, id) ||
	    (text.at != NULL && m->facts && !may_match(src, text, id)))
		return 0;
	/* What is not ours to understand is passed over. */
	if (event_row_parse(reply, i, &e, &id_text) < 0 ||
	    !event_match_event(m, &e))
		return 0;
	return add_row(src, day_of(src), &e, id_text, id);
}

static void
set_day(struct source *src, int64_t day_ms)
{
	src->day_ms = day_ms;
	stream_day_of(day_ms, src->day);
}

/* The day had less than was asked for: go on with the next one. */
static void
next_day(struct source *src)
{
	struct page *p = src->page;

	/* Places of another day are no guide to this one's messages. */
	src->seen = false;
	set_day(src, src->day_ms + (backwards(src) ? -DAY_MS : DAY_MS));
	src->after = (struct stream_id){ (uint64_t)src->day_ms, 0 };
	if (backwards(src))
		src->after =
		    (struct stream_id){ (uint64_t)(src->day_ms + DAY_MS - 1),
			    UINT64_MAX };
	src->inclusive = true;
	src->done = backwards(src) ? src->day_ms + DAY_MS <= p->from_ms
				   : src->day_ms > p->end_ms;
}

static void ask_chunk(struct source *src);

/* While nothing matches, the next chunk is on its way while this is read. */
static bool
read_ahead(struct source *src, size_t got)
{
	struct page *p = src->page;

	if (src->count - src->next >= got / 8)
		return false;
	if (src->chunk < CHUNK_MAX)
		src->chunk *= 2;
	if (p->match.facts || src->done || p->scanned >= p->q.scan_max)
		return false;
	p->waiting++;
	ask_chunk(src);
	redis_flush(p->s);
	return true;
}

static void
got_chunk(int rc, const struct redis_reply *reply, void *ctx)
{
	struct source *src = ctx;
	struct page *p = src->page;
	size_t count = redis_count(reply), asked = src->chunk;
	struct slice last;
	char day[STREAM_DAY_LEN];

	p->scanned += (unsigned)count;
	if (rc == 0 && count > 0) {
		(void)event_row_packed(reply, count - 1, &last);
		rc = stream_id_parse(last, &src->after);
		src->inclusive = false;
	}
	memcpy(day, src->day, sizeof(day));
	if (rc == 0 && count > 0 && beyond(src, src->after))
		src->done = true;
	if (rc == 0 && p->match.facts)
		rc = note_matched(src, reply);
	bool ahead =
	    rc == 0 && count == asked && p->rc == 0 && read_ahead(src, count);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = look_at(src, reply, i);
	if (ahead || rc < 0) {
		page_ready(p, rc);
		return;
	}
	if (!src->done && count < asked)
		next_day(src);
	rows_added(src, rc);
}

static void
ask_chunk(struct source *src)
{
	char room[STREAM_ID_MAX + 1] = "(", bound[STREAM_ID_MAX];
	struct slice id = stream_id_format(src->after, room + 1);
	struct page *p = src->page;
	struct slice after =
	    src->inclusive ? id : (struct slice){ room, id.len + 1 };
	struct stream_id end = { (uint64_t)p->end_ms, UINT64_MAX };

	if (backwards(src)) {
		end = (struct stream_id){
			(uint64_t)(p->from_ms > 0 ? p->from_ms : 0), 0
		};
		stream_range_back(p->s, src->host, day_of(src),
		    stream_id_format(end, bound), after, src->chunk,
		    p->deadline_us, got_chunk, src);
		return;
	}
	stream_range(p->s, src->host, day_of(src), after,
	    stream_id_format(end, bound), src->chunk, p->deadline_us, got_chunk,
	    src);
}

/* ---- by the index ---- */

static void
got_place(int rc, const struct redis_reply *reply, void *ctx)
{
	struct source *src = ctx;
	const struct event_match *m = &src->page->match;
	const struct event_place *place = &src->places[src->place_next++];
	struct slice id;
	struct event e;

	/* Gone, or another's with the same hash: passed over. */
	if (rc == 0 && redis_count(reply) == 1 &&
	    event_row_parse(reply, 0, &e, &id) == 0 && event_match_event(m, &e))
		rc = add_row(src, (struct slice){ place->day, STREAM_DAY_LEN },
		    &e, id, place->id);
	if (rc < 0 && src->page->rc == 0)
		src->page->rc = rc;
	src->after = place->id;
	src->inclusive = false;
	if (--src->under_way > 0)
		return;
	src->done = src->place_next == src->place_count;
	rows_added(src, 0);
}

static void
ask_place(struct source *src, const struct event_place *place, redis_done *done)
{
	char room[STREAM_ID_MAX];
	struct slice id = stream_id_format(place->id, room);

	src->under_way++;
	stream_range(src->page->s, src->host,
	    (struct slice){ place->day, STREAM_DAY_LEN }, id, id, 1,
	    src->page->deadline_us, done, src);
}

static void
ask_places(struct source *src)
{
	size_t n = src->place_count - src->place_next;

	if (n > PLACES)
		n = PLACES;
	src->page->scanned += (unsigned)n;
	for (size_t i = 0; i < n; i++)
		ask_place(src, &src->places[src->place_next + i], got_place);
}

void
source_ask(struct source *src)
{
	forget_rows(src);
	if (src->page->indexed)
		ask_places(src);
	else
		ask_chunk(src);
}

/* Is the place still to be told? */
static bool
wanted(const struct source *src, const struct event_place *place)
{
	struct event_cursor at = { place->id, src->host };
	struct event_cursor start = { src->after, src->host };
	const struct page *p = src->page;
	int order = page_compare(p, &at, &start);

	return (src->inclusive ? order >= 0 : order > 0) &&
	       (int64_t)place->id.ms >= p->from_ms &&
	       (int64_t)place->id.ms <= p->end_ms;
}

static void
got_places(int rc, struct event_place *places, size_t count, void *ctx)
{
	struct source *src = ctx;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (wanted(src, &places[i]))
			places[n++] = places[i];
	for (size_t i = 0; backwards(src) && i < n / 2; i++) {
		struct event_place first = places[i];

		places[i] = places[n - 1 - i];
		places[n - 1 - i] = first;
	}
	src->places = places;
	src->place_count = n;
	src->place_next = 0;
	src->done = n == 0;
	page_ready(src->page, rc);
}

static void
look_up(struct source *src, enum event_index_kind kind,
    const struct slice *texts, size_t count, event_places *done)
{
	struct page *p = src->page;
	struct event_index_key keys[MESSAGES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count && n < MESSAGES_MAX; i++)
		if (event_index_key(kind, texts[i], &keys[n]) == 0)
			n++;
	event_index_read(p->s, src->host, keys, n, p->from_ms, p->end_ms,
	    p->arena, p->deadline_us, done, src);
}

/* ---- a Message-ID: first the queue ids of its messages ---- */

static void
got_message(int rc, const struct redis_reply *reply, void *ctx)
{
	struct source *src = ctx;
	struct page *p = src->page;
	struct slice id;
	struct event e;

	if (rc == 0 && redis_count(reply) == 1 &&
	    event_row_parse(reply, 0, &e, &id) == 0 && e.queue_id.at != NULL &&
	    slice_eq(e.message_id, p->q.message_id)) {
		struct slice copy = arena_dup(p->arena, e.queue_id);

		if (copy.at == NULL)
			rc = ERR_NOMEM;
		else
			src->queue_ids[src->queue_id_count++] = copy;
	}
	if (rc < 0 && p->rc == 0)
		p->rc = rc;
	if (--src->under_way == 0)
		look_up(src, INDEX_QUEUE_ID, src->queue_ids,
		    src->queue_id_count, got_places);
}

static void
got_messages(int rc, struct event_place *places, size_t count, void *ctx)
{
	struct source *src = ctx;

	if (count > MESSAGES_MAX)
		count = MESSAGES_MAX;
	src->queue_ids =
	    arena_calloc(src->page->arena, count + 1, sizeof(*src->queue_ids));
	if (rc == 0 && src->queue_ids == NULL)
		rc = ERR_NOMEM;
	if (rc < 0 || count == 0) {
		got_places(rc, NULL, 0, src);
		return;
	}
	for (size_t i = 0; i < count; i++)
		ask_place(src, &places[i], got_message);
}

/* ---- the start ---- */

static void
start_at(struct source *src)
{
	struct page *p = src->page;
	struct event_cursor start = { p->cursor.id, src->host };

	if (p->cursor.host.at == NULL) {
		src->after =
		    backwards(src)
			? (struct stream_id){ (uint64_t)p->end_ms, UINT64_MAX }
			: (struct stream_id){ (uint64_t)p->from_ms, 0 };
		src->inclusive = true;
		return;
	}
	/* (ms, host, seq): of the same ms, hosts before the cursor's were
	 * told, those behind it were not; backwards the other way round. */
	int order = event_cursor_compare(&start, &p->cursor);
	src->after = p->cursor.id;
	src->inclusive = backwards(src) ? order < 0 : order > 0;
	if (order > 0)
		src->after.seq = 0;
	else if (order < 0)
		src->after.seq = UINT64_MAX;
}

void
source_start(struct source *src)
{
	struct page *p = src->page;

	start_at(src);
	if (p->q.message_id.at != NULL && p->q.queue_id.at == NULL) {
		look_up(src, INDEX_MESSAGE_ID, &p->q.message_id, 1,
		    got_messages);
	} else if (p->q.queue_id.at != NULL) {
		look_up(src, INDEX_QUEUE_ID, &p->q.queue_id, 1, got_places);
	} else if (p->indexed) {
		look_up(src, INDEX_ADDRESS, &p->q.recipient, 1, got_places);
	} else {
		set_day(src, (int64_t)src->after.ms / DAY_MS * DAY_MS);
		src->done = beyond(src, src->after);
		page_ready(p, 0);
	}
}
