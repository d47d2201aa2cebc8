/* SPDX-License-Identifier: BSD-2-Clause */
/* All rows of a query, page by page; or as they come. */
#include "cli/report_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli_store.h"
#include "net/loop.h"
#include "store/cursor.h"
#include "util/clock.h"
#include "util/err.h"

#define WAIT_MS 30000
#define PAGE 1000
#define QUIET_US (1000 * 1000) /* until then nothing is shown */
#define SCAN_CURSOR_MAX 4096
#define FOLLOW_MS 500
#define HOSTS_MAX 256
#define POSITION_MAX 512

struct scan {
	const struct report_args *args;
	event_row *row;
	void *ctx;
	uint64_t rows;
	int64_t began_us;
	bool shown, over;
	int rc;
	char cursor[SCAN_CURSOR_MAX];
	size_t cursor_len;
};

/* ---- what is asked for ---- */

static bool
has_part(struct slice part, struct slice text)
{
	if (part.len == 0)
		return true;
	for (; text.len >= part.len; text = slice_skip(text, 1))
		if (slice_starts_nocase(text, part))
			return true;
	return false;
}

static bool
is_or_all(struct slice want, struct slice value)
{
	return want.at == NULL || slice_eq(want, value);
}

bool
report_asks_for(const struct report_args *a, const struct event *e)
{
	const struct event_query *q = &a->query;

	return is_or_all(q->tenant, e->tenant) &&
	       is_or_all(q->recipient, e->recipient) &&
	       is_or_all(q->queue_id, e->queue_id) &&
	       is_or_all(q->message_id, e->message_id) &&
	       (q->types == 0 || (q->types & 1U << e->type) != 0) &&
	       (q->status == 0 || q->status == e->status) &&
	       has_part(q->to_part, e->recipient) &&
	       (has_part(q->from_part, e->from) ||
		   has_part(q->from_part, e->sender) ||
		   has_part(q->from_part, e->return_path)) &&
	       has_part(q->subject_part, e->subject) &&
	       has_part(q->api_data_part, e->api_data) &&
	       report_matches(&a->match, e);
}

/* ---- pages ---- */

static void
on_row(const struct event *e, void *ctx)
{
	struct scan *s = ctx;
	const struct report_args *a = s->args;

	if ((a->limit > 0 && s->rows == a->limit) || !report_asks_for(a, e))
		return;
	s->rows++;
	s->row(e, s->ctx);
}

static void
on_end(int rc, struct slice next, void *ctx)
{
	struct scan *s = ctx;

	s->rc = rc;
	s->over = true;
	s->cursor_len = 0;
	if (rc < 0 || next.at == NULL || next.len > sizeof(s->cursor))
		return;
	memcpy(s->cursor, next.at, next.len);
	s->cursor_len = next.len;
}

/* How much of the time was looked at, in percent; < 0: not known, as it is
 * not where nobody says when the time begins: how long events are kept is a
 * setting. */
static int
percent(const struct scan *s)
{
	const struct event_query *q = &s->args->query;
	int64_t from_ms = q->from_ms, to_ms = q->to_ms, done;
	struct event_cursor at;

	if (event_cursor_parse((struct slice){ s->cursor, s->cursor_len },
		&at) < 0)
		return -1;
	if (from_ms == 0 || to_ms <= from_ms)
		return -1;
	done = (int64_t)at.id.ms - from_ms;
	if (q->newest_first)
		done = to_ms - (int64_t)at.id.ms;
	if (done < 0 || done > to_ms - from_ms)
		return -1;
	return (int)(done * 100 / (to_ms - from_ms));
}

static void
show_progress(struct scan *s)
{
	int part;

	if (isatty(STDERR_FILENO) != 1 ||
	    (!s->shown && clock_mono_us() - s->began_us < QUIET_US))
		return;
	s->shown = true;
	part = percent(s);
	if (part >= 0)
		(void)fprintf(stderr, "\r%3d%% looked at, %" PRIu64 " found ",
		    part, s->rows);
	else
		(void)fprintf(stderr, "\r%" PRIu64 " found ", s->rows);
}

static void
end_progress(const struct scan *s)
{
	if (s->shown)
		(void)fputs("\r                                        \r",
		    stderr);
}

