/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of other services: reading always comes to an end, and a row that is
 * read is written and read again as the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/block_import.h"

#define NOW INT64_C(1764000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_row(const struct import_row *row)
{
	static struct block_import im;
	struct import_row again;
	struct buf out;
	struct csv_writer w = csv_writer(&out);
	size_t at = 0;
	int rc;

	buf_init(&out, 1 << 20);
	block_export_header(&w);
	block_export_row(&w, row->address, &row->block);
	block_import_init(&im, NOW);
	do {
		rc = block_import_next(&im, out.at + at, out.len - at, true,
		    &again);
		at += rc > 0 ? (size_t)rc : 0;
	} while (rc > 0 && again.kind == IMPORT_NOTHING);
	if (out.len < IMPORT_RECORD_MAX &&
	    (rc <= 0 || again.kind != IMPORT_ROW ||
		!slice_eq(again.address, row->address) ||
		again.block.state != row->block.state ||
		again.block.status != row->block.status ||
		!slice_eq(again.block.stream, row->block.stream) ||
		!slice_eq(again.block.reason, row->block.reason)))
		abort();
	block_import_done(&im);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct block_import im;
	char *text = malloc(size + !size);
	struct import_row row;
	size_t at = 0;
	int rc;

	if (text == NULL)
		exit(1);
	if (size > 0)
		memcpy(text, data, size);
	block_import_init(&im, NOW);
	while ((rc = block_import_next(&im, text + at, size - at, true, &row)) >
	       0) {
		at += (size_t)rc;
		if (row.kind == IMPORT_ROW)
			check_row(&row);
		if (row.kind == IMPORT_WRONG && row.error == NULL)
			abort();
	}
	if (rc == 0 && at != size)
		abort(); /* it stands still */
	block_import_done(&im);
	free(text);
	return 0;
}
