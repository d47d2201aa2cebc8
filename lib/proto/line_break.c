/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines broken where the SMTP client breaks them. */
#include "proto/line_break.h"

#include <string.h>

/* A line end, and the blank behind it. */
static int
add_break(struct line_break *l, line_break_sink *sink, void *ctx)
{
	l->column = 1;
	return sink(ctx, "\r\n ", 3);
}

/* The CR that was held back. */
static int
release(struct line_break *l, bool line_end, line_break_sink *sink, void *ctx)
{
	int rc = 0;

	l->cr = false;
	if (!line_end) {
		rc = add_break(l, sink, ctx);
		l->column++;
	}
	return rc < 0 ? rc : sink(ctx, "\r", 1);
}

/* How much of the text goes before the next break; *ret_full: it is there. */
static size_t
run_length(const struct line_break *l, struct slice s, bool *ret_full)
{
	size_t room = l->column < l->max ? l->max - l->column : 0;
	const char *end;

	*ret_full = false;
	if (s.len <= room)
		return s.len;
	if ((end = memrchr(s.at, '\n', room + 1)) != NULL)
		return (size_t)(end - s.at) + 1;
	if (s.at[room] == '\r' && room + 1 < s.len && s.at[room + 1] == '\n')
		return room + 2;
	*ret_full = true;
	return room;
}

static void
move_on(struct line_break *l, struct slice run)
{
	const char *end = run.len > 0 ? memrchr(run.at, '\n', run.len) : NULL;

	if (end != NULL)
		l->column = (size_t)(run.at + run.len - end) - 1;
	else
		l->column += run.len;
}

/*
 * Up to the next break, or all of it, in one piece: most texts have no long
 * line.
 */
static struct slice
whole_run(struct line_break *l, struct slice s, bool *ret_full)
{
	struct slice rest = s;

	do {
		struct slice run = { rest.at, run_length(l, rest, ret_full) };

		move_on(l, run);
		rest = slice_skip(rest, run.len);
	} while (rest.len > 0 && !*ret_full);
	return (struct slice){ s.at, s.len - rest.len };
}

int
line_break_add(struct line_break *l, struct slice s, line_break_sink *sink,
    void *ctx)
{
	int rc = 0;

	if (l->max == 0)
		return sink(ctx, s.at, s.len);
	if (l->cr && s.len > 0)
		rc = release(l, s.at[0] == '\n', sink, ctx);
	while (s.len > 0 && rc >= 0) {
		bool full;
		struct slice run = whole_run(l, s, &full);

		if (run.len > 0)
			rc = sink(ctx, run.at, run.len);
		s = slice_skip(s, run.len);
		if (!full || rc < 0)
			continue;
		if (s.len == 1 && s.at[0] == '\r') {
			l->cr = true;
			break;
		}
		rc = add_break(l, sink, ctx);
	}
	return rc < 0 ? rc : 0;
}

int
line_break_end(struct line_break *l, line_break_sink *sink, void *ctx)
{
	int rc = l->cr ? release(l, false, sink, ctx) : 0;

	return rc < 0 ? rc : 0;
}

bool
line_break_find(struct line_break *l, struct slice s)
{
	bool full = false;

	if (l->cr && s.len > 0) {
		if (s.at[0] != '\n')
			return true;
		l->cr = false;
	}
	while (s.len > 0) {
		struct slice run = { s.at, run_length(l, s, &full) };

		move_on(l, run);
		s = slice_skip(s, run.len);
		if (!full)
			continue;
		l->cr = s.len == 1 && s.at[0] == '\r';
		return !l->cr;
	}
	return false;
}

bool
line_break_needed(size_t max, size_t column, struct slice text)
{
	struct line_break l = { .max = max, .column = column };

	return max > 0 && (line_break_find(&l, text) || l.cr);
}

static int
to_buf(void *ctx, const void *octets, size_t len)
{
	return buf_add(ctx, octets, len);
}

int
line_break_text(size_t max, size_t column, struct slice text, struct buf *out)
{
	struct line_break l = { .max = max, .column = column };
	int rc = line_break_add(&l, text, to_buf, out);

	return rc < 0 ? rc : line_break_end(&l, to_buf, out);
}