int
report_scan(struct cli_store *store, const struct report_args *a,
    event_row *row, void *ctx)
{
	struct event_query q = a->query;
	struct scan s = { .args = a,
		.row = row,
		.ctx = ctx,
		.began_us = clock_mono_us() };

	q.limit = a->limit > 0 && a->limit < PAGE ? (unsigned)a->limit : PAGE;
	do {
		q.cursor = (struct slice){ s.cursor, s.cursor_len };
		s.over = false;
		event_page(store->store, &q, clock_deadline_ms(WAIT_MS), on_row,
		    on_end, &s);
		cli_store_wait(store, &s.over);
		show_progress(&s);
		if (ferror(stdout) != 0)
			s.rc = ERR_IO;
	} while (s.rc == 0 && s.cursor_len > 0 &&
		 (a->limit == 0 || s.rows < a->limit));
	end_progress(&s);
	return s.rc;
}

/* ---- following ---- */

struct follow {
	const struct report_args *args;
	event_row *row;
	void *ctx;
	struct loop_timer *timer;
	struct follow_host {
		char name[CURSOR_HOST_MAX];
		size_t name_len;
		char position[POSITION_MAX];
		size_t position_len;
	} * hosts;
	size_t count, now;
	unsigned rows; /* of this reading */
	bool over;
	int rc;
};

static void
follow_row(const struct event *e, void *ctx)
{
	struct follow *f = ctx;

	f->rows++;
	if (report_asks_for(f->args, e))
		f->row(e, f->ctx);
}

static void
follow_end(int rc, struct slice position, void *ctx)
{
	struct follow *f = ctx;
	struct follow_host *h = &f->hosts[f->now];

	f->rc = rc;
	f->over = true;
	if (rc < 0 || position.at == NULL || position.len > POSITION_MAX)
		return;
	memcpy(h->position, position.at, position.len);
	h->position_len = position.len;
}

/* A host that is new begins with what it wrote since we began. */
static void
follow_hosts(int rc, const struct slice *names, size_t count, void *ctx)
{
	struct follow *f = ctx;

	f->rc = rc;
	f->over = true;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct follow_host *h = &f->hosts[f->count];
		char day[STREAM_DAY_LEN];
		bool known = false;

		for (size_t n = 0; n < f->count; n++)
			known |=
			    slice_eq(names[i], (struct slice){ f->hosts[n].name,
						   f->hosts[n].name_len });
		if (known || f->count == HOSTS_MAX ||
		    names[i].len > sizeof(h->name))
			continue;
		memcpy(h->name, names[i].at, names[i].len);
		h->name_len = names[i].len;
		stream_day_of(f->args->now_ms, day);
		h->position_len = (size_t)snprintf(h->position, POSITION_MAX,
		    "%.*s/%.*s/%" PRId64 "-0", SLICE_F(names[i]),
		    STREAM_DAY_LEN, day, f->args->now_ms);
		f->count++;
	}
}

static void
on_timer(void *ctx)
{
	((struct follow *)ctx)->over = true;
}

/* What all hosts have written since the last time. */
static int
follow_once(struct cli_store *s, struct follow *f)
{
	f->over = false;
	host_list(s->store, clock_deadline_ms(WAIT_MS), follow_hosts, f);
	cli_store_wait(s, &f->over);
	for (f->now = 0; f->rc == 0 && f->now < f->count; f->now++) {
		const struct follow_host *h = &f->hosts[f->now];

		do {
			f->over = false;
			f->rows = 0;
			event_read(s->store,
			    (struct slice){ h->name, h->name_len },
			    (struct slice){ h->position, h->position_len },
			    PAGE, clock_deadline_ms(WAIT_MS), follow_row,
			    follow_end, f);
			cli_store_wait(s, &f->over);
		} while (f->rc == 0 && f->rows == PAGE);
	}
	return f->rc;
}

int
report_follow(struct cli_store *store, const struct report_args *a,
    event_row *row, void *ctx)
{
	static struct follow_host hosts[HOSTS_MAX];
	struct follow f = { .args = a, .row = row, .ctx = ctx, .hosts = hosts };

	f.timer = loop_timer_new(store->base, on_timer, &f);
	if (f.timer == NULL)
		return ERR_NOMEM;
	while (follow_once(store, &f) == 0) {
		if (fflush(stdout) != 0 || ferror(stdout) != 0) {
			f.rc = ERR_IO;
			break;
		}
		f.over = false;
		loop_timer_set(f.timer, FOLLOW_MS);
		cli_store_wait(store, &f.over);
	}
	loop_timer_free(f.timer);
	return f.rc;
}
