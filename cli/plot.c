/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers over time as bars of block characters. */
#include "cli/plot.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/buf.h"

#define EIGHTHS 8
#define LINE_MAX_OCTETS 65536
#define DAY_MIN 1440
#define MINUTE_MS INT64_C(60000)

/* From nothing to a full cell, in eighths. */
static const char *const blocks[EIGHTHS + 1] = { " ", "\xe2\x96\x81",
	"\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85",
	"\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88" };
static const char *const ascii[EIGHTHS + 1] = { " ", ".", ".", ".", ":", ":",
	":", "#", "#" };
/* A cell filled from the left. */
static const char *const left[EIGHTHS + 1] = { "", "\xe2\x96\x8f",
	"\xe2\x96\x8e", "\xe2\x96\x8d", "\xe2\x96\x8c", "\xe2\x96\x8b",
	"\xe2\x96\x8a", "\xe2\x96\x89", "\xe2\x96\x88" };

unsigned
plot_step(unsigned minutes, unsigned columns)
{
	static const unsigned steps[] = { 1, 2, 5, 10, 15, 20, 30, 60, 120, 180,
		240, 360, 720, DAY_MIN };
	unsigned step;

	if (columns == 0)
		columns = 1;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if ((minutes + steps[i] - 1) / steps[i] <= columns)
			return steps[i];
	/* Whole days. */
	step = (minutes + columns - 1) / columns;
	return (step + DAY_MIN - 1) / DAY_MIN * DAY_MIN;
}

struct slice
plot_number(uint64_t n, char room[PLOT_NUMBER_MAX])
{
	static const char letters[] = "kMGTPE";
	uint64_t unit = 1000;
	size_t i = 0;
	int len;

	if (n < 100000) {
		len = snprintf(room, PLOT_NUMBER_MAX, "%" PRIu64, n);
		return (struct slice){ room, (size_t)len };
	}
	while (n / unit >= 1000 && i + 2 < sizeof(letters)) {
		unit *= 1000;
		i++;
	}
	if (n / unit >= 100)
		len = snprintf(room, PLOT_NUMBER_MAX, "%" PRIu64 "%c", n / unit,
		    letters[i]);
	else
		len = snprintf(room, PLOT_NUMBER_MAX, "%" PRIu64 ".%u%c",
		    n / unit, (unsigned)(n % unit / (unit / 10)), letters[i]);
	return (struct slice){ room, (size_t)len };
}

static uint64_t
top_of(const struct plot *p)
{
	uint64_t top = p->top;

	for (size_t i = 0; p->top == 0 && i < p->count; i++)
		if (p->points[i] > top)
			top = p->points[i];
	return top > 0 ? top : 1;
}

/* Eighths of a bar in all its lines; what is not nothing is seen. */
static unsigned
level(uint64_t n, uint64_t top, unsigned height)
{
	long double part = (long double)(n < top ? n : top) / (long double)top;
	unsigned eighths = (unsigned)(part * height * EIGHTHS + 0.5L);

	return n > 0 && eighths == 0 ? 1 : eighths;
}

static void
put_label(const struct plot *p, unsigned row, uint64_t top, struct buf *out)
{
	char room[PLOT_NUMBER_MAX];
	struct slice number = SLICE("");
	const char *axis = p->screen->utf8 ? "\xe2\x94\x82" : "|";

	if (row == 0)
		number = plot_number(top, room);
	else if (row == p->height - 1)
		number = SLICE("0");
	if (number.len > 0)
		axis = p->screen->utf8 ? "\xe2\x94\xa4" : "+";
	for (size_t i = number.len; i < PLOT_LABEL - 2; i++)
		(void)buf_add_char(out, ' ');
	(void)buf_add_slice(out, number);
	(void)buf_add_char(out, ' ');
	(void)buf_add_text(out, axis);
}

void
plot_bars(const struct plot *p, table_line *line, void *ctx)
{
	const char *const *cells = p->screen->utf8 ? blocks : ascii;
	uint64_t top = top_of(p);
	struct buf out;

	buf_init(&out, LINE_MAX_OCTETS);
	for (unsigned row = 0; row < p->height; row++) {
		unsigned below = (p->height - 1 - row) * EIGHTHS;

		put_label(p, row, top, &out);
		if (p->screen->colour)
			(void)buf_add_text(&out, table_colour_code(p->colour));
		for (size_t i = 0; i < p->count; i++) {
			unsigned all = level(p->points[i], top, p->height);
			unsigned here = all > below ? all - below : 0;

			(void)buf_add_text(&out,
			    cells[here > EIGHTHS ? EIGHTHS : here]);
		}
		while (out.len > 0 && out.at[out.len - 1] == ' ')
			out.len--;
		if (p->screen->colour)
			(void)buf_add_text(&out,
			    table_colour_code(COLOUR_NONE));
		line(buf_slice(&out), ctx);
		buf_clear(&out);
	}
	buf_done(&out);
}

/* "12:30", or "01-31" where a point is a day or more. */
static void
time_mark(int64_t ms, unsigned step, const struct zone *zone, char ret_mark[6])
{
	char text[REPORT_TIME_MAX];

	(void)report_time_format(ms, zone, text);
	memcpy(ret_mark, step >= DAY_MIN ? text + 5 : text + 11, 5);
	ret_mark[5] = '\0';
}

#define MARK_GAP 3
void
plot_axis(const struct plot *p, int64_t from_ms, unsigned step,
    const struct zone *zone, table_line *line, void *ctx)
{
	const int64_t point_ms = (int64_t)step * MINUTE_MS;
	struct buf out;
	char mark[6];

	buf_init(&out, LINE_MAX_OCTETS);
	for (size_t i = 0; i < PLOT_LABEL; i++)
		(void)buf_add_char(&out, ' ');
	for (size_t i = 0; i < p->count;) {
		/* A mark at the first point, and from then on where one fits.
		 */
		if (i > 0 && i + 5 > p->count)
			break;
		time_mark(from_ms + (int64_t)i * point_ms, step, zone, mark);
		(void)buf_add_text(&out, mark);
		i += 5;
		for (size_t n = 0; n < MARK_GAP && i < p->count; n++, i++)
			(void)buf_add_char(&out, ' ');
	}
	while (out.len > 0 && out.at[out.len - 1] == ' ')
		out.len--;
	line(buf_slice(&out), ctx);
	buf_done(&out);
}

struct slice
plot_share(const struct screen *screen, uint64_t part, uint64_t whole,
    unsigned width, char room[PLOT_SHARE_MAX])
{
	unsigned eighths, n;
	size_t len = 0;

	if (width > PLOT_SHARE_MAX / 3 - 1)
		width = PLOT_SHARE_MAX / 3 - 1;
	if (whole == 0)
		whole = 1;
	eighths = level(part, whole, width);
	if (!screen->utf8) {
		n = (eighths + EIGHTHS - 1) / EIGHTHS;
		memset(room, '#', n);
		return (struct slice){ room, n };
	}
	for (; eighths > 0; eighths -= n, len += 3) {
		n = eighths > EIGHTHS ? EIGHTHS : eighths;
		memcpy(room + len, left[n], 3);
	}
	return (struct slice){ room, len };
}
