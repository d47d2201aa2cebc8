/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a long command is. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/clock.h"

#define DRAW_US INT64_C(200000)
#define LINE_US INT64_C(10000000)
#define BAR_MAX 40
#define TEXT_ROOM 60 /* what stands behind the bar */

void
progress_begin(struct progress *p, const char *what, uint64_t total)
{
	struct winsize w = { 0 };

	*p = (struct progress){ .what = what,
		.total = total,
		.terminal = isatty(STDERR_FILENO) == 1,
		.width = 80,
		.begun_us = clock_mono_us() };
	if (p->terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 &&
	    w.ws_col > 0)
		p->width = w.ws_col;
	p->next_us = p->begun_us + (p->terminal ? DRAW_US : LINE_US);
}

static void
draw_bar(unsigned percent, unsigned width)
{
	unsigned cells = width > TEXT_ROOM ? width - TEXT_ROOM : 0;
	char bar[BAR_MAX + 1];

	if (cells > BAR_MAX)
		cells = BAR_MAX;
	for (unsigned i = 0; i < cells; i++)
		bar[i] = i < cells * percent / 100 ? '#' : '.';
	(void)fprintf(stderr, "[%.*s] %3u%%", (int)cells, bar, percent);
}

void
progress_step(struct progress *p, uint64_t octets, uint64_t count)
{
	int64_t now = clock_mono_us();
	double seconds = (double)(now - p->begun_us) / 1e6;
	unsigned percent = 0;

	if (now < p->next_us)
		return;
	p->next_us = now + (p->terminal ? DRAW_US : LINE_US);
	if (p->total > 0)
		percent = (unsigned)((double)octets * 100.0 / (double)p->total);
	if (percent > 100)
		percent = 100;
	if (p->terminal) {
		(void)fputs("\r\033[K", stderr);
		if (p->total > 0)
			draw_bar(percent, p->width);
	} else if (p->total > 0) {
		(void)fprintf(stderr, "%u%%", percent);
	}
	(void)fprintf(stderr, " %" PRIu64 " %s, %.0f/s", count, p->what,
	    (double)count / (seconds > 0 ? seconds : 1));
	if (percent > 0)
		(void)fprintf(stderr, ", %.0f s to go",
		    seconds * (100 - percent) / percent);
	if (!p->terminal)
		(void)fputc('\n', stderr);
	(void)fflush(stderr);
	p->drawn = p->terminal;
}

void
progress_end(struct progress *p)
{
	if (p->drawn)
		(void)fputs("\r\033[K", stderr);
	p->drawn = false;
}
