/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BLOCK_IMPORT_H
#define PROTO_BLOCK_IMPORT_H

#include "proto/address.h"
#include "proto/block.h"
#include "proto/csv.h"

/*
 * Lists of addresses that another service no longer sends to, read as blocks.
 * CSV (RFC 4180; proto/csv.h) with columns in any order, or JSON: one object a
 * line, an array of objects, or an object with such an array.  Pure.
 *
 * The names of the columns tell whose file it is:
 *	postern   address, state, status, count, since, ...: our own export
 *	ses       EmailAddress, Reason (BOUNCE, COMPLAINT), LastUpdateTime; or,
 *	          without a header, address and reason
 *	mailgun   address, and code, error (bounces), tags (unsubscribes) or
 *	          neither (complaints); created_at
 *	sendgrid  email, created, and status, reason (bounces, blocks), reason
 *	          alone (invalid), ip (spam reports) or none (unsubscribes)
 *	resend    email, origin (bounce, complaint, manual), created_at
 *	plain     addresses, and a reason maybe
 */
enum import_format {
	IMPORT_AUTO,
	IMPORT_POSTERN,
	IMPORT_SES,
	IMPORT_MAILGUN,
	IMPORT_SENDGRID,
	IMPORT_RESEND,
	IMPORT_PLAIN,
	IMPORT_FORMATS
};
const char *import_format_word(enum import_format format); /* "postern" */
int import_format_parse(struct slice word, enum import_format *ret_format);

/* What a column holds; of more than one by that name the first counts. */
enum import_column {
	COLUMN_ADDRESS,
	COLUMN_REASON,
	COLUMN_CODE,
	COLUMN_STATUS,
	COLUMN_CREATED,
	COLUMN_ORIGIN,
	COLUMN_STATE,
	COLUMN_STREAM,
	COLUMN_NOTE,
	COLUMN_EXPIRES,
	COLUMN_COUNT,
	COLUMN_FIRST,
	COLUMN_LAST,
	COLUMN_TAGS,
	COLUMN_IP,
	COLUMN_COUNT_OF_THEM
};

#define IMPORT_RECORD_MAX CSV_RECORD_MAX /* octets of one record */
struct json;
struct block_import {
	/* set by the caller */
	enum import_format format;
	bool exempt;         /* make exemptions of them */
	bool any_fault;      /* also what was not the recipient's fault */
	struct slice note;   /* absent: that of the file */
	struct slice stream; /* absent: that of the file */
	int64_t expires_s;   /* 0: that of the file */
	int64_t now_s;       /* what has no date, or one to come, is of now */
	/* its own */
	enum { FILE_UNKNOWN, FILE_CSV, FILE_JSON } kind;
	char separator;
	bool header_read;
	int column[COLUMN_COUNT_OF_THEM]; /* its place; -1: none */
	enum { JSON_TOP, JSON_LIST, JSON_TAIL } place;
	unsigned depth;    /* of JSON_TAIL; 0 in JSON_LIST: in no object */
	struct json *tree; /* the record's */
	uint64_t line;     /* at which the next record begins */
	char room[ADDRESS_MAX];
	char number[COLUMN_COUNT_OF_THEM][24];
	char text[BLOCK_TEXT_MAX + 20];
	char error[160];
};
void block_import_init(struct block_import *im, int64_t now_s);
void block_import_done(struct block_import *im);

enum import_row_kind {
	IMPORT_ROW,
	IMPORT_NOTHING, /* a header, an empty line, a record that is no block */
	IMPORT_SKIPPED, /* refused for what was the sender's or receiver's
			   fault: blocking would punish the innocent */
	IMPORT_WRONG,   /* error says what */
};
struct import_row {
	enum import_row_kind kind;
	uint64_t line;
	struct slice address; /* canonical */
	struct block block;   /* state blocked or exempt */
	const char *error;    /* of IMPORT_WRONG: for a person */
};
/*
 * The record at the head of the text, which is written to (csv_read).
 * final      nothing comes behind
 * ret_row    its slices and texts live until the next call
 * Returns octets consumed; 0: more must be read first, or (final, len 0)
 * nothing is left.  ERR_SYNTAX: this file can not be read at all; im->error
 * says why.
 */
int block_import_next(struct block_import *im, char *at, size_t len, bool final,
    struct import_row *ret_row);

/* The columns of the export, which is read as IMPORT_POSTERN. */
void block_export_header(struct csv_writer *w);
void block_export_row(struct csv_writer *w, struct slice address,
    const struct block *b);

#endif /* PROTO_BLOCK_IMPORT_H */
