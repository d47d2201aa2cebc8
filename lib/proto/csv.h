/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_CSV_H
#define PROTO_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/slice.h"

/*
 * Comma-separated values, RFC 4180, in UTF-8.  Pure.
 *
 * Reading is generous where it can not be misunderstood: lines may end in LF
 * alone, the separator may be another one, and a quote within a field that
 * does not begin with one is an octet like others.
 */
#define CSV_BOM "\xef\xbb\xbf" /* spreadsheets write it before UTF-8 */
#define CSV_FIELDS_MAX 128
#define CSV_RECORD_MAX (64 * 1024) /* octets, with quotes and line end */

struct csv_record {
	struct slice field[CSV_FIELDS_MAX]; /* as meant, without quotes */
	size_t count;
	size_t lines; /* it takes, line ends in quotes included */
};

/*
 * The record at the head of the text.
 * at         is written to: "" in a quoted field becomes one quote; only
 *            within the record that is returned
 * separator  ',' most often
 * final      nothing comes behind; a last record needs no line end
 * ret_record slices point into at; an empty line is one empty field
 * Returns octets consumed, with the line end; 0: more must be read first, or
 * (final, len 0) nothing is left.  ERR_SYNTAX: something stands behind a
 * closing quote, or a quote is never closed; ERR_LIMIT: too many fields, or
 * too long.  After an error csv_skip_line() leads on.
 */
int csv_read(char *at, size_t len, char separator, bool final,
    struct csv_record *ret_record);
/* Octets of the first line with its line end, whatever it holds; 0: more must
 * be read first. */
size_t csv_skip_line(struct slice text, bool final);

/* Of ',', ';' and tab the one that the header line has most; ',' if none. */
char csv_separator(struct slice line);

/*
 * Writing: one record after the other, lines ended by CRLF.  A value is in
 * quotes only where it must be.
 *
 * A spreadsheet takes a cell that begins with "=", "+", "-", "@", a tab or CR
 * for a formula, whatever the quotes, and may then run what a stranger has
 * put into a subject or an address.  csv_text() writes "'" before such a
 * value, and before one that begins with such quotes ("'" again and again)
 * and then one of these; csv_unguarded() takes just that off again, so that
 * what is written by one and read by the other is the same.  Spreadsheets
 * don't show it.
 */
struct csv_writer {
	struct buf *out; /* its rc tells what failed */
	char separator;
	size_t fields; /* of the record begun */
};
static inline struct csv_writer
csv_writer(struct buf *out)
{
	return (struct csv_writer){ .out = out, .separator = ',' };
}
void csv_text(struct csv_writer *w, struct slice value); /* guarded */
void csv_number(struct csv_writer *w, int64_t value);
/* Just this: only for what is ours, such as names of columns and times. */
void csv_plain(struct csv_writer *w, struct slice value);
/* Ends the record.  The buffer's rc. */
int csv_end(struct csv_writer *w);
/* A value that csv_text() has written. */
struct slice csv_unguarded(struct slice value);

#endif /* PROTO_CSV_H */
