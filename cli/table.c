/* SPDX-License-Identifier: BSD-2-Clause */
/* Aligned columns that fit the screen. */
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/utf8.h"

#define GAP 2
#define CELL_MAX 4096
#define LINE_MAX_OCTETS ((size_t)256 * 1024)

struct row {
	char *text[TABLE_COLUMNS_MAX];
	unsigned width[TABLE_COLUMNS_MAX];
	enum table_colour colour[TABLE_COLUMNS_MAX];
};

struct table {
	const struct table_column *columns;
	size_t count;
	struct screen screen;
	table_line *line;
	void *ctx;
	struct row *rows; /* kept back */
	size_t row_count;
	unsigned width[TABLE_COLUMNS_MAX];
	bool settled; /* the widths are, and the titles are printed */
	struct buf out;
};

const char *
table_colour_code(enum table_colour colour)
{
	switch (colour) {
	case COLOUR_NONE:
		return "\033[0m";
	case COLOUR_GOOD:
		return "\033[32m";
	case COLOUR_BAD:
		return "\033[31m";
	case COLOUR_WARN:
		return "\033[33m";
	case COLOUR_DIM:
		return "\033[2m";
	}
	return "";
}

void
table_to_stdout(struct slice line, void *ctx)
{
	(void)ctx;
	(void)fwrite(line.at, 1, line.len, stdout);
	(void)putchar('\n');
}

struct table *
table_new(const struct table_column *columns, size_t count,
    const struct screen *screen, table_line *line, void *ctx)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->rows = calloc(TABLE_SAMPLE, sizeof(*t->rows));
	if (t->rows == NULL) {
		free(t);
		return NULL;
	}
	t->columns = columns;
	t->count = count < TABLE_COLUMNS_MAX ? count : TABLE_COLUMNS_MAX;
	t->screen = *screen;
	t->line = line;
	t->ctx = ctx;
	buf_init(&t->out, LINE_MAX_OCTETS);
	return t;
}

static void
row_done(struct row *r, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(r->text[i]);
	*r = (struct row){ .text = { NULL } };
}

/* What the screen can show of a text. */
static char *
showable(const struct table *t, struct slice text)
{
	struct buf safe;
	char *copy;

	buf_init(&safe, CELL_MAX);
	utf8_safe(text, &safe);
	if (!t->screen.utf8) {
		size_t n = 0;

		/* One mark for each character that is not shown. */
		for (size_t i = 0; i < safe.len; i++) {
			unsigned char c = (unsigned char)safe.at[i];

			if (c < 0x80)
				safe.at[n++] = (char)c;
			else if (c >= 0xc0)
				safe.at[n++] = '?';
		}
		safe.len = n;
	}
	copy = strdup(buf_text(&safe));
	buf_done(&safe);
	return copy;
}

/* ---- widths ---- */

static void
shrink(struct table *t)
{
	unsigned total = GAP * (unsigned)(t->count - 1);

	for (size_t i = 0; i < t->count; i++)
		total += t->width[i];
	while (total > t->screen.width) {
		size_t widest = t->count;

		for (size_t i = 0; i < t->count; i++) {
			unsigned min = t->columns[i].min;

			if (min == 0 || t->width[i] <= min)
				continue;
			if (widest == t->count ||
			    t->width[i] > t->width[widest])
				widest = i;
		}
		if (widest == t->count)
			return; /* it can not be helped */
		t->width[widest]--;
		total--;
	}
}

static void
settle(struct table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		t->width[i] = screen_text_width(slice_of(t->columns[i].title));
		for (size_t r = 0; r < t->row_count; r++)
			if (t->rows[r].width[i] > t->width[i])
				t->width[i] = t->rows[r].width[i];
	}
	if (t->screen.width > 0)
		shrink(t);
	t->settled = true;
}

/* ---- printing ---- */

static void
pad(struct table *t, unsigned n)
{
	for (; n > 0; n--)
		(void)buf_add_char(&t->out, ' ');
}

static void
put_text(struct table *t, struct slice text, enum table_colour colour)
{
	bool colours = t->screen.colour && colour != COLOUR_NONE;

	if (colours)
		(void)buf_add_text(&t->out, table_colour_code(colour));
	(void)buf_add_slice(&t->out, text);
	if (colours)
		(void)buf_add_text(&t->out, table_colour_code(COLOUR_NONE));
}

/* Cut to its column, with a mark where something is missing. */
static void
put_cell(struct table *t, size_t i, struct slice text, unsigned filled,
    enum table_colour colour)
{
	const char *mark = t->screen.utf8 ? "\xe2\x80\xa6" : "~";
	unsigned width = t->width[i];
	bool cut =
	    t->screen.width > 0 && filled > width && t->columns[i].min > 0;

	if (cut)
		text.len = screen_text_fit(text, width - 1, &filled);
	filled += cut;
	if (t->columns[i].side == TABLE_RIGHT && filled < width)
		pad(t, width - filled);
	put_text(t, text, colour);
	if (cut)
		(void)buf_add_text(&t->out, mark);
	if (t->columns[i].side == TABLE_LEFT && filled < width &&
	    i + 1 < t->count)
		pad(t, width - filled);
}

static void
put_line(struct table *t)
{
	while (t->out.len > 0 && t->out.at[t->out.len - 1] == ' ')
		t->out.len--;
	t->line(buf_slice(&t->out), t->ctx);
	buf_clear(&t->out);
}

static void
put_row(struct table *t, const struct row *r)
{
	for (size_t i = 0; i < t->count; i++) {
		if (i > 0)
			pad(t, GAP);
		put_cell(t, i, slice_of(r->text[i]), r->width[i], r->colour[i]);
	}
	put_line(t);
}

static void
put_titles(struct table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct slice title = slice_of(t->columns[i].title);

		if (i > 0)
			pad(t, GAP);
		put_cell(t, i, title, screen_text_width(title), COLOUR_DIM);
	}
	put_line(t);
}

void
table_flush(struct table *t)
{
	if (!t->settled) {
		if (t->row_count == 0)
			return;
		settle(t);
		put_titles(t);
	}
	for (size_t r = 0; r < t->row_count; r++) {
		put_row(t, &t->rows[r]);
		row_done(&t->rows[r], t->count);
	}
	t->row_count = 0;
}

int
table_add(struct table *t, const struct table_cell *cells)
{
	struct row *r = &t->rows[t->row_count];

	for (size_t i = 0; i < t->count; i++) {
		r->text[i] = showable(t, cells[i].text);
		if (r->text[i] == NULL) {
			row_done(r, t->count);
			return ERR_NOMEM;
		}
		r->width[i] = screen_text_width(slice_of(r->text[i]));
		r->colour[i] = cells[i].colour;
	}
	t->row_count++;
	if (t->settled || t->row_count == TABLE_SAMPLE)
		table_flush(t);
	return 0;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	table_flush(t);
	buf_done(&t->out);
	free(t->rows);
	free(t);
}
