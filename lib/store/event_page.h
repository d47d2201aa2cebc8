/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_EVENT_PAGE_H
#define STORE_EVENT_PAGE_H

#include "store/cursor.h"
#include "store/event_index.h"
#include "store/event_match.h"

/*
 * A page of events as its two files share it: event_page.c (the merging) and
 * event_source.c (one host's rows).  Nobody else includes this.
 */
struct map;
struct page;

/* One host's streams, read in chunks, or at the places that the index knows. */
struct source {
	struct page *page;
	struct slice host;
	char day[STREAM_DAY_LEN];
	int64_t day_ms;
	struct stream_id after; /* read up to here, this one included */
	bool inclusive;         /* nothing read yet: after itself, too */
	bool done;
	unsigned chunk; /* entries to ask for */
	/* rows that match, in order; all of them in arena */
	struct arena *arena;
	struct event *rows;
	struct stream_id *ids;
	size_t count, next, cap;
	/* by the index */
	struct event_place *places;
	size_t place_count, place_next;
	size_t under_way;        /* of one chunk */
	size_t joined;           /* rows that have their facts */
	struct slice *queue_ids; /* of a Message-ID's messages */
	size_t queue_id_count;
	/* Scanning by facts: the messages that match, by their places. */
	struct map *matched;
	struct stream_id seen_from; /* what is from here on was looked at */
	bool seen;
};

struct page {
	struct store *s;
	struct event_query q;
	struct event_match match;
	bool indexed;
	struct arena *arena;
	struct source *sources;
	struct source **list; /* room for all of them */
	size_t count;         /* of sources */
	size_t waiting;       /* for sources */
	unsigned scanned;
	int64_t from_ms, end_ms; /* ids outside of them are not looked at */
	struct event_cursor cursor;
	struct event *out;
	size_t out_count;
	bool more;
	int64_t deadline_us;
	event_row *row;
	event_page_end *end;
	void *ctx;
	int rc;
};

/* As the page goes: a before b is less than 0. */
int page_compare(const struct page *p, const struct event_cursor *a,
    const struct event_cursor *b);
/* A source that the page waits for is ready; rc is kept. */
void page_ready(struct page *p, int rc);

/* ERR_NOMEM.  source_done() is due in any case. */
int source_init(struct source *src);
void source_done(struct source *src);
/* Where it goes on; then, with an index, finds what there is. */
void source_start(struct source *src);
/* Asks for the next rows: page_ready() follows. */
void source_ask(struct source *src);

#endif /* STORE_EVENT_PAGE_H */
