/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <stdint.h>

#include "cli/table.h"
#include "proto/report_time.h"

/*
 * Numbers over time as bars of block characters, one column a point; in ASCII
 * where the screen has no more.  Pure but for the lines handed out.
 */
struct plot {
	const struct screen *screen;
	const uint64_t *points;
	size_t count;
	unsigned height; /* lines of the bars, 1..PLOT_HEIGHT_MAX */
	uint64_t top;    /* what a full bar stands for; 0: the largest point */
	enum table_colour colour;
};
#define PLOT_HEIGHT_MAX 50
#define PLOT_LABEL 8 /* columns in front of the bars, the axis included */

/* Minutes of one point, so that a span of minutes fits in that many columns. */
unsigned plot_step(unsigned minutes, unsigned columns);
/* The bars, the top one first, with numbers at the axis. */
void plot_bars(const struct plot *p, table_line *line, void *ctx);
/*
 * The line under them: times of day, or days where a point is one.
 * from_ms: of the first point; step: minutes of each.
 */
void plot_axis(const struct plot *p, int64_t from_ms, unsigned step,
    const struct zone *zone, table_line *line, void *ctx);

#define PLOT_SHARE_MAX 128
/* A bar of at most width columns for part of whole; its octets in room. */
struct slice plot_share(const struct screen *screen, uint64_t part,
    uint64_t whole, unsigned width, char room[PLOT_SHARE_MAX]);
/* "7833", "12.3k", "4.5M": at most 5 columns. */
#define PLOT_NUMBER_MAX 24
struct slice plot_number(uint64_t n, char room[PLOT_NUMBER_MAX]);

#endif /* CLI_PLOT_H */
