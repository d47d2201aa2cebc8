/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>

#include "util/slice.h"

/*
 * What standard output can show, and how wide text is on it.
 */
struct screen {
	bool terminal; /* a person looks at it */
	bool colour;   /* a terminal, and NO_COLOR is not set */
	bool utf8;     /* by LC_ALL, LC_CTYPE, LANG; a file takes it, too */
	unsigned width, height; /* 0: no limit, as it is no terminal */
};
/* COLUMNS and LINES, where set, are believed before the terminal. */
struct screen screen_look(void);

/*
 * Columns that a text fills on a terminal: East Asian wide characters two,
 * combining ones none.  Bad UTF-8 and control characters count one: they are
 * shown as "?" (util/utf8.h).
 */
unsigned screen_text_width(struct slice text);
/* Octets of the longest beginning that fills no more than width columns;
 * *ret_filled: how many it does fill. */
size_t screen_text_fit(struct slice text, unsigned width, unsigned *ret_filled);

#endif /* CLI_SCREEN_H */
