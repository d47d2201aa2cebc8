/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/screen.h"
#include "util/slice.h"

/*
 * Aligned columns.  The first rows are kept back until it is known how wide
 * the columns have to be; later ones follow the same widths, so that a list of
 * any length is printed in bounded memory.  Where the screen is too narrow,
 * columns that may shrink do, the widest first, and what is cut ends in an
 * ellipsis; where there is no limit nothing is cut.
 */
struct table;

enum table_side { TABLE_LEFT, TABLE_RIGHT };
struct table_column {
	const char *title;
	enum table_side side;
	unsigned min; /* columns it keeps when it must shrink; 0: it never
			 does */
};

enum table_colour {
	COLOUR_NONE,
	COLOUR_GOOD,
	COLOUR_BAD,
	COLOUR_WARN,
	COLOUR_DIM
};
struct table_cell {
	struct slice text;
	enum table_colour colour;
};

/* A finished line, without its end; borrowed. */
typedef void table_line(struct slice line, void *ctx);

#define TABLE_COLUMNS_MAX 20
#define TABLE_SAMPLE 200 /* rows that the widths are taken from */
/* columns must live as long.  NULL: no memory. */
struct table *table_new(const struct table_column *columns, size_t count,
    const struct screen *screen, table_line *line, void *ctx);
/* cells: one a column; copied.  ERR_NOMEM: the row is left out. */
int table_add(struct table *t, const struct table_cell *cells);
/* Prints what is kept back; an empty table prints nothing. */
void table_flush(struct table *t);
/* Flushes, too; takes NULL. */
void table_free(struct table *t);

/* The line as output of a program: to stdout. */
void table_to_stdout(struct slice line, void *ctx);
/* The escape sequence that begins and ends a colour. */
const char *table_colour_code(enum table_colour colour);

#endif /* CLI_TABLE_H */
