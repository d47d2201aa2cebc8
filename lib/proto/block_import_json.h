/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROTO_BLOCK_IMPORT_JSON_H
#define PROTO_BLOCK_IMPORT_JSON_H

#include "proto/block_import.h"

/* Inside of block_import.c: the columns of one record. */
struct import_fields {
	struct slice at[COLUMN_COUNT_OF_THEM]; /* absent: no such column */
	bool sends_grid; /* the date is called as only one of them does */
	bool created_at;
	bool email; /* the address is called "email" */
	bool emailaddress;
};
/* Which column has this name; COLUMN_COUNT_OF_THEM: none that matters. */
enum import_column import_column_named(struct slice name,
    struct import_fields *fields);
/*
 * The next JSON object at the head of the text, as block_import_next.
 * ret_found  false: what was consumed has none
 */
int import_json_next(struct block_import *im, struct slice text, bool final,
    struct import_row *ret_row, struct import_fields *ret_fields,
    bool *ret_found, uint64_t *ret_lines);

#endif /* PROTO_BLOCK_IMPORT_JSON_H */
