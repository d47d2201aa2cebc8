/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_LINE_BREAK_H
#define PROTO_LINE_BREAK_H

#include <stdbool.h>
#include <stddef.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * Long lines as Postfix's SMTP client sends them: behind each max octets of a
 * line (smtp_line_length_limit of postconf(5)) it puts a line end and a blank,
 * which counts in the next one.  What is signed is to be what leaves.  A CR
 * right before a LF belongs to the line end; any other is an octet of the line.
 */
struct line_break {
	size_t max;    /* 0: lines are not broken */
	size_t column; /* octets of the line so far */
	bool cr;       /* one octet too many, unless a LF follows */
};
/* < 0 stops, and is handed on. */
typedef int line_break_sink(void *ctx, const void *octets, size_t len);

/* In any pieces; the sink gets all octets, and the breaks. */
int line_break_add(struct line_break *l, struct slice octets,
    line_break_sink *sink, void *ctx);
int line_break_end(struct line_break *l, line_break_sink *sink, void *ctx);

/* Moves on without output.  True: a line is longer than max; the end. */
bool line_break_find(struct line_break *l, struct slice octets);
/* Whether this text, which begins in that column, has a line to break. */
bool line_break_needed(size_t max, size_t column, struct slice text);
/* The whole of it at once; 0, ERR_LIMIT, ERR_NOMEM. */
int line_break_text(size_t max, size_t column, struct slice text,
    struct buf *out);

#endif /* PROTO_LINE_BREAK_H */
